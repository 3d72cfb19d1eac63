"""Fixtures for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.support.token_service import TokenService
from tests.support.worlds import Asyncio, Blocking, World

settings.register_profile("busy machine")  # how long an example takes says nothing there
settings.load_profile("busy machine")


@pytest.fixture(params=[Blocking, Asyncio], ids=["blocking", "asyncio"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Threads with Client, then tasks with AsyncClient."""
    made: World = request.param()
    yield made
    made.close()


@pytest.fixture
def token_service() -> Iterator[TokenService]:
    """A scripted token service, gone after the test."""
    service = TokenService()
    yield service
    service.close()
