"""From a request to the service that answers it: by host name, or on localhost by the first part of the path."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import Message, Receive, Scope, Send

from .clouds import SERVICES, Service, public, served
from .faults import ABORT, ConnectionCut
from .web import BodyTooLarge, json_answer
from .world import LoggedRequest, Site, World

_ON_ITS_WAY_IN = 0.05
_log = logging.getLogger("entra_emulator")

Handler = Callable[[Request], Awaitable[Response]]
Inject = Callable[[Request], Awaitable[tuple[Response | None, Receive]]]
ADMIN = "_admin"
LOCAL_NAMES = ("localhost", "127.0.0.1")


def route(method: str, path: str, handler: Handler) -> Route:
    """A route whose path matches in any letter case."""
    made = Route(path, handler, methods=[method])
    made.path_regex = re.compile(made.path_regex.pattern, re.IGNORECASE)
    return made


class Application:
    """The ASGI application of one emulator."""

    def __init__(self, world: World, services: dict[Service, list[BaseRoute]], inject: Inject | None = None) -> None:
        self._world, self._inject = world, inject
        self._routers = {name: Router(routes, redirect_slashes=False) for name, routes in services.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Nothing a client sends makes this raise."""
        if scope["type"] != "http":
            return
        site, prefix = self._site(scope)
        if site and site.service == "admin" and scope["path"] == prefix:
            scope = {**scope, "path": f"{prefix}/"}
        notes: dict[str, Any] = {}
        scope = {**scope, "app": self, "state": {"world": self._world, "site": site, "notes": notes}}
        scope["root_path"] = prefix
        request = Request(scope, receive)
        logged = _Logged(self._world, request, site, notes, send)
        try:
            if site is None:
                await self._refuse(421, "MisdirectedRequest", "The emulator does not serve this host.")(
                    scope, receive, logged.send
                )
            else:
                await self._serve(request, site, scope, logged)
        except ConnectionCut as cut:
            await logged.cut(cut, receive)
        except Exception as problem:  # a server answers whatever happens
            if logged.started:
                raise
            await self._on_failure(problem)(scope, receive, logged.send)

    async def _serve(self, request: Request, site: Site, scope: Scope, logged: "_Logged") -> None:
        """By the service, unless a fault comes first."""
        receive, answer = request.receive, None
        if self._inject and self._world.faults:
            answer, receive = await self._inject(request)
        await (answer or self._routers[site.service])(scope, receive, logged.send)

    def _site(self, scope: Scope) -> tuple[Site | None, str]:
        host = Headers(scope=scope).get("host", "").lower()
        name = host.rpartition(":")[0] or host
        if name in LOCAL_NAMES:
            first = scope["path"].split("/", 2)[1].lower() if "/" in scope["path"] else ""
            if first == ADMIN:
                return Site(public(), "admin", self._world.port), scope["path"][: len(first) + 1]
            for service in SERVICES:
                if service != "login" and service == first:
                    return Site(public(), service, self._world.port), scope["path"][: len(first) + 1]
            return Site(public(), "login", self._world.port), ""
        if found := served(name):
            return Site(*found, host=name), ""
        return None, ""

    def _on_failure(self, problem: Exception) -> Response:
        if isinstance(problem, BodyTooLarge):
            return self._refuse(413, "RequestBodyTooLarge", "The request body is larger than anything asked for here.")
        if isinstance(problem, HTTPException):
            what = "MethodNotAllowed" if problem.status_code == 405 else "NotFound"
            return self._refuse(problem.status_code, what, "The emulator has nothing at this path for this method.")
        _log.error("An emulator's handler failed", exc_info=problem)
        return self._refuse(500, "InternalServerError", f"The emulator failed: {type(problem).__name__}.")

    def _refuse(self, status: int, code: str, message: str) -> Response:
        return json_answer(self._world, {"error": {"code": code, "message": message}}, status)


class _Logged:
    """Writes the request log when an answer begins, so that whoever has the answer finds it in the log."""

    def __init__(self, world: World, request: Request, site: Site | None, notes: dict[str, Any], send: Send) -> None:
        self._world, self._request, self._notes, self._send = world, request, notes, send
        self._service = site.service if site else ""
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            if self._service != "admin":  # who looks at the log should not fill it
                self._world.requests.append(self._record(message))
        await self._send(message)

    async def cut(self, cut: ConnectionCut, receive: Receive) -> None:
        """End the connection: before the answer, or when its beginning is on the way."""
        if cut.when == "during":
            headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", b"4000")]
            await self.send({"type": "http.response.start", "status": 200, "headers": headers})
            await self._send({"type": "http.response.body", "body": b'{"token_type":"Bearer",', "more_body": True})
            await asyncio.sleep(_ON_ITS_WAY_IN)
        else:
            self._world.requests.append(self._record({"status": 0}))
        self._request.scope["extensions"][ABORT]()
        while (await receive())["type"] != "http.disconnect":
            pass

    def _record(self, message: MutableMapping[str, Any]) -> LoggedRequest:
        return LoggedRequest(
            method=self._request.method,
            host=self._request.headers.get("host", ""),
            path=self._request.scope["path"],
            at=self._world.clock.now(),
            status=message["status"],
            service=self._service,
            **self._notes,
        )
