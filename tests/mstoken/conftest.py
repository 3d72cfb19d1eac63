"""Fixtures of the product's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.token_service import TokenService


@pytest.fixture
def token_service() -> Iterator[TokenService]:
    """A scripted token service, gone after the test."""
    service = TokenService()
    yield service
    service.close()
