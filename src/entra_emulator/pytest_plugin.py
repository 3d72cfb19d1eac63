"""The `entra` fixture: a fresh local Entra ID for a test. Costs nothing where it is not used.

docs/emulator-in-tests.md shows it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .clock import Clock
    from .config import Config
    from .emulator import Emulator


@pytest.fixture
def entra_config() -> "Config":
    """What the emulator starts with: None for the built-in tenants. Override it for tenants of your own.

    A path of a TOML file, or of a JSON file that `save` wrote, or a mapping of the same form.
    """
    return None


@pytest.fixture
def entra(entra_config: "Config") -> Iterator["Emulator"]:
    """A fresh local Entra ID that ends with the test. The environment is left alone, see `entra_environment`."""
    from . import Emulator

    with Emulator(entra_config) as emulator:
        yield emulator


@pytest.fixture
def entra_clock(entra: "Emulator", monkeypatch: pytest.MonkeyPatch) -> "Clock":
    """One clock for both sides: `entra.clock`, and with it `time.time` of this process, until the test ends.

    `entra_clock.advance(3600)` lets an hour pass for the emulator and for the client under test, so that a cached token
    is due for renewal. Other processes, `time.monotonic` and `time.sleep` keep their own time.
    """
    import time

    clock = entra.clock
    monkeypatch.setattr(time, "time", clock.now)
    return clock


@pytest.fixture
def entra_environment(entra: "Emulator", monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment points at `entra` for this test, and at nothing else that an inherited setting may name."""
    import os

    from .environment import leads_elsewhere

    for name in [name for name in os.environ if leads_elsewhere(name)]:
        monkeypatch.delenv(name)
    added = entra.environment()
    for name, value in added.items():
        monkeypatch.setenv(name, value)
    return added
