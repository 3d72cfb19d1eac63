"""Device authorization (RFC 8628 section 3): request a code, and parse the responses to polling.

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
"""

from __future__ import annotations

from urllib.parse import urlsplit

from mstoken.clouds import DEVICE_HOSTS
from mstoken.credentials import DevicePrompt
from mstoken.errors import UnreadableAnswer, UsageError
from mstoken.protocol.authorize_url import OIDC
from mstoken.protocol.claims import claims_parameter
from mstoken.protocol.http import HttpRequest
from mstoken.protocol.refusal import refusal_of
from mstoken.protocol.server_text import LONGEST_WORD, is_visible, one_line
from mstoken.protocol.times import seconds_until
from mstoken.protocol.token_endpoint import form_encoded, json_object
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from mstoken.authority import Authority
    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpResponse

USUAL_INTERVAL_IN = 5
"""Seconds between two polls if the service names none (RFC 8628 section 3.2)."""
LONGEST_INTERVAL_IN = 60
"""Maximum interval in seconds, so that a person who has signed in does not wait long for this program to notice."""
LONGEST_LIFE_IN = 3600
"""Maximum lifetime of a code in seconds. Entra gives 15 minutes; after an hour, another code is requested."""


@value
class DeviceAuthorization:
    """The authorization: the code for polling, the seconds between polls, and the instructions for the person.

    `warning` is a sentence to show first if the page is at a host that does not belong to the authority.
    """

    device_code: str = field(secret=True)
    interval_in: float
    prompt: DevicePrompt
    warning: str = ""


def device_request(request: TokenRequest) -> HttpRequest:
    """POST to the device authorization endpoint: client_id, scope, claims. Raises UsageError if there is none."""
    if request.authority.token_url:
        raise UsageError(
            "The device code flow needs Entra; of a standard OAuth server only the token endpoint is known.",
            "Sign in there by its own means and keep the refresh token: mstoken login --refresh-token-stdin",
        )
    form = {"client_id": request.client_id, "scope": " ".join(dict.fromkeys((*request.scopes, *OIDC)))}
    if claims := claims_parameter(request.claims, enable_cae=request.enable_cae):
        form["claims"] = claims
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return HttpRequest("POST", request.authority.endpoint("devicecode"), headers, form_encoded(form))


def parse_device_authorization(response: HttpResponse, request: TokenRequest, now: float) -> DeviceAuthorization:
    """Return the codes in the response. Raises what `refusal_of` returns; UnreadableAnswer for an invalid response."""
    if response.status != 200:
        raise refusal_of(response, now, request)
    body = json_object(response)
    code, user_code, uri = body.get("device_code"), body.get("user_code"), str(body.get("verification_uri"))
    host = _host(uri)
    if not is_visible(code) or not user_code or one_line(user_code, LONGEST_WORD) != user_code or not host:
        raise UnreadableAnswer(
            "The device authorization endpoint answered without usable codes.", "Check the authority."
        )
    return DeviceAuthorization(
        device_code=code,
        interval_in=_interval(body.get("interval"), now),
        prompt=DevicePrompt(
            user_code=user_code,
            verification_uri=uri,
            expires_in=_life(body.get("expires_in"), now),
            message=_message(body.get("message"), uri, user_code),
        ),
        warning=_warning(host, request.authority),
    )


def _host(uri: str) -> str:
    """Return the host of the page, '' for an address that a person should not open.

    Only https is accepted, and nothing that could hide another host: user info, a backslash, a space, non-ASCII
    letters.
    """
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return ""
    plain = is_visible(uri) and "\\" not in uri and "@" not in parts.netloc
    return host if plain and parts.scheme == "https" else ""


def _message(text: object, uri: str, user_code: str) -> str:
    """Return the service's own sentence, if it names the page, the code and no other page; else a standard one."""
    sentence = one_line(text, 2000)
    if uri in sentence and user_code in sentence and sentence.count("://") == sentence.count(uri):
        return sentence
    return f"Open {uri} and enter the code {user_code}."


def _warning(host: str, authority: Authority) -> str:
    """Return a warning about a page that belongs neither to the authority nor to Microsoft; '' for other pages."""
    own = urlsplit(authority.origin).hostname or ""
    if host == own or host in DEVICE_HOSTS:
        return ""
    return (
        f"The page for the code is at {host}, which belongs neither to {own} nor to Microsoft's sign-in. "
        "Enter the code there only if you know that it is right."
    )


def _interval(written: object, now: float) -> float:
    """Return the seconds between polls; the default if they are absent or invalid (RFC 8628 section 3.2)."""
    try:
        seconds = seconds_until(written, now)
    except ValueError:
        return USUAL_INTERVAL_IN
    return min(seconds, LONGEST_INTERVAL_IN) if seconds > 0 else USUAL_INTERVAL_IN


def _life(written: object, now: float) -> int:
    """Return the seconds for which the code is valid. Raises UnreadableAnswer for an invalid or past time."""
    try:
        seconds = LONGEST_LIFE_IN if written is None else min(int(seconds_until(written, now)), LONGEST_LIFE_IN)
    except ValueError:
        seconds = 0
    if seconds < 1:
        raise UnreadableAnswer(
            "The device authorization endpoint sent an expires_in that is not a time, or is in the past.",
            "Check the authority and its clock.",
        )
    return seconds
