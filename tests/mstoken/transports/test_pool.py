"""Kept connections: when one serves again, when a new one takes its place, and how many there are."""

from __future__ import annotations

import gc
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.mstoken.transports.conftest import Send
from tests.support.raw_server import RawServer
from tests.support.token_service import Reply, TokenService

from mstoken import TransportError
from mstoken.protocol.http import HttpRequest
from mstoken.transports import pool
from mstoken.transports.blocking import HttpTransport

CHUNKED = b"2\r\nok\r\n0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSE: list[bytes] = []


def get(server: RawServer | TokenService, **options: Any) -> HttpRequest:
    return HttpRequest("GET", server.url, timeout_in=20, **options)


def wait_for_idle_end() -> None:
    """What a server sends or closes after its answer is here soon."""
    time.sleep(0.1)


def test_a_connection_is_reused(send: Send) -> None:
    """One after the other, on one connection."""
    with RawServer([[OK]] * 5) as server:
        assert [send(get(server)).body for _ in range(5)] == [b"ok"] * 5
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), id="close"),
        pytest.param(OK.replace(b"HTTP/1.1", b"HTTP/1.0"), id="HTTP/1.0"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nok", id="to the end"),
        pytest.param(OK + b"more", id="more than was asked for"),
        pytest.param(OK + OK, id="an answer nobody asked for"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            id="both lengths",
        ),
    ],
)
def test_a_connection_with_unread_data_is_not_reused(send: Send, answer: bytes) -> None:
    """What is left on it would be taken for the answer to the next request: somebody else's token."""
    with RawServer([[answer]], [[OK]], close=answer.endswith(b"\r\n\r\nok")) as server:
        assert send(get(server)).body == b"ok"
        assert send(get(server)).body == b"ok"
    assert server.connections == 2


def test_late_data_is_not_taken_as_a_response(send: Send) -> None:
    """An answer that nobody asked for, sent while the connection was idle, is never taken for the next one."""
    with RawServer([[OK, OK.replace(b"ok", b"no")]], [[OK]], close=False) as server:
        assert send(get(server)).body == b"ok"
        wait_for_idle_end()
        assert send(get(server)).body == b"ok"
    assert server.connections == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_the_server_closed_while_idle_is_replaced(send: Send, method: str) -> None:
    """Without an error, and the request is sent once: the end is seen before."""
    with RawServer([[OK]], [[OK]]) as server:
        for _ in range(2):
            assert send(HttpRequest(method, server.url, {}, b"x" if method == "POST" else b"")).body == b"ok"
            wait_for_idle_end()
    assert (server.connections, len(server.received)) == (2, 2)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_is_closed_as_the_request_arrives_is_replaced(send: Send, method: str) -> None:
    """No byte of a response came, so the request is sent once more on a new connection (RFC 9112 section 9.3.1)."""
    with RawServer([[OK], CLOSE], [[OK]]) as server:
        for _ in range(2):
            assert send(HttpRequest(method, server.url, {}, b"x" if method == "POST" else b"")).body == b"ok"
    assert (server.connections, len(server.received)) == (2, 3)
    assert server.received[1] == server.received[2]


def test_a_closed_connection_is_replaced_once(send: Send) -> None:
    """Whoever closes the new connection as well gets no third request."""
    with RawServer([[OK], CLOSE], [CLOSE]) as server:
        send(get(server))
        with pytest.raises(TransportError, match="closed the connection"):
            send(get(server))
    assert (server.connections, len(server.received)) == (2, 3)


def test_a_request_that_is_not_idempotent_is_not_sent_twice(send: Send) -> None:
    """A call that changes something may have been carried out before the connection was closed."""
    with RawServer([[OK], CLOSE], [[OK]]) as server:
        send(get(server))
        with pytest.raises(TransportError, match="closed the connection"):
            send(get(server, repeatable=False))
    assert (server.connections, len(server.received)) == (1, 2)


