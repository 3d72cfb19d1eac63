"""Fixtures for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.worlds import Asyncio, Blocking, World


@pytest.fixture(params=[Blocking, Asyncio], ids=["blocking", "asyncio"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Threads with Client, then tasks with AsyncClient."""
    made: World = request.param()
    yield made
    made.close()
