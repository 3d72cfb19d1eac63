"""Fixtures for every test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tests.support import pythons
from tests.support.runners import AsyncioRunner, BlockingRunner, Runner
from tests.support.token_service import TokenService

from mstoken import messages, steps

settings.register_profile(
    "busy machine", suppress_health_check=[HealthCheck.too_slow]
)  # how long an example takes says nothing there
settings.load_profile("busy machine")


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The log names the Pythons that the host processes ran on, and those that this machine lacks."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    if any("test_host_processes.py" in getattr(report, "nodeid", "") for report in reports):
        used = ", ".join(python.version for python in pythons.installed())
        absent = ", ".join(pythons.absent()) or "none"
        terminalreporter.write_line(f"host processes: ran on Python {used}; not installed here: {absent}")
