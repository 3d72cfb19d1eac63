"""Servers of a test's own, and processes that ask them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.askers import Askers
from tests.support.local_entra import entra
from tests.support.redis_server import RedisServer
from tests.support.token_service import TokenService

__all__ = ["entra"]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis server of the test's own."""
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture
def askers_by(tmp_path: Path, token_service: TokenService) -> Iterator[Callable[..., Askers]]:
    """Makes askers of that service by a store, `folder` or a Redis' URL; those that are left end with the test."""
    made: list[Askers] = []

    def make(store: str, *more: str, **options: float) -> Askers:
        made.append(Askers(tmp_path, token_service.url, store, *more, **options))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture(params=["folder", "redis"])
def store(request: pytest.FixtureRequest) -> str:
    """Each store that processes share."""
    return "folder" if request.param == "folder" else request.getfixturevalue("redis").url
