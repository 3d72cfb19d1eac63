"""The token endpoint: build the request, read the answer (RFC 6749 sections 4.4, 5.1, 5.2 and 6)."""

from __future__ import annotations

import json
from codecs import BOM_UTF8

from mstoken.errors import UnreadableAnswer
from mstoken.model import Token
from mstoken.protocol.claims import claims_parameter
from mstoken.protocol.http import HttpRequest
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpResponse

UNSAID_LIFE_IN = 300
"""Life assumed when a server names none (RFC 6749 section 5.1 only recommends it), in seconds: short, to be safe."""
LONGEST_LIFE_IN = 366 * 24 * 3600
"""A longer life, in seconds, is a mistake of the server; the token is asked for again after this."""
_VISIBLE = bytes(range(ord("!"), ord("~") + 1))
"""What can stand in a header: visible ASCII (RFC 6750 section 2.1 says even less)."""
RENEW_AFTER = 0.8
"""Part of its life after which a token is renewed when the service gives no `refresh_in`."""


_read = json.JSONDecoder().decode

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")
_QUOTED = [chr(byte) if byte in _PLAIN else "+" if byte == 32 else f"%{byte:02X}" for byte in range(256)]
"""How each byte of a value stands in a form (RFC 6749 appendix B; those that stay: RFC 3986 section 2.3)."""


@value
class TokenResponse:
    """A successful answer: the access token, and what came with it ('' if it did not).

    `family` is the family of clients that may share the refresh token (Entra's `foci`; only Microsoft's own have one).
    """

    token: Token
    refresh_token: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    family: str = ""


def build_token_request(request: TokenRequest, client_auth: Mapping[str, str], grant: Mapping[str, str]) -> HttpRequest:
    """POST to the token endpoint: client_id, the client's proof if it has one, the grant's fields, scope, claims.

    Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow and
    v2-oauth2-auth-code-flow (refresh). Raises UsageError for claims that are not a JSON object.
    """
    form = {"client_id": request.client_id, **client_auth, **grant}
    if request.scopes:  # without one the server's default holds, or the grant's: RFC 6749 sections 3.3 and 6
        form["scope"] = " ".join(request.scopes)
    if claims := claims_parameter(request.claims, enable_cae=request.enable_cae):
        form["claims"] = claims
    if request.key_id:
        from mstoken.protocol.pop import bound_to

        form |= bound_to(request.key_id)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return HttpRequest("POST", request.authority.token_endpoint, headers, form_encoded(form))


def form_encoded(form: Mapping[str, str]) -> bytes:
    """application/x-www-form-urlencoded (RFC 6749 appendix B); the names are parameters', plain as they are."""
    pairs = [f"{name}={text.encode().decode('latin-1').translate(_QUOTED)}" for name, text in form.items()]
    return "&".join(pairs).encode()


def parse_token_response(response: HttpResponse, request: TokenRequest, now: float, jitter: float) -> TokenResponse:
    """The token in the answer to `request` at `now` (epoch seconds, UTC); `jitter` in [0, 1) spreads renewals.

    Raises a TokenRefused or TryLater by the service's own error, UnreadableAnswer for what is no answer.
    """
    if response.status != 200:
        from mstoken.protocol.refusal import refusal_of

        raise refusal_of(response, now, request)
    body = json_object(response)
    texts = {name: part for name, part in body.items() if isinstance(part, str)}
    value, kind = texts.get("access_token", ""), texts.get("token_type", "")
    if not value or not value.isascii() or value.encode().translate(None, _VISIBLE):
        raise UnreadableAnswer(
            "The token service answered without a usable access_token.", "Check that the authority is a token service."
        )
    if request.key_id and kind.lower() != "pop":
        raise UnreadableAnswer(
            "A token bound to a key was asked for, and a bearer token came; it is not used.",
            "Ask for a bearer token where the resource takes no others.",
        )
    life = _life(body.get("expires_in"))
    renew = _number(body.get("refresh_in")) or int(life * (RENEW_AFTER - 0.1 * jitter))
    return TokenResponse(
        Token(
            token=value,
            expires_on=int(now) + life,
            token_type=kind or "Bearer",
            refresh_on=int(now) + min(renew, life),
            scope=texts.get("scope", ""),
            got_on=int(now),
        ),
        refresh_token=texts.get("refresh_token", ""),
        id_token=texts.get("id_token", ""),
        family=texts.get("foci", ""),
    )


def json_object(response: HttpResponse) -> dict[str, Any]:
    """The body as a JSON object, or UnreadableAnswer that says what came instead."""
    try:
        body = _read(response.body.removeprefix(BOM_UTF8).decode())  # RFC 8259 section 8.1
    except (ValueError, RecursionError):
        raise UnreadableAnswer(*_what_came(response)) from None
    if not isinstance(body, dict):
        raise UnreadableAnswer(*_what_came(response))
    return body


def _what_came(response: HttpResponse) -> tuple[str, str]:
    """Name the kind of answer without quoting it: it may hold a token or a trick."""
    start = response.body[:512].lstrip().lower()
    if not start:
        return f"The answer (HTTP {response.status}) was empty.", "Ask again; if it stays so, check the authority."
    if start.startswith(b"<"):
        return (
            f"The answer (HTTP {response.status}) was a web page, not a token.",
            "A proxy or a sign-in portal answered in place of the service: check HTTPS_PROXY and the authority.",
        )
    if start.startswith(b"{"):
        return f"The answer (HTTP {response.status}) was cut off or is broken JSON.", "Ask again."
    return f"The answer (HTTP {response.status}) was not JSON.", "Check that the authority is a token service."


def _life(said: object) -> int:
    """A life in seconds, given as a number or (v1, managed identity) as text; UnreadableAnswer for anything else."""
    seconds = UNSAID_LIFE_IN if said is None else _number(said)
    if not seconds:
        raise UnreadableAnswer("The token service gave a senseless expires_in.", "Check the authority and its clock.")
    return min(seconds, LONGEST_LIFE_IN)


def _number(value: object) -> int:
    """A positive number, given as one or as text; 0 for anything else."""
    try:
        number = 0 if value is None or value is True else value if isinstance(value, int) else int(float(str(value)))
    except (ValueError, OverflowError):
        number = 0
    return max(number, 0)
