"""HTTP functions that all of the emulator's services share."""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from email.utils import formatdate
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from .world import World

BODY_LIMIT = 1_048_576  # bytes; far above the largest request to any service


class BodyTooLarge(Exception):
    """A request body over the limit."""


async def read_body(request: Request) -> bytes:
    """Return the body of a request.

    :raises BodyTooLarge: it is over BODY_LIMIT; the rest is not read.
    :raises ClientDisconnect: the client closed the connection.
    """
    body: bytes = b""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return body


def dated(world: World, body: bytes, status: int, headers: Iterable[tuple[str, str]]) -> Response:
    """Return a response with these headers, Content-Length, and a Date by the emulator's clock."""
    response = Response(status_code=status)
    response.body = body
    response.raw_headers = [
        *(_raw(name, value) for name, value in headers),
        (b"date", _http_date(int(world.clock.now()))),
        (b"content-length", str(len(body)).encode()),
    ]
    return response


@functools.lru_cache(maxsize=512)
def _raw(name: str, value: str) -> tuple[bytes, bytes]:
    """Return an encoded header. Cached, because most headers are the same in every response."""
    return name.lower().encode(), value.encode("latin-1", "replace")


@functools.lru_cache(maxsize=2)
def _http_date(moment: int) -> bytes:
    """Return a Date header (RFC 9110 section 5.6.7). Cached, because many responses share a second."""
    return formatdate(moment, usegmt=True).encode()


def json_response(
    world: World,
    body: Mapping[str, Any] | Sequence[Any] | None,
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """Return a JSON response; None means an empty body."""
    raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    return dated(world, raw, status, [("Content-Type", "application/json; charset=utf-8"), *headers])
