"""HTTP by pyreqwest: one Rust client for blocking code and asyncio.

HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and the system's trust store are honoured by the client itself; a bundle named by
REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, which TLS-inspecting companies set, is trusted besides. Redirects are never
followed: a secret goes where it was sent and nowhere else.
"""

from __future__ import annotations

import atexit
import os
import time
from datetime import timedelta
from functools import cache
from pathlib import Path
from threading import Lock

from pyreqwest.exceptions import PyreqwestError

from mstoken.protocol.http import HttpResponse
from mstoken.transports.faults import not_accepted, too_large, unreachable, unreadable_bundle
from mstoken.typed import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyreqwest.bytes import Bytes
    from pyreqwest.client import BaseClientBuilder, Client, SyncClient
    from pyreqwest.request import BaseRequestBuilder
    from pyreqwest.response import BaseResponse

    from mstoken.protocol.http import HttpRequest

B = TypeVar("B", bound="BaseClientBuilder")
R = TypeVar("R", bound="BaseRequestBuilder")

CONNECT_IN = timedelta(seconds=10)
DIRECT_CONNECT_IN = timedelta(seconds=2)
"""For servers reached without a proxy: they are on this machine or beside it. azure-identity waits as long for IMDS."""
ANSWER_IN = timedelta(seconds=30)
USER_AGENT = "mstoken"
SETTLE_IN = 0.02
"""Seconds between the last line of a program and the end of Python, for pyreqwest's thread to let go of it."""


class PyreqwestTransport:
    """Blocking. The client is built at the first request and shared by all threads."""

    def __init__(self) -> None:
        self._clients: dict[bool, SyncClient] = {}  # by whether it goes past proxies
        self._lock = Lock()

    def send(self, request: HttpRequest) -> HttpResponse:
        """Send and read the whole answer. Raises TransportError, or UnreadableAnswer for one over `max_answer`."""
        if request.way.own_trust:
            from mstoken.transports import own_trust

            return own_trust.send(request)
        try:
            builder = _fill(self._ready(direct=request.way.direct).request(request.method, request.url), request)
            # No `with`: what was read to its end needs no leaving, for which the interpreter goes to another thread.
            stream = builder.build_streamed()
            response = stream.__enter__()
            try:
                return _answer(response, response.body_reader.read(request.max_answer + 1), request)
            except BaseException:
                stream.__exit__(None, None, None)
                raise
        except PyreqwestError as error:
            reasons = _reasons(error)
        issuer = _issuer(request) if not_accepted(reasons) else ""
        raise unreachable(request.url, reasons, issuer)

    def close(self) -> None:
        with self._lock:
            while self._clients:
                self._clients.popitem()[1].close()

    def _ready(self, *, direct: bool = False) -> SyncClient:
        with self._lock:
            if direct not in self._clients:
                from pyreqwest.client import SyncClientBuilder

                self._clients[direct] = _configured(SyncClientBuilder(), direct=direct).build()
            return self._clients[direct]


class AsyncPyreqwestTransport:
    """For asyncio. The client is built at the first request."""

    def __init__(self) -> None:
        self._clients: dict[bool, Client] = {}

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send and read the whole answer. Raises TransportError, or UnreadableAnswer for one over `max_answer`."""
        if request.way.own_trust:
            import asyncio

            from mstoken.transports import own_trust

            return await asyncio.to_thread(own_trust.send, request)
        try:
            builder = _fill(self._ready(direct=request.way.direct).request(request.method, request.url), request)
            stream = builder.build_streamed()
            response = await stream.__aenter__()
            try:
                return _answer(response, await response.body_reader.read(request.max_answer + 1), request)
            except BaseException:
                await stream.__aexit__(None, None, None)
                raise
        except PyreqwestError as error:
            reasons = _reasons(error)
        import asyncio

        issuer = await asyncio.to_thread(_issuer, request) if not_accepted(reasons) else ""
        raise unreachable(request.url, reasons, issuer)

    async def close(self) -> None:
        while self._clients:
            await self._clients.popitem()[1].close()

    def _ready(self, *, direct: bool = False) -> Client:
        if direct not in self._clients:
            from pyreqwest.client import ClientBuilder

            _settle_at_exit()
            self._clients[direct] = _configured(ClientBuilder(), direct=direct).build()
        return self._clients[direct]


@cache
def _settle_at_exit() -> None:
    """Wait a moment before Python ends, once in a process that used asyncio.

    Without it Python aborts (SIGABRT in PyGILState_Release) when a program ends with its answer: bare pyreqwest 0.15.1
    in 50 of 120 runs on 3.11, in 23 and 38 of 120 on 3.13; with it in none of 120 on either. The likely reason, not
    proved: its thread, which wakes the event loop, is still on its way out of Python (threads at finalization,
    docs.python.org/3/c-api/init.html). The blocking client did not do so in 30 runs.
    """
    atexit.register(time.sleep, SETTLE_IN)


def _configured(builder: B, *, direct: bool) -> B:
    connect_in = DIRECT_CONNECT_IN if direct else CONNECT_IN
    builder = builder.follow_redirects(enable=False).connect_timeout(connect_in).timeout(ANSWER_IN)
    if direct:
        builder = builder.no_proxy()
    builder = builder.user_agent(USER_AGENT).referer(enable=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(name)
        if path and path != os.environ.get("SSL_CERT_FILE"):
            builder = _trusting(builder, name, Path(path))
    return builder


def _trusting(builder: B, name: str, path: Path) -> B:
    if path.is_dir():
        return builder  # a folder of hashed certificates is for OpenSSL; the system store serves here
    try:
        for certificate in path.read_bytes().split(b"-----END CERTIFICATE-----")[:-1]:
            builder = builder.add_root_certificate_pem(certificate + b"-----END CERTIFICATE-----\n")
    except OSError as error:
        raise unreadable_bundle(name, str(path), error.strerror or type(error).__name__) from None
    return builder


def _fill(builder: R, request: HttpRequest) -> R:
    for name, value in request.headers.items():
        builder = builder.header(name, value, is_sensitive=True)
    if request.answer_in is not None:
        builder = builder.timeout(timedelta(seconds=request.answer_in))
    return builder.body_bytes(request.body) if request.body else builder


def _answer(response: BaseResponse, body: Bytes | None, request: HttpRequest) -> HttpResponse:
    """Decompressed bytes count, so a small answer cannot swell past the limit either."""
    content = bytes(body or b"")
    if len(content) > request.max_answer:
        raise too_large(request.url, request.max_answer)
    return HttpResponse(response.status, _headers(response), content)


def _headers(response: BaseResponse) -> Mapping[str, str]:
    """As they came; challenges on several lines are one list of them (RFC 9110 sections 5.3 and 11.6.1)."""
    headers = response.headers
    lines = headers.getall("www-authenticate") if "www-authenticate" in headers else []
    return {**headers, "www-authenticate": ", ".join(lines)} if len(lines) > 1 else headers


def _issuer(request: HttpRequest) -> str:
    from mstoken.transports.issuer import issuer_of

    return issuer_of(request.url, direct=request.way.direct)


def _reasons(error: PyreqwestError) -> list[str]:
    """The chain of causes, outermost first; none of them quotes a header or a body."""
    causes = (getattr(error, "details", None) or {}).get("causes") or []
    return [cause["message"] for cause in causes] or [error.message]
