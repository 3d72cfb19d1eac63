"""Fixtures of the product's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.token_service import TokenService
from support.worlds import Asyncio, Blocking, World


@pytest.fixture
def token_service() -> Iterator[TokenService]:
    """A scripted token service, gone after the test."""
    service = TokenService()
    yield service
    service.close()


@pytest.fixture(params=[Blocking, Asyncio], ids=["blocking", "asyncio"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    made: World = request.param()
    yield made
    if isinstance(made, Asyncio):
        made.close()
