"""The fixture `entra_clock`: one clock for the emulator and for the client under test."""

from __future__ import annotations

import time

import pytest

from entra_emulator import Emulator
from entra_emulator.clock import Clock


def test_the_clients_clock_moves_with_the_emulators(
    entra: Emulator, entra_environment: dict[str, str], entra_clock: Clock
) -> None:
    """A cached token expires when the test says so, and the client gets a new one."""
    from mstoken import Client

    assert entra_environment
    client = Client.from_env()
    first = client.get_token("graph").token
    assert client.get_token("graph").token == first
    entra_clock.advance(7200)
    second = client.get_token("graph")
    assert second.token != first
    assert second.expires_on > time.time()
    assert len(entra.token_requests) == 2


def test_both_clocks_show_the_same(entra: Emulator, entra_clock: Clock) -> None:
    """The emulator's offset counts once."""
    entra_clock.advance(86_400)
    assert time.time() == pytest.approx(entra.clock.now(), abs=5)


def test_the_clock_is_restored_after_the_test(entra: Emulator) -> None:
    """Without the fixture, `time.time` is the machine's, wherever the emulator's clock stands."""
    entra.clock.advance(86_400)
    assert entra.clock.now() - time.time() == pytest.approx(86_400, abs=5)
