"""The facts of a token as lines of words: a label and what is to say under it."""

from __future__ import annotations

from mstoken import clouds
from mstoken.cli.inspection.facts import PERSONAL_TENANT, time_in
from mstoken.cli.inspection.words import word
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mstoken.cli.inspection.facts import Facts

UNCHECKED = "The signature was not checked: this is what the token says of itself."

Line = tuple[str, str]


def tell(facts: Facts, kind: str, now: float) -> list[Line]:
    """The story of a token at `now` (epoch seconds, UTC); `kind` as `kinds.of_jwt` names it."""
    return [
        ("For", _audience(facts, kind)),
        ("Issued by", _issuer(facts)),
        *([("Cloud", clouds.cloud(facts.cloud).title)] if facts.cloud else []),
        *_stands_for(facts),
        *_application(facts),
        *_times(facts, now),
        *_allowed(facts, kind),
        *_signed_in(facts),
        *_capabilities(facts, kind),
    ]


def tell_request(claims: dict[str, Any]) -> list[Line]:
    """What a signed request (draft-ietf-oauth-signed-http-request-03 section 3) was signed for, and when."""
    method, host, path = (str(claims.get(name) or "") for name in ("m", "u", "p"))
    signed_on = time_in(claims, "ts")
    return [
        ("For", f"{method} {host}{path}".strip() or "any request: nothing of one is signed"),
        ("Signed", "it does not say when (no ts)" if signed_on is None else moment(signed_on)),
    ]


def _audience(facts: Facts, kind: str) -> str:
    if not facts.audience:
        return "it does not say (no aud)"
    if kind == "ID token":
        return f"the application {_named(word('client', facts.audience), facts.audience)}"
    return _named(facts.service, facts.audience)


def _issuer(facts: Facts) -> str:
    if not facts.issuer:
        return "it does not say (no iss)"
    if not facts.tenant:
        return facts.issuer
    tenant = "personal Microsoft accounts" if facts.tenant == PERSONAL_TENANT else f"tenant {facts.tenant}"
    return f"{tenant} ({facts.issuer})"


def _stands_for(facts: Facts) -> Iterator[Line]:
    if facts.stands_for == "user":
        who = _named(facts.user_name, facts.user) or "one whose name it does not say"
        guest = ", a guest in this tenant" if facts.guest else ""
        home = f", signed in at {_provider(facts.identity_provider)}" if facts.identity_provider else ""
        yield "Stands for", f"a user: {who}{guest}{home}"
    elif facts.stands_for:
        yield "Stands for", f"the {facts.stands_for} itself, no user"
    else:
        yield "Stands for", "it does not say whether a user or an application"
    if facts.object_id:
        yield "Object ID", facts.object_id


def _provider(idp: str) -> str:
    return "a personal Microsoft account" if idp == "live.com" or PERSONAL_TENANT in idp else idp


def _application(facts: Facts) -> Iterator[Line]:
    if facts.client_id:
        proof = f", {facts.proof}" if facts.proof else ""
        yield "Application", f"{_named(facts.client, facts.client_id)}{proof}"


def _times(facts: Facts, now: float) -> Iterator[Line]:
    if facts.expires_on is None:
        yield "Expires", "it does not say (no exp)"
    elif facts.expires_on <= now:
        yield "Expired", f"{moment(facts.expires_on)}, {span(now - facts.expires_on)} ago"
    else:
        yield "Valid until", f"{moment(facts.expires_on)}, {span(facts.expires_on - now)} left"
    if facts.not_before_on is not None and facts.not_before_on > now:
        wait = span(facts.not_before_on - now)
        yield "Not before", f"{moment(facts.not_before_on)}, in {wait}: not valid yet, or this clock is behind"
    if facts.issued_on is not None:
        yield "Issued", moment(facts.issued_on)


def _allowed(facts: Facts, kind: str) -> Iterator[Line]:
    if facts.delegated:
        whose = "on behalf of the user (delegated), where the user may too: " if facts.stands_for == "user" else ""
        yield "Allowed", f"{whose}{', '.join(facts.delegated)}"
    if facts.application:
        whose = "roles given to the user" if facts.stands_for == "user" else "as the application itself"
        yield "Allowed", f"{whose}: {', '.join(facts.application)}"
    if not facts.delegated and not facts.application and kind == "access token":
        yield "Allowed", "no permissions stand in it; the API decides by its own rules, as Azure's roles do, or refuses"
    if facts.directory_roles:
        yield "Directory", ", ".join(facts.directory_roles)


def _signed_in(facts: Facts) -> Iterator[Line]:
    if facts.methods:
        told = ", ".join(_named(word("method", method), method) for method in facts.methods)
        yield "Signed in", told
        yield "MFA", "yes" if facts.mfa else "no"
    elif facts.stands_for == "user":
        yield "MFA", "it does not say (no amr; v2.0 access tokens have none)"


def _capabilities(facts: Facts, kind: str) -> Iterator[Line]:
    if facts.cae:
        yield "CAE", "yes: the client takes claims challenges, so the token may live long and be revoked early"
    elif kind == "access token" and facts.tenant:
        yield "CAE", "no"
    if facts.bound_to_key:
        yield "Bound", "to a key (cnf): it is of no use without that key"


def _named(name: str, identifier: str) -> str:
    """`name (identifier)`, or the one there is."""
    return f"{name} ({identifier})" if name and identifier else name or identifier


def moment(on: int) -> str:
    """A time (epoch seconds, UTC) as UTC, and as the clock on the wall shows it where that differs."""
    from datetime import UTC, datetime

    there = datetime.fromtimestamp(on, UTC)
    told = f"{there:%Y-%m-%d %H:%M:%S} UTC"
    try:
        here = there.astimezone()
    except (OverflowError, OSError, ValueError):  # the last hours of the year 9999, east of Greenwich
        return told
    return told if not here.utcoffset() else f"{told} ({here:%Y-%m-%d %H:%M:%S} local time)"


def span(seconds: float) -> str:
    """A stretch of time in its two largest units: `59 minutes`, `1 hour 20 minutes`."""
    rest = int(seconds)
    parts: list[str] = []
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, rest = divmod(rest, size)
        if count or (unit == "second" and not parts):
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    if len(parts) > 1 and parts[0].split()[1].startswith("minute"):
        return parts[0]
    return " ".join(parts[:2])
