"""Turns at a store, waited for as the runtimes wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from mstoken.flows.store_port import AccessTokenStore


@contextmanager
def locked(store: AccessTokenStore, key: str) -> Iterator[None]:
    """Wait for the turn, and end it at the end of the block."""
    while (release := store.try_lock(key)) is None:
        time.sleep(0.002)
    try:
        yield
    finally:
        release()


def is_free(store: AccessTokenStore, key: str) -> bool:
    """Whether nobody has the turn."""
    release = store.try_lock(key)
    if release is None:
        return False
    release()
    return True
