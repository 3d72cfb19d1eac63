"""The token endpoint: build the request, parse the response (RFC 6749 sections 4.4, 5.1, 5.2 and 6)."""

from __future__ import annotations

import json
from codecs import BOM_UTF8

from mstoken.errors import UnreadableAnswer, UsageError
from mstoken.hidden import HiddenDict, hidden
from mstoken.model import LEEWAY_IN, Token
from mstoken.protocol.claims import claims_parameter
from mstoken.protocol.http import HttpRequest
from mstoken.protocol.jwt import expires_on
from mstoken.protocol.server_text import is_spaced, is_visible, is_word
from mstoken.protocol.times import CLOCK_SKEW_IN, seconds_until, server_clock, time_in
from mstoken.texts import is_encodable
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpResponse

UNSAID_LIFE_IN = 300
"""Lifetime in seconds if the server names none (RFC 6749 section 5.1 only recommends it): short, to be safe."""
LONGEST_LIFE_IN = 366 * 24 * 3600
"""Longest lifetime in seconds. A longer one is a mistake of the server; the token is requested again after this."""
RENEW_AFTER = 0.8
"""Fraction of its lifetime after which a token is renewed if the service sends no `refresh_in`."""


_decode_json = json.JSONDecoder().decode

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")
_QUOTED = [chr(byte) if byte in _PLAIN else "+" if byte == 32 else f"%{byte:02X}" for byte in range(256)]
"""The encoding of each byte in a form (RFC 6749 appendix B; unreserved characters: RFC 3986 section 2.3)."""


@value
class TokenResponse:
    """A successful response: the access token, and what came with it ('' if it did not).

    `family` is the family of clients that may share the refresh token (Entra's `foci`; only Microsoft's own have one).
    `unusable` names the fields that were left out because they are invalid.
    """

    token: Token
    refresh_token: str = field(default="", secret=True)
    id_token: str = field(default="", secret=True)
    family: str = ""
    unusable: tuple[str, ...] = ()


_OPTIONAL: dict[str, Callable[[object], bool]] = {
    "refresh_token": is_spaced,
    "id_token": is_visible,
    "scope": is_spaced,
    "foci": is_word,
}
"""Optional fields of a response, and the check for each."""


def build_token_request(request: TokenRequest, client_auth: Mapping[str, str], grant: Mapping[str, str]) -> HttpRequest:
    """POST to the token endpoint: client_id, client authentication if any, the grant's fields, scope, claims.

    Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow and
    v2-oauth2-auth-code-flow (refresh). Raises UsageError for claims that are not a JSON object.
    """
    form = {"client_id": request.client_id, **client_auth, **grant}
    if request.scopes:  # else the server's default or the grant's applies: RFC 6749 sections 3.3 and 6
        form["scope"] = " ".join(request.scopes)
    if claims := claims_parameter(request.claims, enable_cae=request.enable_cae):
        form["claims"] = claims
    if request.key_id:
        from mstoken.protocol.pop import bound_to

        form |= bound_to(request.key_id)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return HttpRequest("POST", request.authority.token_endpoint, headers, form_encoded(form))


def form_encoded(form: Mapping[str, str]) -> bytes:
    """Encode as application/x-www-form-urlencoded (RFC 6749 appendix B). Names need no encoding.

    Raises UsageError, which names the value, for text that UTF-8 cannot encode, such as bytes of the environment that
    are not text.
    """
    try:
        pairs = [f"{name}={text.encode().decode('latin-1').translate(_QUOTED)}" for name, text in form.items()]
    except UnicodeEncodeError:
        odd = next(name for name, text in form.items() if not is_encodable(text))
        raise UsageError(f"The value of {odd} cannot be encoded in UTF-8.", "Set it again.") from None
    return "&".join(pairs).encode()


