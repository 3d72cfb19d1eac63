"""Access control for the admin API and the dashboard: both require the key that the emulator generates at its start.

Another site's page in the same browser must not control the emulator. It does not know the key, its requests have a
different Origin, and the browser does not send the dashboard's cookie with them (SameSite=Strict). The Host header must
name localhost and the emulator's port, which prevents DNS rebinding.
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
    """Handle a request of the admin API if its Authorization header has the key, and its body, if any, is JSON."""

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


def for_browser(control: Control, handler: Callable[[Request], Awaitable[Response]], key_page: Handler) -> Handler:
    """Handle a request of the dashboard if the browser has the cookie for the key; else show `key_page`."""

    async def handle(request: Request) -> Response:
        if not _from_here(request):
            return _refuse(request, 403, "Forbidden", "The dashboard answers no other origin and no other host name.")
        if not same(control.admin_key, request.cookies.get(COOKIE, "")):
            return await key_page(request)
        return await handler(request)

    return handle


def open_to_people(handler: Callable[[Request], Awaitable[Response]]) -> Handler:
    """Handle a request from the emulator's own origin without a key, such as the form that submits the key."""

    async def handle(request: Request) -> Response:
        if not _from_here(request):
            return _refuse(request, 403, "Forbidden", "The dashboard answers no other origin and no other host name.")
        return await handler(request)

    return handle


def _has_body(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


def same(key: str, shown: str) -> bool:
    """Return whether the keys are equal, in constant time."""
    return hmac.compare_digest(key.encode(), shown.encode())


def _has_key(control: Control, request: Request) -> bool:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and same(control.admin_key, shown.strip())


def _from_here(request: Request) -> bool:
    hosts = {f"{name}:{request.state.world.port}" for name in LOCAL_NAMES}
    host = request.headers.get("host", "").lower()
    origin = request.headers.get("origin", f"https://{host}").lower()
    from_elsewhere = request.headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
    is_foreign = from_elsewhere and not (
        request.method == "GET" and request.headers.get("sec-fetch-mode") == "navigate"
    )
    return host in hosts and origin == f"https://{host}" and not is_foreign


def _refuse(
    request: Request, status: int, code: str, message: str, headers: Iterable[tuple[str, str]] = ()
) -> Response:
    return json_response(request.state.world, {"error": {"code": code, "message": message}}, status, headers)
