"""Device authorization (RFC 8628 section 3): ask for a code, and read what polling for the token gives.

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
"""Seconds between two polls when the service names none (RFC 8628 section 3.2)."""
LONGEST_INTERVAL_IN = 60
"""Seconds; a person who has signed in does not wait longer for this program to notice."""
LONGEST_LIFE_IN = 3600
"""Entra gives 15 minutes; a service that gives more than an hour is asked for another code by then."""


@value
class DeviceAuthorization:
    """What was granted: the code to poll with, seconds between polls, and what the person is told.

    `warning` is a sentence to say before that, where the page is at a host that the authority has no business naming.
    """

    device_code: str = field(repr=False)
    interval_in: float
    prompt: DevicePrompt
    warning: str = ""


def device_request(request: TokenRequest) -> HttpRequest:
    """POST to the device authorization endpoint: client_id, scope, claims. Raises UsageError where there is none."""
    if request.authority.token_url:
        raise UsageError(
            "The device code flow needs Entra; of a standard OAuth server only the token endpoint is known.",
            "Sign in there by its own means and keep the refresh token: mstoken login --refresh-token-stdin",
        )
    form = {"client_id": request.client_id, "scope": " ".join(dict.fromkeys((*request.scopes, *OIDC)))}
    if claims := claims_parameter(request.claims, enable_cae=request.enable_cae):
        form["claims"] = claims
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    url = f"{request.authority.origin}/{request.authority.tenant}/oauth2/v2.0/devicecode"
    return HttpRequest("POST", url, headers, form_encoded(form))


def read_device_authorization(response: HttpResponse, request: TokenRequest, now: float) -> DeviceAuthorization:
    """The codes in the answer. Raises what `refusal_of` gives, UnreadableAnswer for what is no answer."""
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
    """The host of the page, '' for an address that a person should not open.

    Only https, and nothing that could hide another host: user info, a backslash, a blank, letters of other alphabets.
    """
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return ""
    plain = is_visible(uri) and "\\" not in uri and "@" not in parts.netloc
    return host if plain and parts.scheme == "https" else ""


def _message(said: object, uri: str, user_code: str) -> str:
    """The service's own sentence, if it names the page, the code and no other page; else ours."""
    sentence = one_line(said, 2000)
    if uri in sentence and user_code in sentence and sentence.count("://") == sentence.count(uri):
        return sentence
    return f"Open {uri} and enter the code {user_code}."


def _warning(host: str, authority: Authority) -> str:
    """A warning about a page that is neither the authority's own nor one of Microsoft's; '' for those."""
    own = urlsplit(authority.origin).hostname or ""
    if host == own or host in DEVICE_HOSTS:
        return ""
    return (
        f"The page for the code is at {host}, which belongs neither to {own} nor to Microsoft's sign-in. "
        "Enter the code there only if you know that it is right."
    )


def _interval(written: object, now: float) -> float:
    """Seconds between polls. What is absent or makes no sense is the usual pause (RFC 8628 section 3.2)."""
    try:
        seconds = seconds_until(written, now)
    except ValueError:
        return USUAL_INTERVAL_IN
    return min(seconds, LONGEST_INTERVAL_IN) if seconds > 0 else USUAL_INTERVAL_IN


def _life(written: object, now: float) -> int:
    """Seconds for which the code may be used. Raises UnreadableAnswer for a time that cannot be read or has passed."""
    try:
        seconds = LONGEST_LIFE_IN if written is None else min(int(seconds_until(written, now)), LONGEST_LIFE_IN)
    except ValueError:
        seconds = 0
    if seconds < 1:
        raise UnreadableAnswer(
            "The device authorization endpoint gave an expires_in that is no time, or one that has passed.",
            "Check the authority and its clock.",
        )
    return seconds
