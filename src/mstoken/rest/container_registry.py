"""Azure Container Registry: the registry's own refresh token, for which it takes an access token of Entra ID.

The refresh token is the password of a user whose name is a GUID of zeros; with it a client such as docker gets the
access token of each operation from the registry. Source: azure.github.io/acr/AAD-OAuth.
"""

from __future__ import annotations

import json
import time

from mstoken.errors import ApiRefused, ServiceUnavailable, Throttled, UnreadableAnswer
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.model import Token
from mstoken.protocol.http import HttpRequest
from mstoken.protocol.jwt import expires_on, readable
from mstoken.services.catalogue import by_host
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.store_port import AccessTokenStore
    from mstoken.model import TokenInfo
    from mstoken.protocol.http import HttpResponse

    Send = Callable[[HttpRequest], HttpResponse]

USERNAME = "00000000-0000-0000-0000-000000000000"
"""The user name that says that the password is a refresh token of the registry."""
_SERVICE = "acr"
_SCOPE = "refresh token of "
_MARGIN_IN = 300
"""Seconds that a cached refresh token is still valid at least: a push of large layers begins with it."""
_TIMEOUT_IN = 10.0


def is_registry(host: str) -> bool:
    """Return whether a host belongs to a registry, in any cloud."""
    return any(service.name == _SERVICE for service, _ in by_host(host.lower()))


def refresh_token(host: str, token: Token, send: Send, tokens: AccessTokenStore, info: TokenInfo) -> Token:
    """Return the refresh token of the registry at `host` for `token`, an access token for registries.

    It is cached with `info`, the metadata of `token`. Raises ApiRefused if the registry refuses the token or does not
    exist, Throttled, ServiceUnavailable, TransportError and UnreadableAnswer.
    """
    key = fingerprint_of_parts("refresh token of a container registry", host, token.token)
    cached = tokens.load(key)
    if cached is not None and cached.expires_on > time.time() + _MARGIN_IN:
        return cached
    response = send(_exchange_request(host, token))
    _check(host, response)
    issued = _parse(host, response, token)
    tokens.save(key, issued, replace(info, scope=_SCOPE + host))
    return issued


def cached_registries(tokens: AccessTokenStore) -> tuple[str, ...]:
    """Return the hosts of the registries with a valid refresh token in the cache. Raises StoreError."""
    now = time.time()
    valid = (cached.info.scope for cached in tokens.tokens() if cached.expires_on > now)
    return tuple(sorted({scope.removeprefix(_SCOPE) for scope in valid if scope.startswith(_SCOPE)}))


def forget(host: str, tokens: AccessTokenStore) -> None:
    """Delete the refresh tokens of the registry at `host`, everybody's. Raises StoreError."""
    for cached in tokens.tokens():
        if cached.info.scope == _SCOPE + host:
            tokens.delete(cached.key)


def _exchange_request(host: str, token: Token) -> HttpRequest:
    from urllib.parse import urlencode

    decoded = readable(token.token)
    tenant = decoded.claims.get("tid") if decoded else None
    form = {"grant_type": "access_token", "service": host}
    form |= {"tenant": tenant} if isinstance(tenant, str) else {}
    form["access_token"] = token.token
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return HttpRequest(
        "POST", f"https://{host}/oauth2/exchange", headers, urlencode(form).encode(), timeout_in=_TIMEOUT_IN
    )


def _check(host: str, response: HttpResponse) -> None:
    status = response.status
    if status == 429:
        raise Throttled(f"The registry {host} asks to slow down (429).", "Try again later.")
    if status >= 500:
        raise ServiceUnavailable(f"The registry {host} answered {status}.", "Try again later.")
    if status in {401, 403}:
        raise ApiRefused(
            f"The registry {host} refused the token ({status}).",
            f"Give your identity a role such as AcrPull on {host}; or name the registry's tenant: --tenant TENANT",
            status,
        )
    if status != 200:
        raise ApiRefused(f"The registry {host} answered {status}.", "Check its name.", status)


def _parse(host: str, response: HttpResponse, token: Token) -> Token:
    """Return the refresh token. One that names no end ends with the access token."""
    try:
        answer = json.loads(response.body)
    except (ValueError, RecursionError):
        answer = None
    text = answer.get("refresh_token") if isinstance(answer, dict) else None
    if not (isinstance(text, str) and text and text.isascii() and text.isprintable()):
        raise UnreadableAnswer(f"The registry {host} answered without a refresh token.", "Check its name.")
    return Token(text, int(expires_on(text) or token.expires_on), got_on=int(time.time()))
