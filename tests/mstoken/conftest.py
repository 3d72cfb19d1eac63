"""Fixtures of the product's tests."""

from __future__ import annotations

import pytest
from tests.support.local_entra import entra

from mstoken import messages

__all__ = ["entra"]


@pytest.fixture
def shell_reader() -> None:
    """Advice is in the words of the command line, although the test runs in Python."""
    messages.advise_the_shell()
