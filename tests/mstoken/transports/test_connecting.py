"""From a name to a connection: addresses in turn, side by side, and within the time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.mstoken.transports.conftest import Send
from tests.support.raw_server import RawServer

from mstoken import TransportError, UsageError
from mstoken.protocol.http import HttpRequest
from mstoken.transports import connecting, resolving
from mstoken.transports.blocking import HttpTransport
from mstoken.transports.deadline import Deadline
from mstoken.transports.dialing import dial, interleaved
from mstoken.transports.failures import Peer
from mstoken.transports.resolving import Resolver

OK = [[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]]
TCP, V4, V6 = (socket.SOCK_STREAM, socket.IPPROTO_TCP), socket.AF_INET, socket.AF_INET6
CLOSED = (V4, *TCP, ("127.0.0.1", 1))


@pytest.fixture
def silent() -> Iterator[Any]:
    """An address that answers no connection attempt: its queue is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        held = []
        for _ in range(8):
            held.append(socket.socket())
            held[-1].setblocking(False)  # noqa: FBT003
            held[-1].connect_ex(listening.getsockname())
        time.sleep(0.05)
        yield (V4, *TCP, listening.getsockname())
        for one in held:
            one.close()


@pytest.fixture
def answering() -> Iterator[Any]:
    """An address that answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield (V4, *TCP, listening.getsockname())


def test_address_families_alternate() -> None:
    """The system's order decides who begins (RFC 8305 section 4)."""
    six: list[Any] = [(V6, *TCP, (f"::{number}", 443, 0, 0)) for number in range(3)]
    four: list[Any] = [(V4, *TCP, (f"10.0.0.{number}", 443)) for number in range(2)]
    assert interleaved(six + four) == [six[0], four[0], six[1], four[1], six[2]]
    assert interleaved(four + six) == [four[0], six[0], four[1], six[1], six[2]]
    assert interleaved([]) == []


def test_after_a_refused_connection_the_next_address_is_tried_at_once(answering: Any) -> None:
    """The next one is tried without the delay."""
    began = time.monotonic()
    with dial([CLOSED, CLOSED, answering], Deadline(20)) as link:
        assert link.getpeername() == answering[3]
    assert time.monotonic() - began < 5


def test_after_a_silent_address_the_next_one_is_tried_soon(silent: Any, answering: Any) -> None:
    """After a quarter of a second the next one is tried beside it (RFC 8305 section 5)."""
    began = time.monotonic()
    with dial([silent, answering], Deadline(60)) as link:
        assert link.getpeername() == answering[3]
    assert 0.2 < time.monotonic() - began < 20


def test_an_unsupported_address_family_is_skipped(answering: Any) -> None:
    """As IPv6 does in many containers."""
    lacking = (12345, *TCP, ("::1", 443, 0, 0))
    with dial([lacking, answering], Deadline(20)) as link:
        assert link.getpeername() == answering[3]


def test_the_last_failure_is_reported() -> None:
    """Where no address can be connected to."""
    with pytest.raises(ConnectionRefusedError):
        dial([CLOSED, CLOSED], Deadline(20))
    with pytest.raises(OSError, match="address"):
        dial([], Deadline(20))


def test_a_silent_server_times_out(silent: Any) -> None:
    """However many addresses there are."""
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        dial([silent, silent], Deadline(0.4))
    assert time.monotonic() - began < 10


def test_ipv4_is_used_if_ipv6_fails(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with both kinds of address, whose server listens on one."""
    monkeypatch.setattr(connecting, "RESOLVER", Resolver())
    with RawServer(OK) as server:
        port = int(server.url.rstrip("/").rpartition(":")[2])
        found = [(V6, *TCP, "", ("::1", port, 0, 0)), (V4, *TCP, "", ("127.0.0.1", port))]
        _answer(monkeypatch, lambda *_: found)
        assert send(HttpRequest("GET", f"http://both.example:{port}/", timeout_in=20)).body == b"ok"


def test_a_slow_name_lookup_times_out(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """getaddrinfo(3) has no limit of its own."""
    over = threading.Event()
    monkeypatch.setattr(connecting, "RESOLVER", Resolver())
    _answer(monkeypatch, lambda *_: over.wait(20) and [])
    began = time.monotonic()
    with pytest.raises(TransportError, match=r"slow-name\.example did not answer in time"):
        send(HttpRequest("GET", "http://slow-name.example/", timeout_in=0.3))
    assert time.monotonic() - began < 10
    over.set()


def test_concurrent_requests_look_a_name_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And again after a while, so that a name that moved is followed; failures are not kept."""
    asked: list[bytes] = []

    def answer(host: bytes, port: int) -> list[Any]:
        asked.append(host)
        time.sleep(0.1)
        return [(V4, *TCP, "", ("127.0.0.1", port))]

    _answer(monkeypatch, answer)
    resolver, peer = Resolver(), Peer("crowd.example")
    found: list[Any] = []

    def look_up() -> None:
        found.append(resolver.addresses("crowd.example", 443, Deadline(20), peer))

    threads = [threading.Thread(target=look_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [b"crowd.example"]
    assert found == [[(V4, *TCP, ("127.0.0.1", 443))]] * 8
    monkeypatch.setattr(resolving, "CACHED_IN", 0.0)
    look_up()
    assert len(asked) == 2


def test_a_failed_lookup_is_not_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks again a moment later may be answered."""
    answers: list[Any] = [socket.gaierror(socket.EAI_AGAIN, "later"), [(V4, *TCP, "", ("127.0.0.1", 443))]]

    def answer(*_: object) -> Any:
        one = answers.pop(0)
        if isinstance(one, OSError):
            raise one
        return one

    _answer(monkeypatch, answer)
    resolver, peer = Resolver(), Peer("again.example")
    with pytest.raises(TransportError, match=r"again\.example could not be resolved"):
        resolver.addresses("again.example", 443, Deadline(20), peer)
    assert resolver.addresses("again.example", 443, Deadline(20), peer)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_ip_address_is_not_looked_up(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """It needs neither a thread nor a resolver."""

    def answer(*_: object) -> Any:
        raise AssertionError("looked up")

    _answer(monkeypatch, answer)
    [(_, _, _, where)] = Resolver().addresses(host, 443, Deadline(20), Peer(host))
    assert where[0] == host


def test_a_name_in_another_script_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the rules for international names; what they do not allow is refused before anything is sent."""
    asked: list[bytes] = []

    def answer(host: bytes, port: int) -> Any:
        asked.append(host)
        return [(V4, *TCP, "", ("127.0.0.1", 1))]

    _answer(monkeypatch, answer)
    monkeypatch.setattr(connecting, "RESOLVER", Resolver())
    with pytest.raises(TransportError, match="refused"):
        _get("http://bücher.example/")
    assert asked == [b"xn--bcher-kva.example"]
    with pytest.raises(UsageError, match="is not the address of a server"):
        _get("http://" + "ü" * 70 + ".example/")


def _get(url: str) -> None:
    HttpTransport().send(HttpRequest("GET", url, timeout_in=20))


def _answer(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    """Have names resolved by `answer(host, port)`; addresses are the system's matter."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, **options: Any) -> Any:
        if options.get("flags"):
            return real(host, port, **options)
        return answer(host, port)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
