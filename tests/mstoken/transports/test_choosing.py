"""A client has one transport, however many threads ask at once for the first time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.token_service import TokenService

from mstoken.protocol.http import HttpRequest
from mstoken.transports import pyreqwest
from mstoken.transports.choosing import BlockingTransport


def test_threads_that_begin_together_share_it(monkeypatch: pytest.MonkeyPatch, token_service: TokenService) -> None:
    """Each would else open connections of its own, which nobody closes."""
    made: list[object] = []

    class Slow(pyreqwest.PyreqwestTransport):
        def __init__(self) -> None:
            time.sleep(0.05)
            super().__init__()
            made.append(self)

    monkeypatch.setattr(pyreqwest, "PyreqwestTransport", Slow)
    together, transport = threading.Barrier(8), BlockingTransport()

    def ask(_: int) -> int:
        together.wait(5)
        return transport.send(HttpRequest("GET", token_service.url)).status

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [200] * 8
    assert len(made) == 1
    transport.close()
