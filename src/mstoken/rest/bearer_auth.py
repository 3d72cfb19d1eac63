"""`auth=` for requests and for httpx: a token per request, only to the service it is for.

One object serves both libraries. requests takes any callable; httpx takes its own `Auth` class, which is made here only
when httpx is already loaded, so that neither library is imported for somebody who does not use it.
"""

from __future__ import annotations

import sys
from importlib import import_module

from mstoken.foreign import ForeignCode
from mstoken.protocol.challenge import challenged_claims
from mstoken.rest.origin import check_origin
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    from mstoken.clouds import Cloud
    from mstoken.model import Token
    from mstoken.services import Target

_BODY = ForeignCode("Rewinding the body of the request", "Give a body that can be sent again, such as bytes.")
_HEADERS = ForeignCode("Writing the headers of the request", "Give a request of requests or httpx.")


@value
class Audience:
    """Whom the token is for, and the origin the caller named for it ('' for the catalogue's own)."""

    target: Target
    cloud: Cloud
    origin: str = ""

    def check(self, url: str) -> None:
        """Raise UntrustedOrigin unless `url` may have the token."""
        check_origin(url, self.target, self.cloud, self.origin)


class BearerAuth:
    """Adds `Authorization: Bearer` to each request; answers one claims challenge (401) per request.

    The challenge counts only from an origin that the token is for, after a redirect too. The request that is sent again
    is the one that was refused, as the redirect has left it.
    """

    def __init__(self, audience: Audience, get_token: Callable[[str], Token]) -> None:
        self._audience, self._get_token = audience, get_token

    def __call__(self, request: Any) -> Any:
        """For requests: called with each prepared request (requests.readthedocs.io, Custom Authentication)."""
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
        _ = response.content  # requests frees the connection only once the body is read
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
        """For httpx: python-httpx.org/advanced/authentication, Custom authentication schemes."""
        self._audience.check(str(request.url))
        response = yield _authorize(request, self._get_token(""))
        if claims := _challenged_claims(response, self._audience):
            yield _authorize(response.request, self._get_token(claims))


class AsyncBearerAuth:
    """The same for httpx.AsyncClient."""

    def __init__(self, audience: Audience, get_token: Callable[[str], Awaitable[Token]]) -> None:
        self._audience, self._get_token = audience, get_token

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """For httpx: python-httpx.org/advanced/authentication, Custom authentication schemes."""
        self._audience.check(str(request.url))
        response = yield _authorize(request, await self._get_token(""))
        if claims := _challenged_claims(response, self._audience):
            yield _authorize(response.request, await self._get_token(claims))


def for_http_client(auth_class: type[Any], *, httpx_needed: bool = False) -> type[Any]:
    """`auth_class` itself, or one that is also an `httpx.Auth` when httpx is loaded or needed."""
    httpx: Any = import_module("httpx") if httpx_needed else sys.modules.get("httpx")
    return type(auth_class.__name__, (auth_class, httpx.Auth), {}) if httpx else auth_class


def _authorize(request: Any, token: Token) -> Any:
    """The request with the token (RFC 6750 section 2.1)."""
    with _HEADERS:
        request.headers["Authorization"] = f"Bearer {token.token}"
    return request


def _challenged_claims(response: Any, audience: Audience) -> str:
    """The claims that a response (of requests or httpx) asks for; '' where it asks for none.

    Raises UntrustedOrigin for a challenge from an origin that the token is not for, to which a redirect has led: its
    claims are not sent to the token service, and nothing is sent to it again.
    """
    claims = challenged_claims(response.headers.get("www-authenticate", "")) if response.status_code == 401 else ""
    if claims:
        audience.check(str(response.request.url))
    return claims


def _can_be_repeated(request: Any) -> bool:
    """Whether the body of a request (of requests) is still there: a generator has been used up."""
    return request.body is None or isinstance(request.body, bytes | str) or hasattr(request.body, "seek")
