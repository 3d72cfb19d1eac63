"""Refresh token: a token on behalf of a person who signed in before (RFC 6749 section 6).

The rules of this file:

- A refresh token is never lost. A new one is durably stored before the access token is returned; the previous one stays
  until the new one has worked. Of several writers the first wins, as both tokens are valid.
- A single-use refresh token is redeemed by one caller at a time, after a check that the store can save the new one.
- A refresh token that the service has ended for good is not sent again until a new sign-in or a request with `fresh`;
  its access tokens are deleted.

Source: learn.microsoft.com/entra/identity-platform/refresh-tokens
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from mstoken.clouds import cloud_of_authority
from mstoken.errors import SignInRequired, StoreError, TokenRefused, TryLater, UntrustedOrigin
from mstoken.flows.client_auth import request_token
from mstoken.flows.retry import time_left_in
from mstoken.foreign import ForeignCode
from mstoken.messages import advice
from mstoken.model import StoredRefreshToken
from mstoken.protocol.cache_key import token_info
from mstoken.protocol.refusal import ended, ends_refresh_token, no_stored_sign_in
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import origin_of, path_of
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.credentials import RefreshToken
    from mstoken.flows.port import Port, RefreshTokenPort, WaitResult
    from mstoken.model import Token, TokenRequest

_ON_NEW = ForeignCode(
    "The function that stores the new refresh token",
    "Correct `on_new` of the RefreshToken; the cause is its own error.",
    StoreError,
)


async def refresh_token(request: TokenRequest, credential: RefreshToken, port: Port) -> Token:
    """Get a delegated token. Store the new refresh token if the response has one.

    Raises TokenRefused, TryLater or UnreadableAnswer; SignInRequired also if the vault does not contain the account;
    StoreError if a new refresh token cannot be stored.
    """
    key = credential.store_key
    single_use = credential.single_use or request.authority.token_url
    async with AsyncExitStack() as stack:
        if single_use:
            _check_wait(await stack.enter_async_context(port.single_flight(key, time_left_in(request, port))))
        stored = await _load_stored(key, credential, request, port)
        if stored.ended_by and not request.fresh:
            raise ended(stored.ended_by, request)
        if single_use:
            await port.check_writable()
        try:
            return await _redeem(stored.current, request, credential, port)
        except TokenRefused as refusal:
            if refusal.error != "invalid_grant":
                raise
            return await _retry_with_stored(stored, refusal, request, credential, port)


def _check_wait(waited: WaitResult) -> None:
    """Prevent a second redemption of a single-use refresh token: reuse can end the whole sign-in."""
    if waited.timed_out:
        raise TryLater("Another caller is still renewing this sign-in.", "Try again in a moment.")
    if isinstance(waited.failure, TryLater):
        raise waited.failure


async def renew_refresh_token(request: TokenRequest, credential: RefreshToken, port: Port) -> None:
    """Renew the refresh token before it expires. No resource is named, so no resource's policies or consent apply.

    Raises as `refresh_token`.
    """
    from mstoken.protocol.authorize_url import OIDC

    # RFC 6749 section 6: no scope means the sign-in's scope
    scopes: tuple[str, ...] = () if request.authority.token_url else OIDC
    if request.authority.policy:  # which issues no access token for OpenID's scopes alone
        scopes = (request.client_id, *OIDC)
    await refresh_token(replace(request, scopes=scopes), credential, port)


async def _load_stored(
    key: str, credential: RefreshToken, request: TokenRequest, port: RefreshTokenPort
) -> StoredRefreshToken:
    if stored := await port.load_refresh_token(key):
        _check_authority(stored, request)
        return stored
    if credential.value:
        return StoredRefreshToken(credential.value)
    raise no_stored_sign_in(credential.account, request.profile)


def _check_authority(stored: StoredRefreshToken, request: TokenRequest) -> None:
    """Send a stored refresh token only to the authority that issued it, whatever host the environment names now."""
    authority = request.authority.base_url
    if not stored.authority or stored.authority == authority:
        return
    # Entra's authorities, with the tenant in the path; a user flow's has two parts there
    if origin_of(stored.authority, "The kept authority") == authority and path_of(stored.authority).count("/") < 2:
        return
    cloud = cloud_of_authority(stored.authority)
    if cloud is None or cloud != cloud_of_authority(authority):
        raise UntrustedOrigin(
            f"This sign-in was issued by {stored.authority}. Its refresh token was not sent to {authority}.",
            f"Check AZURE_AUTHORITY_HOST, {advice(options='--authority and --cloud', python='authority=')} and the "
            "profile; or sign in there under another name: mstoken login",
        )


async def _redeem(current: str, request: TokenRequest, credential: RefreshToken, port: Port) -> Token:
    """Redeem the current refresh token. A new one becomes current, and the redeemed one becomes the previous one."""
    form = {"grant_type": "refresh_token", "refresh_token": current}
    answer = await request_token(credential.client, form, request, port)
    if answer.refresh_token and answer.refresh_token != current:
        await port.replace_refresh_token(credential.store_key, current, answer.refresh_token)
        if credential.on_new is not None:
            await port.call(partial(_ON_NEW.calling(credential.on_new), answer.refresh_token), blocks=False)
    return answer.token


async def _retry_with_stored(
    refused: StoredRefreshToken, refusal: TokenRefused, request: TokenRequest, credential: RefreshToken, port: Port
) -> Token:
    """Try the other stored tokens after a refusal.

    Another process may have renewed the refused token, or a crash may have stored one that never worked. The previous
    token becomes current before it is redeemed, so that it is the one that its successor replaces.
    """
    key = credential.store_key
    stored = await _load_stored(key, credential, request, port)
    refusals, current = [refusal], stored.current
    for value in dict.fromkeys([stored.current, stored.previous]):
        if value and value != refused.current:
            if value != current:
                await port.replace_refresh_token(key, current, value)
                current = value
            try:
                return await _redeem(value, request, credential, port)
            except SignInRequired as other_refusal:
                refusals.append(other_refusal)
    if all(map(ends_refresh_token, refusals)):
        await port.end_refresh_token(key, current, refusal.codes[0])
        await port.forget_tokens(replace(token_info(request), tenant="", scope=""))
    raise refusal
