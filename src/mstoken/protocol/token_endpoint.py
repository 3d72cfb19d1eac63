"""The token endpoint: build the request, read the answer (RFC 6749 sections 4.4, 5.1, 5.2 and 6)."""

from __future__ import annotations

import json
from codecs import BOM_UTF8

from mstoken.errors import UnreadableAnswer, UsageError
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
"""Life assumed when a server names none (RFC 6749 section 5.1 only recommends it), in seconds: short, to be safe."""
LONGEST_LIFE_IN = 366 * 24 * 3600
"""A longer life, in seconds, is a mistake of the server; the token is asked for again after this."""
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
    `unusable` names the fields that were left out because they are not what they should be.
    """

    token: Token
    refresh_token: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    family: str = ""
    unusable: tuple[str, ...] = ()


_OPTIONAL: dict[str, Callable[[object], bool]] = {
    "refresh_token": is_spaced,
    "id_token": is_visible,
    "scope": is_spaced,
    "foci": is_word,
}
"""Fields that an answer may lack, and what each has to be."""


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
    """application/x-www-form-urlencoded (RFC 6749 appendix B); the names are parameters', plain as they are.

    Raises UsageError that names a value which UTF-8 cannot carry, such as bytes of the environment that are not text.
    """
    try:
        pairs = [f"{name}={text.encode().decode('latin-1').translate(_QUOTED)}" for name, text in form.items()]
    except UnicodeEncodeError:
        odd = next(name for name, text in form.items() if not is_encodable(text))
        raise UsageError(f"The value of {odd} is not text that UTF-8 can carry.", "Set it anew.") from None
    return "&".join(pairs).encode()


def parse_token_response(response: HttpResponse, request: TokenRequest, now: float, jitter: float) -> TokenResponse:
    """The token in the answer to `request` at `now` (epoch seconds, UTC); `jitter` in [0, 1) spreads renewals.

    Raises a TokenRefused or TryLater by the service's own error, UnreadableAnswer for what is no answer.
    """
    if response.status != 200:
        from mstoken.protocol.refusal import refusal_of

        raise refusal_of(response, now, request)
    body = json_object(response)
    value, kind = body.get("access_token"), body.get("token_type") or "Bearer"
    if not is_visible(value):
        raise _unusable("access_token")
    if not is_word(kind):
        raise _unusable("token_type")
    unusable = tuple(name for name, fits in _OPTIONAL.items() if body.get(name) is not None and not fits(body[name]))
    texts = {name: body[name] for name in _OPTIONAL if body.get(name) and name not in unusable}
    if request.key_id and kind.lower() != "pop":
        raise UnreadableAnswer(
            "A token bound to a key was asked for, and a bearer token came; it is not used.",
            "Ask for a bearer token where the resource takes no others.",
        )
    came_on = int(now)
    life = _life(body, value, response, came_on)
    renew = _renewal(body.get("refresh_in"), came_on) or int(life * (RENEW_AFTER - 0.1 * jitter))
    return TokenResponse(
        Token(
            token=value,
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


def _unusable(name: str) -> UnreadableAnswer:
    return UnreadableAnswer(
        f"The token service answered without a usable {name}.", "Check that the authority is a token service."
    )


def _life(body: Mapping[str, Any], token: str, response: HttpResponse, now: int) -> int:
    """Seconds that the token may be used: what the answer says, and never more than the token itself says.

    Raises UnreadableAnswer for a time that cannot be read, or that has passed.
    """
    life = float(LONGEST_LIFE_IN)
    told = next((name for name in ("expires_in", "expires_on") if body.get(name) not in (None, "")), "")
    try:
        life = min(life, _left_in(body[told], response, now) if told else UNSAID_LIFE_IN)
    except ValueError:
        raise _senseless(told) from None
    if told == "expires_on" and life < LEEWAY_IN:  # a time that has passed, or 1 and the like, which is none
        life = 0
    carried = expires_on(token)
    if carried is not None and (left := carried - now) < life:
        if left < life - CLOCK_SKEW_IN:  # one of the two clocks is wrong, or the answer is
            left = carried - _their_clock(response, now)
        if left < 1:
            raise UnreadableAnswer(
                "The token service gave a token that has expired, by the exp in the token itself. It is not used.",
                "Check this machine's clock (`mstoken doctor` compares it), then get another token.",
            )
        life = min(life, left)
    if life < 1:
        raise _senseless(told)
    return int(life)


def _left_in(written: object, response: HttpResponse, now: int) -> float:
    """Seconds until a time of the answer; one that counts from the epoch is compared with the server's own clock."""
    seconds, since_epoch = time_in(written)
    return seconds - _their_clock(response, now) if since_epoch else seconds


def _their_clock(response: HttpResponse, now: int) -> float:
    return server_clock(response.headers.get("date", ""), now)


def _senseless(name: str) -> UnreadableAnswer:
    return UnreadableAnswer(
        f"The token service gave an {name} that is no time, or one that has passed.",
        "Check the authority and its clock.",
    )


def _renewal(written: object, now: int) -> int:
    """Seconds until the token should be renewed, a hint; 0 where it is absent or makes no sense."""
    try:
        return 0 if written is None else max(int(seconds_until(written, now)), 0)
    except ValueError:
        return 0
