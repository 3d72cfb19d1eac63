"""Route a request to its service: by host name, or on localhost by the first part of the path."""

import asyncio
import functools
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from .clouds import SERVICES, Service, public, served
from .faults import ABORT, ConnectionCut
from .throttling import Throttled
from .web import BodyTooLarge, json_response
from .world import LoggedRequest, Site, World

_DELIVERY_IN = 0.05
_log = logging.getLogger("entra_emulator")

Handler = Callable[[Request], Awaitable[Response]]
Inject = Callable[[Request], Awaitable[tuple[Response | None, Receive]]]
ADMIN = "_admin"
LOCAL_NAMES = ("localhost", "127.0.0.1")
_BY_PATH: dict[str, Service] = {ADMIN: "admin", "adfs": "adfs", **{name: name for name in SERVICES}}


@dataclass(frozen=True)
class Route:
    """The handler of a method at the paths that match a pattern.

    `segments` is the number of the path's segments, 0 for any; `literals` are those without a name, in lower case, with
    their positions. Both are compared before the pattern.
    """

    method: str
    path: str
    handler: Handler
    segments: int
    literals: tuple[tuple[int, str], ...]

    def may_match(self, parts: Sequence[str]) -> bool:
        """Return whether the pattern is worth a try for a path with these segments, in lower case."""
        return self.segments in (0, len(parts)) and all(
            place < len(parts) and parts[place] == word for place, word in self.literals
        )


def route(method: str, path: str, handler: Handler) -> Route:
    """Return a route whose path matches in any letter case. `{name}` matches a segment, `{name:path}` the rest.

    The request's `path_params` contain the matched texts. HEAD is handled as GET, unless an earlier route handles HEAD.
    """
    parts = path.lower().split("/")
    literals = tuple((place, part) for place, part in enumerate(parts) if "{" not in part)
    return Route(method, path, handler, 0 if ":path}" in path else len(parts), literals)


@functools.cache
def _pattern(path: str) -> re.Pattern[str]:
    """Return the pattern of a route's path. Compiling takes 0.8 ms, and most runs request few of the 229 paths."""
    return re.compile(compile_path(path)[0].pattern, re.IGNORECASE)


_KEY = re.compile(r"\('((?:[^']|'')*)'\)(?=/|$)")
_TIDY = frozenset({"login", "b2c", "graph", "arm"})


def tidy(service: str, path: str) -> str:
    """Return the path as the service's routes spell it: each host accepts more than one spelling.

    Sign-in, Graph and Resource Manager treat `//` as `/` (Graph's SDKs send `/v1.0//users`), and ignore a trailing
    slash. Graph also treats `users('key')` as `users/key`, and `/v1.0/myorganization/users` as `/v1.0/users`.
    """
    if service not in _TIDY:
        return path
    path = re.sub("/{2,}", "/", path)
    path = path.rstrip("/") or "/"
    if service == "graph":
        path = _KEY.sub(lambda key: "/" + key[1].replace("''", "'"), path)
        path = re.sub(r"^(/[^/]+)/myorganization(?=/)", r"\1", path, flags=re.IGNORECASE)
    return path


def site_of_host(world: World, name: str) -> Site | None:
    """Return the site of a host name in lower case; None if the emulator does not serve it."""
    if found := served(name):
        return Site(*found, host=name)
    custom = any(name in tenant.custom_domains for tenant in world.state.tenants.values())
    return Site(public(), "login", host=name, custom=True) if custom else None


class NoRoute(Exception):
    """No route matches: 404 for this path, or 405 for this method."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Router:
    """The routes of one service; the first match handles the request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(routes)

    async def answer(self, request: Request, path: str) -> Response:
        """Return the response to a request for `path`, the URL's path without the part that names the service.

        :raises NoRoute: no route matches.
        """
        wanted = ("HEAD", "GET") if request.method == "HEAD" else (request.method,)
        missing, parts = 404, path.lower().split("/")
        for route in self._routes:
            if route.may_match(parts) and (match := _pattern(route.path).match(path)):
                if route.method in wanted:
                    request.scope["path_params"] = match.groupdict()
                    return await route.handler(request)
                missing = 405
        raise NoRoute(missing)


