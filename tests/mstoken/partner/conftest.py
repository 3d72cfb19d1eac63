"""A partner with customers, and its client signed in as Nadia."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.runners import Runner

from entra_emulator import Emulator
from mstoken import ClientSecret, RefreshToken

NADIA = "nadia@northwind-partner.example"


@pytest.fixture
def csp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A partner with six customers beside the built-in one: without consent, with MFA, blocked, ended, and two well."""
    troubles = {"consent_missing": 1, "mfa_required": 1, "blocked": 1, "ended": 1}
    with Emulator({"customers": {"count": 6, **troubles}}) as entra:
        for name, text in entra.environment().items():
            monkeypatch.setenv(name, text)
        yield entra


@pytest.fixture
def sign_in_client(csp: Emulator, runner: Runner) -> Callable[..., Any]:
    """A client with the refresh token of a user, Nadia if no other is named."""

    def make(user: str = NADIA, *, mfa: bool | None = None) -> Any:
        app = csp.state.default_app
        credential = RefreshToken(csp.sign_in(user, mfa=mfa), client=ClientSecret(app.secrets[0].value))
        host = csp.environment()["AZURE_AUTHORITY_HOST"]
        return runner.client(csp.state.default_tenant.id, app.id, credential, host)

    return make


def listed(runner: Runner, found: Any) -> list[Any]:
    """All of an iterator, or of an async one."""
    if not hasattr(found, "__anext__"):
        return list(found)

    async def collect() -> list[Any]:
        return [one async for one in found]

    collected: list[Any] = runner.run(collect)
    return collected
