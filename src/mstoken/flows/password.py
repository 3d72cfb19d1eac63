"""Username and password sent to the token endpoint: for test accounts and legacy (RFC 6749 section 4.3).

Source, with the limits: learn.microsoft.com/entra/identity-platform/v2-oauth-ropc
"""

from __future__ import annotations

from mstoken.errors import SignInRequired, TryLater, UnreadableAnswer
from mstoken.flows.client_auth import request_token
from mstoken.flows.retry import time_left_in
from mstoken.messages import advice, warn
from mstoken.protocol.id_token import parse_id_token
from mstoken.protocol.user_realm import federated_with, realm_request
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.credentials import Password
    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.protocol.id_token import SignedInUser
    from mstoken.protocol.token_endpoint import TokenResponse

WARNING = (
    "Signing in with a user name and password is for test accounts: it works without multi-factor authentication only, "
    "and Microsoft advises against it."
)


async def password(request: TokenRequest, credential: Password, port: Port) -> tuple[TokenResponse, SignedInUser]:
    """Send the password to the token endpoint and log a warning. Return the token response and the person.

    A user of a federated identity provider is refused before the password is sent, since Entra does not know it.
    Raises SignInRequired for such a user and if multi-factor authentication is required; otherwise the error that the
    service reports.
    """
    warn(WARNING)
    if request.authority.knows_services:  # accounts of a user flow are local
        await _refuse_federated(request, credential, port)
    form = {"grant_type": "password", "username": credential.username, "password": credential.password}
    answer = await request_token(credential.client, form, request, port)
    return answer, parse_id_token(answer.id_token, request, "", port.now())


async def _refuse_federated(request: TokenRequest, credential: Password, port: Port) -> None:
    http = realm_request(request.authority, credential.username)
    try:
        identity_provider = federated_with(await port.send(replace(http, timeout_in=time_left_in(request, port))))
    except (TryLater, UnreadableAnswer):
        return  # the token endpoint reports the error
    if identity_provider:
        raise SignInRequired(
            f"{credential.username} signs in at {identity_provider}, so Entra cannot check the "
            "password. It was not sent.",
            "Sign in with the browser: "
            + advice(
                options=f"mstoken login --tenant {request.authority.tenant} --client-id {request.client_id} "
                f"--login-hint {credential.username}",
                python=f"Browser(login_hint={credential.username!r}) in place of Password(…)",
            ),
        )
