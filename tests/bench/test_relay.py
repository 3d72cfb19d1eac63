"""The relay delays what it relays, and counts the round trips that a client waits for."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bench.service import Relay, Service, serving

DELAY_IN = 0.1


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A token service of the test's own."""
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def relay(service: Service) -> Iterator[Relay]:
    """A relay to it, 100 ms each way."""
    with service.at_a_distance(DELAY_IN) as running:
        yield running


def connect(relay: Relay, service: Service, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLSocket:
    trust = ssl.create_default_context(cafile=str(service.bundle))
    trust.minimum_version = trust.maximum_version = version
    place = urlsplit(relay.url)
    plain = socket.create_connection((place.hostname, place.port), timeout=20)
    return trust.wrap_socket(plain, server_hostname=place.hostname)


def exchange(connection: ssl.SSLSocket, *parts: bytes) -> None:
    """Send a token request in these parts and read the response."""
    for part in parts:
        connection.sendall(part)
    received = b""
    while not received.endswith(b"}"):
        received += connection.recv(65536)


REQUEST = b"POST /t/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n"


@pytest.mark.parametrize(
    ("version", "round_trips"), [(ssl.TLSVersion.TLSv1_3, 3), (ssl.TLSVersion.TLSv1_2, 4)], ids=["TLS 1.3", "TLS 1.2"]
)
def test_a_first_request_takes_the_round_trips_of_its_protocols(
    relay: Relay, service: Service, version: ssl.TLSVersion, round_trips: int
) -> None:
    """TCP one, TLS one or two (RFC 8446 section 2, RFC 5246 section 7.3), the request one, in so many times 200 ms."""
    began = time.monotonic()
    with connect(relay, service, version) as connection:
        exchange(connection, REQUEST + b"form")
        took = time.monotonic() - began
    assert relay.counts() == {"connections": 1, "round_trips": round_trips}
    assert took >= round_trips * 2 * DELAY_IN


def test_each_further_request_takes_one_round_trip(relay: Relay, service: Service) -> None:
    """Also when head and body are sent one after the other, as http.client does."""
    with connect(relay, service) as connection:
        for _ in range(3):
            exchange(connection, REQUEST, b"form")
    assert relay.counts() == {"connections": 1, "round_trips": 5}


def test_many_connections_are_delayed_at_the_same_time(relay: Relay, service: Service) -> None:
    """Ten connections wait for their answers together, and each is whole."""
    connections = [connect(relay, service) for _ in range(10)]
    began = time.monotonic()
    for connection in connections:
        connection.sendall(REQUEST + b"form")
    for connection in connections:
        exchange(connection)
        connection.close()
    assert time.monotonic() - began < 10 * 2 * DELAY_IN
    assert service.counts()["tokens"] == 10
