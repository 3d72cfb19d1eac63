"""One application that needs a token for each request, as WSGI, as ASGI (FastAPI) and as a Celery task.

HOST_APP_URL is the token service; HOST_APP_REDIS is Celery's broker; HOST_APP_PRELOADED=1 gets a token on import, which
is before the fork where a server loads the application first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from celery import Celery
from fastapi import FastAPI

from mstoken import AsyncClient, Client, ClientSecret

_CLIENT_ID = "6731de76-14a6-49ae-97bc-6eba6914391e"
_URL = os.environ["HOST_APP_URL"]
_client = Client("contoso.example", _CLIENT_ID, ClientSecret("s3cret"), _URL)
_async_client = AsyncClient("contoso.example", _CLIENT_ID, ClientSecret("s3cret"), _URL)
if os.environ.get("HOST_APP_PRELOADED"):
    _client.get_token("graph", tenant_id="preloaded.example")

queue = Celery(
    "host_app",
    broker=os.environ.get("HOST_APP_REDIS", ""),
    backend=os.environ.get("HOST_APP_REDIS", ""),
    set_as_current=False,
)
asgi = FastAPI()


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """`GET /TENANT` answers with that tenant's token."""
    token = _client.get_token("graph", tenant_id=environ["PATH_INFO"][1:]).token
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [token.encode()]


@asgi.get("/in-a-thread/{tenant}")
def token_in_a_thread(tenant: str) -> str:
    """FastAPI runs a `def` endpoint in a worker thread."""
    return _client.get_token("graph", tenant_id=tenant).token


@asgi.get("/in-the-loop/{tenant}")
async def token_in_the_loop(tenant: str) -> str:
    """And an `async def` endpoint in the event loop."""
    return (await _async_client.get_token("graph", tenant_id=tenant)).token


@queue.task  # type: ignore[untyped-decorator]
def token_of(tenant: str) -> str:
    """The tenant's token, got in one of the worker's processes."""
    return _client.get_token("graph", tenant_id=tenant).token
