"""From a request to the service that answers it: by host name, or on localhost by the first part of the path."""

import asyncio
import functools
import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from .clouds import SERVICES, Service, public, served
from .faults import ABORT, ConnectionCut
from .web import BodyTooLarge, json_response
from .world import LoggedRequest, Site, World

_ON_ITS_WAY_IN = 0.05
_log = logging.getLogger("entra_emulator")

Handler = Callable[[Request], Awaitable[Response]]
Inject = Callable[[Request], Awaitable[tuple[Response | None, Receive]]]
ADMIN = "_admin"
LOCAL_NAMES = ("localhost", "127.0.0.1")
_BY_PATH: dict[str, Service] = {ADMIN: "admin", **{one: one for one in SERVICES}}


@dataclass(frozen=True)
class Route:
    """Who answers a method at the paths of a pattern."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler


def route(method: str, path: str, handler: Handler) -> Route:
    """A route whose path matches in any letter case. `{name}` stands for a segment, `{name:path}` for all that is left.

    What they stand for is in `path_params` of the request. HEAD is answered as GET is, if no route
    of its own comes first.
    """
    return Route(method, _pattern(path), handler)


@functools.cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(compile_path(path)[0].pattern, re.IGNORECASE)


_KEY = re.compile(r"\('((?:[^']|'')*)'\)(?=/|$)")
_TIDY = frozenset({"login", "graph", "arm"})


def tidy(service: str, path: str) -> str:
    """The path as the service's routes spell it: each host is known to accept more than one spelling.

    Sign-in, Graph and Resource Manager take `//` for `/` (Graph's SDKs send `/v1.0//users`), and ignore a slash at the
    end. Graph also takes `users('key')` for `users/key`, and `/v1.0/myorganization/users` for `/v1.0/users`.
    """
    if service not in _TIDY:
        return path
    path = re.sub("/{2,}", "/", path)
    path = path.rstrip("/") or "/"
    if service == "graph":
        path = _KEY.sub(lambda key: "/" + key[1].replace("''", "'"), path)
        path = re.sub(r"^(/[^/]+)/myorganization(?=/)", r"\1", path, flags=re.IGNORECASE)
    return path


class NoRoute(Exception):
    """Nobody answers: 404 at this path, or 405 for this method."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Router:
    """The routes of one service; the first that fits answers."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(routes)

    async def answer(self, request: Request, path: str) -> Response:
        """The answer to a request for `path`, which is the URL's without what led to this service.

        :raises NoRoute: there is no handler.
        """
        wanted = ("HEAD", "GET") if request.method == "HEAD" else (request.method,)
        missing = 404
        for one in self._routes:
            if match := one.pattern.match(path):
                if one.method in wanted:
                    request.scope["path_params"] = match.groupdict()
                    return await one.handler(request)
                missing = 405
        raise NoRoute(missing)


class Application:
    """The ASGI application of one emulator."""

    def __init__(self, world: World, services: dict[Service, list[Route]], inject: Inject | None = None) -> None:
        self._world, self._inject = world, inject
        self._routers = {name: Router(routes) for name, routes in services.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Nothing a client sends makes this raise."""
        if scope["type"] != "http":
            return
        site, path = self._site(scope)
        scope["state"] = {"world": self._world, "site": site, "notes": {}}
        request = Request(scope, receive)
        try:
            response = await self._answer(request, site, path)
        except ConnectionCut as cut:
            await self._cut(cut, request, send)
        except ClientDisconnect:
            self._record(request, 0)
        except Exception as problem:  # noqa: BLE001  # a server answers whatever happens
            await self._send(self._on_failure(problem), request, send)
        else:
            await self._send(response, request, send)

    async def _answer(self, request: Request, site: Site | None, path: str) -> Response:
        """By the service, unless a fault comes first."""
        if site is None:
            return self._refuse(421, "MisdirectedRequest", "The emulator does not serve this host.")
        if self._inject and self._world.state.faults:
            answer, receive = await self._inject(request)
            if answer:
                return answer
            request = Request(request.scope, receive)
        return await self._routers[site.service].answer(request, tidy(site.service, path))

    async def _send(self, response: Response, request: Request, send: Send) -> None:
        """Log first, so that whoever has the answer finds it in the log."""
        self._record(request, response.status_code)
        await response(request.scope, request.receive, send)

    async def _cut(self, cut: ConnectionCut, request: Request, send: Send) -> None:
        """End the connection: before the answer, or when its beginning is on the way."""
        if cut.when == "during":
            self._record(request, 200)
            headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", b"4000")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"token_type":"Bearer",', "more_body": True})
            await asyncio.sleep(_ON_ITS_WAY_IN)
        else:
            self._record(request, 0)
        request.scope["extensions"][ABORT]()
        while (await request.receive())["type"] != "http.disconnect":
            pass

    def _site(self, scope: Scope) -> tuple[Site | None, str]:
        """Where a request arrived, and the path there: on localhost without the part that names the service."""
        path: str = scope["path"]
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        host = hosts[0].decode("latin-1").lower() if len(hosts) == 1 else ""  # more than one is nobody's
        name = host.rpartition(":")[0] or host
        if name not in LOCAL_NAMES:
            found = served(name)
            return (Site(*found, host=name) if found else None), path
        first = path[1:].partition("/")[0].lower()
        service = _BY_PATH.get(first, "login")
        if service != "login":
            path = path[len(first) + 1 :] or "/"
        return Site(public(), service, self._world.port), path

    def _on_failure(self, problem: Exception) -> Response:
        if isinstance(problem, BodyTooLarge):
            return self._refuse(413, "RequestBodyTooLarge", "The request body is larger than anything asked for here.")
        if isinstance(problem, NoRoute):
            what = "MethodNotAllowed" if problem.status == 405 else "NotFound"
            return self._refuse(problem.status, what, "The emulator has nothing at this path for this method.")
        _log.error("An emulator's handler failed", exc_info=problem)
        return self._refuse(500, "InternalServerError", f"The emulator failed: {type(problem).__name__}.")

    def _refuse(self, status: int, code: str, message: str) -> Response:
        return json_response(self._world, {"error": {"code": code, "message": message}}, status)

    def _record(self, request: Request, status: int) -> None:
        """Write the request log, `status` 0 for no answer. Who looks at the log should not fill it."""
        site, notes = request.scope["state"]["site"], request.scope["state"]["notes"]
        if site and site.service == "admin":
            return
        record = LoggedRequest(
            method=request.method,
            host=request.headers.get("host", ""),
            path=request.scope["path"],
            at=self._world.clock.now(),
            status=status,
            service=site.service if site else "",
            **notes,
        )
        self._world.requests.add(record)