class Application:
    """The ASGI application of one emulator."""

    def __init__(self, world: World, services: dict[Service, list[Route]], inject: Inject | None = None) -> None:
        self._world, self._inject = world, inject
        self._routers = {name: Router(routes) for name, routes in services.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. No input from a client makes this raise."""
        if scope["type"] != "http":
            return
        site, path = self._site(scope)
        scope["state"] = {"world": self._world, "site": site, "notes": {}, "headers": []}
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
        """Return the response of a fault, else that of the service."""
        if site is None:
            return self._refuse(421, "MisdirectedRequest", "The emulator does not serve this host.")
        if self._inject and self._world.state.faults:
            answer, receive = await self._inject(request)
            if answer:
                return answer
            request = Request(request.scope, receive)
        response = await self._routers[site.service].answer(request, tidy(site.service, path))
        return self._with_next_link(response, request.scope["state"].get("next_link", ""))

    def _with_next_link(self, response: Response, link: str) -> Response:
        """Return the page with a fault's link to the next one; any other response as it is."""
        if not link or response.status_code != 200:
            return response
        page = json.loads(bytes(response.body))
        if not isinstance(page, dict) or not isinstance(page.get("value"), list):
            return response
        page["@odata.nextLink" if "@odata.context" in page else "nextLink"] = link
        headers = [(n, v) for n, v in response.raw_headers if n not in (b"content-length", b"date", b"content-type")]
        return json_response(self._world, page, 200, [(n.decode(), v.decode("latin-1")) for n, v in headers])

    async def _send(self, response: Response, request: Request, send: Send) -> None:
        """Log and send the response. It is logged first, so that a client with the response finds it in the log."""
        self._record(request, response.status_code)
        response.raw_headers += [(name.encode(), text.encode()) for name, text in request.scope["state"]["headers"]]
        await response(request.scope, request.receive, send)

    async def _cut(self, cut: ConnectionCut, request: Request, send: Send) -> None:
        """End the connection: before the response, or after its beginning is sent."""
        if cut.when == "during":
            self._record(request, 200)
            headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", b"4000")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"token_type":"Bearer",', "more_body": True})
            await asyncio.sleep(_DELIVERY_IN)
        else:
            self._record(request, 0)
        request.scope["extensions"][ABORT]()
        while (await request.receive())["type"] != "http.disconnect":
            pass

    def _site(self, scope: Scope) -> tuple[Site | None, str]:
        """Return the site of a request and its path, on localhost without the part that names the service."""
        path: str = scope["path"]
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        host = hosts[0].decode("latin-1").lower() if len(hosts) == 1 else ""  # more than one names no site
        name = host.rpartition(":")[0] or host
        if name not in LOCAL_NAMES:
            return site_of_host(self._world, name), path
        first = path[1:].partition("/")[0].lower()
        service = _BY_PATH.get(first, "login")
        if service != "login":
            path = path[len(first) + 1 :] or "/"
        return Site(public(), service, self._world.port), path

    def _on_failure(self, problem: Exception) -> Response:
        if isinstance(problem, BodyTooLarge):
            return self._refuse(413, "RequestBodyTooLarge", "The request body is larger than anything asked for here.")
        if isinstance(problem, NoRoute):
            code = "MethodNotAllowed" if problem.status == 405 else "NotFound"
            return self._refuse(problem.status, code, "The emulator has nothing at this path for this method.")
        if isinstance(problem, Throttled):
            return json_response(self._world, problem.body, 429, problem.headers)
        _log.error("An emulator's handler failed", exc_info=problem)
        return self._refuse(500, "InternalServerError", f"The emulator failed: {type(problem).__name__}.")

    def _refuse(self, status: int, code: str, message: str) -> Response:
        return json_response(self._world, {"error": {"code": code, "message": message}}, status)

    def _record(self, request: Request, status: int) -> None:
        """Log the request; `status` is 0 without a response. Requests that read the log are not logged."""
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
        if record.tenant:
            self._world.state.answered(record.tenant)
