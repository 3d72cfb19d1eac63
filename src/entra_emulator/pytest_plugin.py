"""The `entra` fixture: a new local Entra ID for a test. It costs nothing in tests that do not use it.

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
    """The emulator's configuration; None means the built-in tenants. Override it for tenants of your own.

    It can be the path of a TOML file, of a JSON file that `save` wrote, or a mapping of the same form.
    """
    return None


@pytest.fixture
def entra(entra_config: "Config") -> Iterator["Emulator"]:
    """A new local Entra ID that ends with the test. It does not change the environment; see `entra_environment`."""
    from . import Emulator

    with Emulator(entra_config) as emulator:
        yield emulator


@pytest.fixture
def entra_clock(entra: "Emulator", monkeypatch: pytest.MonkeyPatch) -> "Clock":
    """`entra.clock`, with `time.time` of this process set to follow it until the test ends.

    `entra_clock.advance(3600)` advances the time by an hour for the emulator and for the client under test, so that a
    cached token is due for renewal. Other processes, `time.monotonic` and `time.sleep` are not affected.
    """
    import time

    clock = entra.clock
    monkeypatch.setattr(time, "time", clock.now)
    return clock


@pytest.fixture
def entra_environment(entra: "Emulator", monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment that directs this test to `entra`, without inherited settings that would direct it elsewhere."""
    import os

    from .environment import is_real_configuration

    for name in [name for name in os.environ if is_real_configuration(name)]:
        monkeypatch.delenv(name)
    added = entra.environment()
    for name, value in added.items():
        monkeypatch.setenv(name, value)
    return added
