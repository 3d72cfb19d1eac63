"""Fixtures for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.support.runners import AsyncioRunner, BlockingRunner, Runner
from tests.support.token_service import TokenService

settings.register_profile("busy machine")  # how long an example takes says nothing there
settings.load_profile("busy machine")


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
