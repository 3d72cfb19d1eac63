"""`auth=` for requests and httpx, a middleware for aiohttp: add a token to each request to the token's own service.

One object serves all of them. requests accepts any callable. httpx requires a subclass of its `Auth`, which this module
creates only if httpx is already loaded, so that no program imports a library that it does not use. aiohttp has no
`auth` but for Basic; its middlewares are callables.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from importlib import import_module

from mstoken.errors import UntrustedOrigin
from mstoken.foreign import ForeignCode
from mstoken.protocol.challenge import refused_for_claims
from mstoken.protocol.http import REDIRECTS
from mstoken.rest.origin import check_origin
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from typing import Protocol

    from mstoken.clouds import Cloud
    from mstoken.model import Token
    from mstoken.services import Target

    class TokenClient(Protocol):
        """A Client or an AsyncClient."""

        def get_token(self, *scopes: str, claims: str | None = None, enable_cae: bool = False) -> Any: ...


_BODY = ForeignCode("Rewinding the body of the request", "Give a body that can be sent again, such as bytes.")
_HEADERS = ForeignCode("Writing the headers of the request", "Give a request of requests, httpx or aiohttp.")
_redirected_to: ContextVar[str] = ContextVar("mstoken_redirected_to", default="")
"""Where an API sent this task's last request of aiohttp, outside the token's origin."""


@value
class Audience:
    """The target of the token, and the origin that the caller allows for it ('' for the catalogue's own)."""

    target: Target
    cloud: Cloud
    origin: str = ""

    def check(self, url: str) -> None:
        """Raise UntrustedOrigin unless the token may be sent to `url`."""
        check_origin(url, self.target, self.cloud, self.origin)


@value
class TokenGetter:
    """Gets the token of each request from a client; awaitable if the client is async. It is pickled with its client."""

    client: TokenClient
    scopes: tuple[str, ...]
    enable_cae: bool = False

    def __call__(self, claims: str) -> Any:
        return self.client.get_token(*self.scopes, claims=claims or None, enable_cae=self.enable_cae)


class BearerAuth:
    """Adds `Authorization: Bearer` to each request; answers one claims challenge (401 or 403) per request.

    The challenge counts only from an origin that the token is for, also after a redirect. The request that is sent
    again is the refused one, with any changes that the redirect made.
    """

    def __init__(self, audience: Audience, get_token: Callable[[str], Token]) -> None:
        self._audience, self._get_token = audience, get_token

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by base class: the object's own class may be created at run time, where pickle cannot find it."""
        return _restored, (BearerAuth, self._audience, self._get_token)

    def __call__(self, request: Any) -> Any:
        """Add the token for requests, which calls this for each prepared request.

        Source: requests.readthedocs.io, Custom Authentication.
        """
        self._audience.check(str(request.url))
        _authorize(request, self._get_token(""))
        if hasattr(request, "register_hook"):
            request.register_hook("response", self._answer_challenge)
        return request

    def _answer_challenge(self, response: Any, **options: Any) -> Any:
        claims = _challenged_claims(response, self._audience)
        again = response.request.copy()
        if not claims or not hasattr(response, "connection") or not _can_be_repeated(again):
            return response
        _ = response.content  # requests releases the connection only after the body is read
        response.close()
        if hasattr(again.body, "seek"):
            with _BODY:
                again.body.seek(0)
        _authorize(again, self._get_token(claims))
        answer = response.connection.send(again, **options)
        answer.history.append(response)
        answer.request = again
        return answer

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Add the token for httpx. Source: python-httpx.org/advanced/authentication, Custom authentication schemes."""
        self._audience.check(str(request.url))
        response = yield _authorize(request, self._get_token(""))
        if claims := _challenged_claims(response, self._audience):
            yield _authorize(response.request, self._get_token(claims))


class AsyncBearerAuth:
    """`BearerAuth` for httpx.AsyncClient, and a middleware of aiohttp."""

    def __init__(self, audience: Audience, get_token: Callable[[str], Awaitable[Token]]) -> None:
        self._audience, self._get_token = audience, get_token

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as `BearerAuth` does."""
        return _restored, (AsyncBearerAuth, self._audience, self._get_token)

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Add the token for httpx. Source: python-httpx.org/advanced/authentication, Custom authentication schemes."""
        self._audience.check(str(request.url))
        response = yield _authorize(request, await self._get_token(""))
        if claims := _challenged_claims(response, self._audience):
            yield _authorize(response.request, await self._get_token(claims))

    async def __call__(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        """Add the token for aiohttp, whose session calls this for each request and each redirect of it.

        A redirect elsewhere, as of a download, gets no token, and a challenge from there counts for nothing.
        Source: docs.aiohttp.org/en/stable/client_middleware_cookbook.html.
        """
        url, awaited = str(request.url), _redirected_to.get()
        _redirected_to.set("")
        if url == awaited:
            return self._follow(await handler(request))
        self._audience.check(url)
        response = await handler(_authorize(request, await self._get_token("")))
        if claims := refused_for_claims(response.status, response.headers):
            token = await self._get_token(claims)
            if not getattr(request.body, "consumed", not isinstance(request.body, bytes)):  # a generator is
                response.release()
                response = await handler(_authorize(request, token))
        return self._follow(response)

    def _follow(self, response: Any) -> Any:
        """Remember a redirect that leads away from the token's origin: the next request of this task is that one."""
        location = response.headers.get("location", "") if response.status in REDIRECTS else ""
        if location:
            target = str(response.url.join(type(response.url)(location)).with_fragment(None))
            try:
                self._audience.check(target)
            except UntrustedOrigin:
                _redirected_to.set(target)
        return response


def _restored(auth_class: type[Any], audience: Audience, get_token: object) -> Any:
    return for_http_client(auth_class)(audience, get_token)


def for_http_client(auth_class: type[Any]) -> type[Any]:
    """Return `auth_class`, or a subclass that is also an `httpx.Auth` if httpx is loaded or needed.

    It is needed under asyncio, unless aiohttp is loaded. Raises ImportError if it is then not installed.
    """
    httpx: Any = sys.modules.get("httpx")
    if httpx is None and auth_class is AsyncBearerAuth and "aiohttp" not in sys.modules:
        httpx = import_module("httpx")
    return type(auth_class.__name__, (auth_class, httpx.Auth), {}) if httpx else auth_class


def _authorize(request: Any, token: Token) -> Any:
    """Add the token to the request and return the request (RFC 6750 section 2.1)."""
    with _HEADERS:
        request.headers["Authorization"] = f"Bearer {token.token}"
    return request


def _challenged_claims(response: Any, audience: Audience) -> str:
    """Return the claims that a response (of requests or httpx) requires; '' if it requires none.

    Raises UntrustedOrigin for a challenge from an origin that the token is not for, such as the target of a redirect.
    The claims are then not sent to the token service, and the request is not sent again.
    """
    claims = refused_for_claims(response.status_code, response.headers)
    if claims:
        audience.check(str(response.request.url))
    return claims


def _can_be_repeated(request: Any) -> bool:
    """Return whether the body of a request (of requests) can be sent again; a generator is already consumed."""
    return request.body is None or isinstance(request.body, bytes | str) or hasattr(request.body, "seek")
