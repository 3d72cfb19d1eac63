"""Fixtures for every test."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from tests.support import pythons
from tests.support.runners import AsyncioRunner, BlockingRunner, Runner
from tests.support.token_service import TokenService

from mstoken import messages, steps

if TYPE_CHECKING:
    from tests.support.oidc_issuer import OidcIssuer

    from entra_emulator import Emulator

settings.register_profile(
    "busy machine", suppress_health_check=[HealthCheck.too_slow]
)  # how long an example takes says nothing there
settings.load_profile("busy machine")


def pytest_configure() -> None:
    """A shell that starts the tests in the background lets them ignore Ctrl-C, and every process that they start."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _nothing_of_the_command_line_stays() -> Iterator[None]:
    """Some tests run commands in this process: who reads messages, steps and advice is as before afterwards."""
    readers: list[list[Any]] = [messages._handlers, messages._audience, steps._printers]
    before = [list(reader) for reader in readers]
    yield
    for reader, earlier in zip(readers, before, strict=True):
        reader[:] = earlier


@pytest.fixture(params=[BlockingRunner, AsyncioRunner], ids=["blocking", "asyncio"])
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    """Threads with Client, then tasks with AsyncClient."""
    made: Runner = request.param()
    yield made
    made.close()


@pytest.fixture
def token_service() -> Iterator[TokenService]:
    """A scripted token service, gone after the test."""
    service = TokenService()
    yield service
    service.close()


@pytest.fixture
def issuer(entra: Emulator) -> Iterator[OidcIssuer]:
    """An issuer that the emulator's default application trusts for one subject."""
    from tests.support.oidc_issuer import SUBJECT, OidcIssuer

    from entra_emulator.model import FederatedCredential

    made = OidcIssuer()
    entra.state.default_app.federated = [FederatedCredential(made.url, SUBJECT)]
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The log names the Pythons that the host processes ran on, and the languages whose clients did not run."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    if any("test_host_processes.py" in getattr(report, "nodeid", "") for report in reports):
        used = ", ".join(python.version for python in pythons.installed())
        absent = ", ".join(pythons.absent()) or "none"
        terminalreporter.write_line(f"host processes: ran on Python {used}; not installed here: {absent}")
    ours = [one for one in reports if isinstance(one, pytest.TestReport) and "languages" in one.keywords]
    in_languages = [one for one in ours if one.when != "teardown"]  # stats also has the items that were deselected
    if in_languages:
        skipped = Counter(one.longrepr[2] for one in in_languages if one.skipped and isinstance(one.longrepr, tuple))
        runs = sum(one.when == "call" and not one.skipped for one in in_languages)
        terminalreporter.write_line(f"clients in other languages: {runs} tests ran, {skipped.total()} were skipped")
        for reason, count in skipped.items():
            terminalreporter.write_line(f"  {count}: {reason.removeprefix('Skipped: ')}")
