"""Servers of a test's own, and processes that ask them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.local_entra import entra
from tests.support.redis_server import RedisServer
from tests.support.token_processes import TokenProcesses
from tests.support.token_service import TokenService

__all__ = ["entra"]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis server of the test's own."""
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture
def make_token_processes(tmp_path: Path, token_service: TokenService) -> Iterator[Callable[..., TokenProcesses]]:
    """Makes askers of that service by a store, `folder` or a Redis' URL; those that are left end with the test."""
    made: list[TokenProcesses] = []

    def make(store: str, *more: str, **options: float) -> TokenProcesses:
        made.append(TokenProcesses(tmp_path, token_service.url, store, *more, **options))
        return made[-1]

    yield make
    for one in made:
        one.kill_all()


@pytest.fixture(params=["folder", "redis"])
def store(request: pytest.FixtureRequest) -> str:
    """Each store that processes share."""
    return "folder" if request.param == "folder" else request.getfixturevalue("redis").url
