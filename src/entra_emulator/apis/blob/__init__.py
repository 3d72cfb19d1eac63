"""Blob Storage: the files of exports, for whoever has the SAS in the query. A token beside it is an error.

Source: learn.microsoft.com/rest/api/storageservices/status-and-error-codes2 (AuthenticationFailed,
InvalidAuthenticationInfo, BlobNotFound, InvalidRange) and .../specifying-the-range-header-for-blob-service-operations.
"""

import hashlib
import re
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.routing import Route, route
from entra_emulator.web import dated

if TYPE_CHECKING:
    from entra_emulator.billing import Export

_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")


def routes() -> list[Route]:
    """Return the routes."""
    return [route("GET", "/exports/{export}/{file}", _get), route("GET", "/{path:path}", _nothing)]


async def _get(request: Request) -> Response:
    world, name = request.state.world, request.path_params["file"]
    exports: dict[str, Export] = world.exports
    found = exports.get(request.path_params["export"].lower())
    if "authorization" in request.headers:
        return _error(request, 403, "InvalidAuthenticationInfo", "Both a SAS and an Authorization header were sent.")
    if found is None or not found.admits(request.url.query, world.clock.now()):
        return _error(request, 403, "AuthenticationFailed", "The signature is not valid, or its time is over.")
    content = found.file(name)
    if content is None:
        return _error(request, 404, "BlobNotFound", "The specified blob does not exist.")
    return _part(request, content, f'"0x{hashlib.sha256(content).hexdigest()[:15].upper()}"')


def _part(request: Request, content: bytes, etag: str) -> Response:
    """Return the content, or the range of it that was requested; Blob Storage does not look at If-Range."""
    headers = [("Content-Type", "application/octet-stream"), ("Accept-Ranges", "bytes"), ("ETag", etag)]
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None:
        return dated(request.state.world, content, 200, headers)
    first, last = int(wanted[1]), min(int(wanted[2] or len(content) - 1), len(content) - 1)
    if first > last:
        return _error(request, 416, "InvalidRange", "The range specified is invalid for the current size.")
    headers.append(("Content-Range", f"bytes {first}-{last}/{len(content)}"))
    return dated(request.state.world, content[first : last + 1], 206, headers)


async def _nothing(request: Request) -> Response:
    return _error(request, 404, "ResourceNotFound", "The emulator's Blob Storage has the files of exports only.")


def _error(request: Request, status: int, code: str, message: str) -> Response:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    headers = [("Content-Type", "application/xml"), ("x-ms-error-code", code)]
    return dated(request.state.world, body.encode(), status, headers)
