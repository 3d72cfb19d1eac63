"""Interactive sign-ins: try the stored refresh token first, silently; only then have the person sign in.

One sign-in serves every resource and tenant: the refresh token is stored under the account's name, which contains
neither. A refresh token that a family of clients shares (`foci` in Entra's response) is stored under the family's name
as well, and each member tries it before a person has to sign in: for the same person, as far as the credentials name
one. A sign-in with an account name belongs to that account alone.
"""

from __future__ import annotations

from mstoken.credentials import AuthorizationCode, Browser, DeviceCode, Password, RefreshToken
from mstoken.credentials.sign_ins import BaseSignIn
from mstoken.errors import ConsentRequired, SignInRequired, TokenRefused, UnreadableAnswer, UsageError
from mstoken.flows.authorization_code import browser_sign_in, redeem_code
from mstoken.flows.device_code import device_code
from mstoken.flows.password import password
from mstoken.flows.refresh_token import refresh_token
from mstoken.flows.retry import time_left_in
from mstoken.flows.single_flight import wait_in
from mstoken.model import TokenInfo
from mstoken.protocol.authorize_url import OIDC
from mstoken.protocol.cache_key import account_name, cache_key, token_info
from mstoken.protocol.refusal import ends_refresh_token
from mstoken.typed import TYPE_CHECKING, assert_never
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.credentials import SignIn
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest
    from mstoken.protocol.id_token import SignedInUser
    from mstoken.protocol.token_endpoint import TokenResponse

FAMILY = "1"
"""The only existing family: Microsoft's own public clients."""


async def sign_in_token(request: TokenRequest, credential: SignIn, port: Port) -> Token:
    """Return a token of the person who is signed in under the credential's name, or who signs in now.

    Raises what the sign-in raises; SignInRequired if the person declines or does not sign in in time.
    """
    name = account_name(request)
    async with port.single_flight(f"sign-in:{name}", wait_in(request, time_left_in(request, port))) as waited:
        token, refusal = await _without_prompt(name, request, credential, port)
        if token is not None:
            return token
        if waited.failure is not None:
            raise waited.failure  # the sign-in that this caller waited for has failed
        _check_prompt_allowed(request, credential, refusal)
        claims = (refusal and refusal.claims) or request.claims
        await port.check_writable()
        answer, person = await sign_in_interactively(replace(request, claims=claims, deadline_on=0), credential, port)
        await store_refresh_token(name, (answer, person), request, credential, port)
        return answer.token


def _check_prompt_allowed(request: TokenRequest, credential: SignIn, refusal: TokenRefused | None) -> None:
    """Prevent a sign-in while a valid cached token exists, unless the service has ended that token's own sign-in."""
    if request.silent and credential.interactive and not (refusal and ends_refresh_token(refusal)):
        raise refusal or SignInRequired(
            "The stored sign-in of this account no longer exists.",
            "Request a token again after the current one has expired, and sign in.",
        )


async def sign_in_interactively(
    request: TokenRequest, credential: SignIn, port: Port
) -> tuple[TokenResponse, SignedInUser]:
    """Have the person sign in, whatever is stored. Return the token response and the person."""
    oidc_request = replace(request, scopes=tuple(dict.fromkeys((*request.scopes, *OIDC))))
    match credential:
        case Browser():
            return await browser_sign_in(oidc_request, credential, port)
        case AuthorizationCode():
            return await redeem_code(oidc_request, credential, port)
        case DeviceCode():
            return await device_code(oidc_request, credential, port)
        case Password():
            return await password(oidc_request, credential, port)
        case _:
            assert_never(credential)


async def sign_in(request: TokenRequest, port: Port) -> SignedInUser:
    """Have the person sign in now, whatever is stored. Store the refresh token and return the person.

    Raises UsageError for a credential without a sign-in; otherwise what the sign-in raises.
    """
    credential = request.credential
    if not isinstance(credential, BaseSignIn):
        raise UsageError(
            f"{type(credential).__name__} is not a credential with an interactive sign-in.",
            "Use Browser, DeviceCode, AuthorizationCode or Password.",
        )
    name = account_name(request)
    await port.check_writable()
    answer, person = await sign_in_interactively(request, credential, port)
    if not answer.refresh_token:
        raise UnreadableAnswer(
            "The sign-in returned no refresh token, so it could not be stored.",
            "Allow the application the scope offline_access, and sign in again.",
        )
    await store_refresh_token(name, (answer, person), request, credential, port)
    await port.save(cache_key(request), answer.token, token_info(request))
    return person


async def store_refresh_token(
    name: str, outcome: tuple[TokenResponse, SignedInUser], request: TokenRequest, credential: SignIn, port: Port
) -> None:
    """Store the refresh token of a sign-in under `name`, before its access token is returned."""
    answer, person = outcome
    if not answer.refresh_token:
        return
    authority = request.authority
    info = TokenInfo(authority.base_url, authority.tenant, request.client_id, username=person.username or person.name)
    key = RefreshToken(account=name).store_key
    if await port.load_refresh_token(key) is not None:
        await port.forget_tokens(TokenInfo(account=name))  # they may belong to the person who was signed in before
    await port.put_refresh_token(key, answer.refresh_token, info)
    if answer.family and (family := credential.family_account(answer.family, request.authority)):
        await port.put_refresh_token(RefreshToken(account=family).store_key, answer.refresh_token, info)


async def _without_prompt(
    name: str, request: TokenRequest, credential: SignIn, port: Port
) -> tuple[Token | None, TokenRefused | None]:
    """Return a token without a sign-in if possible; otherwise None and the refusal, if there was one."""
    reason: TokenRefused | None = None
    for account in filter(None, (name, credential.family_account(FAMILY, request.authority))):
        stored = RefreshToken(account=account, client=credential.client)
        if await port.load_refresh_token(stored.store_key) is None:
            continue
        try:
            return await refresh_token(request, stored, port), None
        except (SignInRequired, ConsentRequired) as refusal:
            reason = refusal if refusal.claims or reason is None else reason
        except TokenRefused:
            if account == name:
                raise  # only a failure of the family's refresh token is ignored: it may concern other members alone
    return None, reason
