"""When to slow down, according to an API's responses, and whom that concerns. Nothing here does I/O.

Microsoft Graph says how much of a limit is used, and whose limit a 429 is about: an application in a tenant, all of a
tenant, or an application in all tenants (`x-ms-throttle-…`). Azure Resource Manager says how many requests are left
(`x-ms-ratelimit-remaining-…`). The rules and their sources are in pacing.toml.
"""

from __future__ import annotations

import json
import re

from mstoken.fingerprints import fingerprint_of_parts
from mstoken.flows.retry import pause_left_in
from mstoken.protocol.retry_after import requested_wait
from mstoken.rest.api_errors import parse_api_error
from mstoken.rest.facts import facts
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.urls import path_of
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mstoken.model import Note, TokenRequest
    from mstoken.protocol.http import HttpResponse

PACED = frozenset({"graph", "arm"})
"""Services whose headers are known."""

ANY = "ReadWrite"
_SCOPES = {"Tenant_Application": ("tenant", True), "Tenant": ("tenant", False), "Application": ("application", True)}
"""Graph's words for a limit: whose requests it counts, and whether only those of this application."""

_KINDS = {"GET": "Read", "HEAD": "Read", "OPTIONS": "Read", "DELETE": "Delete"}
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/?]+)", re.IGNORECASE)
_REMAINING = re.compile(r"x-ms-ratelimit-remaining-(subscription|tenant)-(reads|writes|deletes)")


@value
class Pause:
    """A pause of `wait` seconds for requests of a kind. `place` names its note; `client` is '' for every client."""

    place: str
    kind: str
    client: str
    wait: float
    reason: str


@value
class Paced:
    """A request, as far as limits are concerned. `kind` is Read, Write, Delete, or ANY for a batch."""

    service: str
    kind: str
    client: str
    keys: Mapping[str, str]

    def pauses(self, response: HttpResponse, now: float) -> Iterator[Pause]:
        """Yield the pauses that a response asks for or suggests; `now` is epoch seconds, UTC."""
        rules = _graph_pauses if self.service == "graph" else _arm_pauses
        yield from rules(self, response, now)

    def pause_left(self, note: Note, now: float) -> tuple[float, str]:
        """Return the seconds of a shared pause that are left for this request, and why; 0 if it is not concerned."""
        left = pause_left_in(note, now)
        try:
            kind, client, until, reason = json.loads(note.text)
            left = min(left, float(until) - now)
        except (ValueError, TypeError):
            return 0.0, ""
        concerned = client in ("", self.client) and (ANY in (kind, self.kind) or kind == self.kind)
        return (left, str(reason)) if concerned and left > 0 else (0.0, "")


def note_text(pause: Pause, now: float) -> str:
    """Return the text of the note that shares the pause."""
    return json.dumps([pause.kind, pause.client, now + pause.wait, pause.reason])


def paced(method: str, url: str, service: str, token_request: TokenRequest) -> Paced | None:
    """Return the request as limits see it; None for a service whose limits are unknown.

    The keys are those of the notes that concern it, by whose limit it is: tenant, application or subscription.
    """
    if service not in PACED:
        return None
    authority, path = token_request.authority, path_of(url)
    client = authority.normalized(token_request.credential.acting_client_id(token_request.client_id))
    kind, origin = _KINDS.get(method, "Write"), url[: len(url) - len(path)].lower()
    owners = {"tenant": authority.normalized(authority.tenant), "application": client}
    if service == "graph":
        kind = ANY if path.partition("?")[0].lower().endswith("/$batch") else "Read" if kind == "Read" else "Write"
    else:
        account = token_request.credential.account_name(authority, token_request.client_id)
        client = f"{client} {account}".strip()  # Resource Manager counts by principal
        found = _SUBSCRIPTION.search(path)
        owners = {"subscription": found[1].lower()} if found else {"tenant": owners["tenant"]}
    keys = {place: fingerprint_of_parts("pace", origin, place, owner) for place, owner in owners.items()}
    return Paced(service, kind, client, keys)


def _graph_pauses(request: Paced, response: HttpResponse, now: float) -> Iterator[Pause]:
    scope, _, rest = response.headers.get("x-ms-throttle-scope", "").partition("/")
    named = rest.partition("/")[0]
    kind = named if named in ("Read", "Write") else ANY
    if response.status == 429:
        wait = requested_wait(response.headers, now)
        if wait and scope in _SCOPES:  # without a scope, the limit may be that of a mailbox or a workload
            yield _graph_pause(request, scope, kind, wait, "it returned 429")
        return
    share, rules = _number(response.headers.get("x-ms-throttle-limit-percentage", "")), facts("pacing")["graph"]
    begin, window_in = float(rules["from"]), float(rules["window_in"])
    if share is not None and share > begin:
        wait = min(window_in * (share - begin) / (1 - begin), window_in)
        yield _graph_pause(request, scope, kind, wait, f"{100 * share:.0f} % of a limit is used")


def _graph_pause(request: Paced, scope: str, kind: str, wait: float, reason: str) -> Pause:
    place, own = _SCOPES.get(scope, _SCOPES["Tenant_Application"])
    return Pause(request.keys[place], kind, request.client if own else "", wait, reason)


def _arm_pauses(request: Paced, response: HttpResponse, now: float) -> Iterator[Pause]:
    key = next(iter(request.keys.values()))
    if response.status == 429:
        wait = requested_wait(response.headers, now)
        if wait and parse_api_error(response.body)[0] in facts("pacing")["arm"]["codes"]:
            yield Pause(key, request.kind, request.client, wait, "it returned 429")
        return
    for name, text in response.headers.items():
        found, left = _REMAINING.fullmatch(name), _number(text)
        if found is None or left is None or found[1] not in request.keys:
            continue
        rules: Any = facts("pacing")[f"arm.{found[2]}"]
        low = float(rules["low"])
        if left < low:
            wait = (low - left) / float(rules["per_second"])
            yield Pause(key, rules["kind"], request.client, wait, f"{left:.0f} {found[2]} are left")


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", text.strip()) else None