def parse_token_response(response: HttpResponse, request: TokenRequest, now: float, jitter: float) -> TokenResponse:
    """Return the token in the response to `request` at `now` (epoch seconds, UTC); `jitter` in [0, 1) spreads renewals.

    Raises a TokenRefused or TryLater by the service's own error, UnreadableAnswer for an invalid response.
    """
    if response.status != 200:
        from mstoken.protocol.refusal import refusal_of

        raise refusal_of(response, now, request)
    body = json_object(response)
    value, kind = hidden(body.get("access_token")), body.get("token_type") or "Bearer"
    if not is_visible(value):
        raise _unusable("access_token")
    if not is_word(kind):
        raise _unusable("token_type")
    unusable = tuple(name for name, fits in _OPTIONAL.items() if body.get(name) is not None and not fits(body[name]))
    texts = HiddenDict({name: body[name] for name in _OPTIONAL if body.get(name) and name not in unusable})
    if request.key_id and kind.lower() != "pop":
        raise UnreadableAnswer(
            "The request was for a token bound to a key, but the service issued a bearer token. It is not used.",
            "Request a bearer token if the resource accepts no others.",
        )
    came_on = int(now)
    life = _life(body, value, response, came_on)
    renew = _renewal(body.get("refresh_in"), came_on) or int(life * (RENEW_AFTER - 0.1 * jitter))
    return TokenResponse(
        Token(
            token=str(value),
            expires_on=came_on + life,
            token_type=kind,
            refresh_on=came_on + min(renew, life),
            scope=texts.get("scope", ""),
            got_on=came_on,
        ),
        refresh_token=texts.get("refresh_token", ""),
        id_token=texts.get("id_token", ""),
        family=texts.get("foci", ""),
        unusable=unusable,
    )


def json_object(response: HttpResponse) -> dict[str, Any]:
    """Return the body as a JSON object. Raises UnreadableAnswer, which says what arrived instead."""
    try:
        body = _decode_json(response.body.removeprefix(BOM_UTF8).decode())  # RFC 8259 section 8.1
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise UnreadableAnswer(*_describe_response(response))
    return HiddenDict(body)


def _describe_response(response: HttpResponse) -> tuple[str, str]:
    """Name the kind of response without quoting it: it may contain a token or an attack."""
    start = response.body[:512].lstrip().lower()
    if not start:
        return (
            f"The response (HTTP {response.status}) was empty.",
            "Try again. If the error remains, check the authority.",
        )
    if start.startswith(b"<"):
        return (
            f"The response (HTTP {response.status}) was a web page, not a token.",
            "A proxy or a sign-in portal answered in place of the service: check HTTPS_PROXY and the authority.",
        )
    if start.startswith(b"{"):
        return f"The response (HTTP {response.status}) was cut off or is broken JSON.", "Try again."
    return f"The response (HTTP {response.status}) was not JSON.", "Check that the authority is a token service."


def _unusable(name: str) -> UnreadableAnswer:
    return UnreadableAnswer(
        f"The token service answered without a usable {name}.", "Check that the authority is a token service."
    )


def _life(body: Mapping[str, Any], token: str, response: HttpResponse, now: int) -> int:
    """Return for how many seconds the token is valid: by the response, and never longer than by the token itself.

    Raises UnreadableAnswer for an invalid time, or one in the past.
    """
    life = float(LONGEST_LIFE_IN)
    member = next((name for name in ("expires_in", "expires_on") if body.get(name) not in (None, "")), "")
    try:
        life = min(life, _remaining_in(body[member], response, now) if member else UNSAID_LIFE_IN)
    except ValueError:
        raise _senseless(member) from None
    if member == "expires_on" and life < LEEWAY_IN:  # a time in the past, or a small number that is not a time
        life = 0
    carried = expires_on(token)
    if carried is not None and (remaining := carried - now) < life:
        if remaining < life - CLOCK_SKEW_IN:  # one of the two clocks, or the response, is wrong
            remaining = carried - _server_time(response, now)
        if remaining < 1:
            raise UnreadableAnswer(
                "The token service issued a token that has already expired, by its own exp claim. It is not used.",
                "Check this machine's clock (`mstoken doctor` compares it), then get another token.",
            )
        life = min(life, remaining)
    if life < 1:
        raise _senseless(member)
    return int(life)


def _remaining_in(written: object, response: HttpResponse, now: int) -> float:
    """Return the seconds until a time in the response. Epoch times are compared with the server's own clock."""
    seconds, since_epoch = time_in(written)
    return seconds - _server_time(response, now) if since_epoch else seconds


def _server_time(response: HttpResponse, now: int) -> float:
    return server_clock(response.headers.get("date", ""), now)


def _senseless(name: str) -> UnreadableAnswer:
    return UnreadableAnswer(
        f"The token service sent an {name} that is not a time, or is in the past.",
        "Check the authority and its clock.",
    )


def _renewal(written: object, now: int) -> int:
    """Return the seconds until the token should be renewed, a hint; 0 if it is absent or invalid."""
    try:
        return 0 if written is None else max(int(seconds_until(written, now)), 0)
    except ValueError:
        return 0
