"""Who may use the admin API and the dashboard: whoever has the key that the emulator made at its start.

A web page that a browser has open elsewhere must not drive the emulator: it cannot know the key, its requests carry an
Origin that is not ours, and the cookie that the dashboard lives on is not sent along (SameSite=Strict). The Host header
has to name localhost and the emulator's port, so that nobody gets here by rebinding DNS.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.control import Control
from entra_emulator.routing import LOCAL_NAMES, Handler
from entra_emulator.web import json_response

COOKIE = "entra_emulator_admin"
JSON = "application/json"


def for_programs(control: Control, handler: Callable[[Request], Awaitable[Response]]) -> Handler:
    """Let a request of the admin API through: with the key in its Authorization header, and JSON if it has a body."""

    async def handle(request: Request) -> Response:
        if not _from_here(request):
            return _refuse(request, 403, "Forbidden", "The admin API answers no other origin and no other host name.")
        if not _has_key(control, request):
            hint = "Send the header 'Authorization: Bearer KEY' with the key in ENTRA_EMULATOR_ADMIN_KEY."
            return _refuse(request, 401, "Unauthorized", hint, [("WWW-Authenticate", "Bearer")])
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if _has_body(request) and kind != JSON:
            return _refuse(request, 415, "UnsupportedMediaType", f"A body has to be {JSON}.")
        return await handler(request)

    return handle


def for_people(control: Control, handler: Callable[[Request], Awaitable[Response]], ask: Handler) -> Handler:
    """Let a request of the dashboard through: with the cookie of a browser that gave the key; else `ask` for it."""

    async def handle(request: Request) -> Response:
        if not _from_here(request):
            return _refuse(request, 403, "Forbidden", "The dashboard answers no other origin and no other host name.")
        if not same(control.admin_key, request.cookies.get(COOKIE, "")):
            return await ask(request)
        return await handler(request)

    return handle


def open_to_people(handler: Callable[[Request], Awaitable[Response]]) -> Handler:
    """Let a request from our own origin through without a key, as that which brings the key."""

    async def handle(request: Request) -> Response:
        if not _from_here(request):
            return _refuse(request, 403, "Forbidden", "The dashboard answers no other origin and no other host name.")
        return await handler(request)

    return handle


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


def same(key: str, shown: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(key.encode(), shown.encode())


def _has_key(control: Control, request: Request) -> bool:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and same(control.admin_key, shown.strip())


def _from_here(request: Request) -> bool:
    hosts = {f"{name}:{request.state.world.port}" for name in LOCAL_NAMES}
    host = request.headers.get("host", "").lower()
    origin = request.headers.get("origin", f"https://{host}").lower()
    from_elsewhere = request.headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
    leads_away = from_elsewhere and not (
        request.method == "GET" and request.headers.get("sec-fetch-mode") == "navigate"
    )
    return host in hosts and origin == f"https://{host}" and not leads_away


def _refuse(
    request: Request, status: int, code: str, message: str, headers: Iterable[tuple[str, str]] = ()
) -> Response:
    return json_response(request.state.world, {"error": {"code": code, "message": message}}, status, headers)
