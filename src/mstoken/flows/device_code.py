"""Device code: a person types a code on any device while this program polls (RFC 8628).

Source of the intervals: RFC 8628 section 3.5; learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
"""

from __future__ import annotations

from functools import partial

from mstoken.errors import AuthorizationPending, SignInRequired, TokenRefused, TryLater
from mstoken.flows.client_auth import request_token
from mstoken.flows.retry import send_with_retry, time_left_in
from mstoken.foreign import ForeignCode
from mstoken.messages import warn
from mstoken.protocol.device_authorization import device_request, parse_device_authorization
from mstoken.protocol.id_token import parse_id_token
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.credentials import DeviceCode
    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.protocol.device_authorization import DeviceAuthorization
    from mstoken.protocol.id_token import SignedInUser
    from mstoken.protocol.token_endpoint import TokenResponse

SLOWER_BY_IN = 5
"""Seconds that each `slow_down` adds to the interval, permanently (RFC 8628 section 3.5)."""
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"

_PROMPT = ForeignCode(
    "The function that shows the device code", "Correct `prompt` of the DeviceCode; the cause is its own error."
)
_DECLINED = frozenset({"access_denied", "authorization_declined"})
_EXPIRED = frozenset({"expired_token", "code_expired"})


async def device_code(request: TokenRequest, credential: DeviceCode, port: Port) -> tuple[TokenResponse, SignedInUser]:
    """Show the code and poll until the person has signed in. Return the token response and the person.

    Raises SignInRequired if the code expires or the person declines; otherwise the error that the service reports.
    """
    parse = partial(parse_device_authorization, request=request, now=port.now())
    authorization = await send_with_retry(device_request(request), parse, time_left_in(request, port), port)
    expires_on = port.now() + authorization.prompt.expires_in
    if authorization.warning:
        warn(authorization.warning)
    if credential.prompt is not None:
        await port.call(partial(_PROMPT.calling(credential.prompt), authorization.prompt), blocks=False)
    else:
        port.show_message(authorization.prompt.message)
    answer = await _poll(authorization, expires_on, request, credential, port)
    return answer, parse_id_token(answer.id_token, request, "", port.now())


async def _poll(
    authorization: DeviceAuthorization, expires_on: float, request: TokenRequest, credential: DeviceCode, port: Port
) -> TokenResponse:
    interval_in = authorization.interval_in
    form = {"grant_type": GRANT_TYPE, "device_code": authorization.device_code}
    while port.now() + interval_in < expires_on:
        await port.sleep(interval_in)
        try:
            return await request_token(credential.client, form, request, port)
        except AuthorizationPending as pending:
            if pending.error == "slow_down":
                interval_in += SLOWER_BY_IN
        except TryLater as error:
            # After a connection timeout, poll more slowly (RFC 8628 section 3.5); the person may still be signing in.
            interval_in = max(interval_in + SLOWER_BY_IN, error.retry_in or 0)
        except TokenRefused as refusal:
            raise _translate(refusal) from None
    raise _expired()


def _translate(refusal: TokenRefused) -> TokenRefused:
    if refusal.error in _DECLINED:
        return SignInRequired(
            "The sign-in was declined on the other device.", "Sign in again when you are ready.", refusal.refusal
        )
    if refusal.error in _EXPIRED:
        return _expired(refusal)
    return refusal


def _expired(refusal: TokenRefused | None = None) -> SignInRequired:
    return SignInRequired(
        "The code expired before the sign-in was completed.",
        "Sign in again. The new code is valid for about 15 minutes.",
        refusal.refusal if refusal else None,
    )
