"""A fresh emulator for each test, and this process pointed at it by the environment alone, as any program would be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.language_client import NADIA, orders_token
from tests.support.scripted_user import ScriptedUser, use_emulator_environment

from entra_emulator import Emulator

pytest.register_assert_rewrite("tests.support.client_stories")


@pytest.fixture
def entra(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulator with the built-in tenants; the environment is that of `python -m entra_emulator -- CMD`."""
    with Emulator() as emulator:
        use_emulator_environment(emulator, monkeypatch)
        yield emulator


@pytest.fixture
def authority(entra: Emulator, request: pytest.FixtureRequest) -> str:
    """The authority of the default tenant: Microsoft's own host through the proxy, or "by URL" the emulator's."""
    base = entra.authority if getattr(request, "param", "") == "by URL" else "https://login.microsoftonline.com"
    return f"{base}/{entra.state.default_tenant.id}"


@pytest.fixture
def nadia(entra: Emulator) -> Iterator[ScriptedUser]:
    """She signs in with her password and a second factor."""
    person = ScriptedUser(entra, NADIA)
    yield person
    person.close()


@pytest.fixture
def callers_token(entra: Emulator) -> str:
    """Nadia's token for the Orders API, as the web application sends it there."""
    return orders_token(entra, entra.authority)