def test_a_request_that_is_not_idempotent_uses_recently_idle_connections_only(
    send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has been idle for longer may be closed any time, and then nobody knows whether it was carried out."""
    monkeypatch.setattr(pool, "SURELY_OPEN_IN", 0.05)
    with RawServer([[OK], [OK]], [[OK]], close=False) as server:
        send(get(server))
        wait_for_idle_end()
        send(get(server, repeatable=False))
    assert server.connections == 2


def test_a_request_is_not_repeated_after_the_response_has_begun(send: Send) -> None:
    """Not even on a kept connection."""
    with RawServer([[OK], [b"HTTP/1.1 200"]], [[OK]]) as server:
        send(get(server))
        with pytest.raises(TransportError):
            send(get(server))
    assert (server.connections, len(server.received)) == (1, 2)


def test_the_first_request_of_a_connection_is_not_repeated(send: Send) -> None:
    """The server is not one that closed an idle connection; asking it again may do the same harm twice."""
    with RawServer([CLOSE]) as server, pytest.raises(TransportError, match="closed the connection"):
        send(get(server))
    assert (server.connections, len(server.received)) == (1, 1)


def test_a_request_to_a_silent_server_is_not_repeated(send: Send) -> None:
    """The time is over, and the connection was not closed."""
    with RawServer([[OK], CLOSE], close=False) as server:
        send(get(server))
        with pytest.raises(TransportError, match="in time"):
            send(HttpRequest("GET", server.url, timeout_in=0.2))
    assert (server.connections, len(server.received)) == (1, 2)


@pytest.mark.parametrize("limit", ["IDLE_IN", "OPEN_IN"])
def test_old_connections_are_closed(send: Send, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """Neither an idle one, nor one in use: its name may have moved to another address."""
    monkeypatch.setattr(pool, limit, 0.05)
    with RawServer([[OK], [OK]], close=False) as server:
        for _ in range(2):
            send(get(server))
            wait_for_idle_end()
    assert server.connections == 2


def test_idle_connections_of_unused_servers_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that calls thousands of hosts once keeps a connection to none of them."""
    monkeypatch.setattr(pool, "IDLE_IN", 0.0)
    monkeypatch.setattr("mstoken.transports.blocking.SWEEP_EVERY_IN", 0.0)
    transport = HttpTransport()
    with RawServer([[OK]], close=False) as one, RawServer([[OK]], close=False) as other:
        transport.send(get(one))
        time.sleep(0.01)
        transport.send(get(other))
        assert len(transport._pools) == 1
    transport.close()


def test_threads_share_connections_but_never_at_the_same_time() -> None:
    """As many connections as requests in flight at once, and no more later."""
    service, transport = TokenService(), HttpTransport()
    together = threading.Barrier(8)

    def ask(_: int) -> int:
        together.wait(20)
        return transport.send(HttpRequest("GET", service.url)).status

    with ThreadPoolExecutor(8) as threads:
        for _ in range(5):
            assert list(threads.map(ask, range(8))) == [200] * 8
    assert service.connections <= 8
    transport.close()
    service.close()


def test_requests_beyond_the_limit_wait_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a request waits until another one is done; all are served."""
    monkeypatch.setattr(pool, "MOST_OPEN", 2)
    service, transport = TokenService(), HttpTransport()
    service.script = [Reply(200, "ok", delay=0.05)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: transport.send(HttpRequest("GET", service.url)).status, range(16)))
    assert answers == [200] * 16
    assert service.connections <= 2
    transport.close()
    service.close()


def test_waiting_for_a_connection_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the error says what was missing."""
    monkeypatch.setattr(pool, "MOST_OPEN", 1)
    service, transport = TokenService(), HttpTransport()
    service.script = [Reply(200, "ok", delay=3)]
    first = threading.Thread(target=transport.send, args=(HttpRequest("GET", service.url),))
    first.start()
    while not service.requests:
        time.sleep(0.01)
    with pytest.raises(TransportError, match=r"1 connections to .* are in use"):
        transport.send(HttpRequest("GET", service.url, timeout_in=0.2))
    first.join()
    transport.close()
    service.close()


def test_a_failed_connection_does_not_count_towards_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is away for a while is asked again when it is there."""
    monkeypatch.setattr(pool, "MOST_OPEN", 1)
    transport = HttpTransport()
    for _ in range(3):
        with pytest.raises(TransportError, match="refused"):
            transport.send(HttpRequest("GET", "http://127.0.0.1:1/"))


def test_a_closed_transport_can_be_used_again(send: Send, transport: Any, runner: Any) -> None:
    """Closing ends what is idle; the next request makes a new connection."""
    with RawServer([[OK]], close=False) as server:
        send(get(server))
        runner.run(transport.close)
        assert send(get(server)).body == b"ok"
    assert server.connections == 2


def test_a_garbage_collected_transport_closes_its_sockets() -> None:
    """Nor a ResourceWarning, which the host's tests may have as an error; in a cycle of references too."""
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH208, PTH112
    with RawServer([[OK]], close=False) as server:
        for _ in range(3):
            transport = HttpTransport()
            transport.send(get(server))
            transport.itself = transport  # type: ignore[attr-defined]
            del transport
        gc.collect()
        if before:
            assert len(os.listdir("/proc/self/fd")) <= before + 8  # noqa: PTH208
    gc.collect()
