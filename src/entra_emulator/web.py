"""HTTP habits that all of the emulator's services share."""

import json
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .world import World

BODY_LIMIT = 1_048_576  # bytes; no request to any of the services is near it


class BodyTooLarge(Exception):
    """A request body over the limit."""


async def read_body(request: Request) -> bytes:
    """The body of a request.

    :raises BodyTooLarge: it is over BODY_LIMIT; the rest of it is not read.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_LIMIT:
            raise BodyTooLarge
        parts.append(part)
    return b"".join(parts)


def dated(world: World, body: bytes, status: int, headers: Iterable[tuple[str, str]]) -> Response:
    """An answer with exactly these headers, Content-Length, and the Date of the emulator's clock."""
    response = Response(status_code=status)
    response.body = body
    response.raw_headers = [
        *((name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers),
        (b"date", formatdate(world.clock.now(), usegmt=True).encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    return response


def json_answer(
    world: World, body: Mapping[str, Any] | None, status: int = 200, headers: Iterable[tuple[str, str]] = ()
) -> Response:
    """A JSON answer; None is an empty body."""
    raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    return dated(world, raw, status, [("Content-Type", "application/json; charset=utf-8"), *headers])
