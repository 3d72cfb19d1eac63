"""Locks of a store, acquired as the runtimes do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from mstoken.flows.store_port import AccessTokenStore


@contextmanager
def locked(store: AccessTokenStore, key: str) -> Iterator[None]:
    """Acquire the lock, and release it at the end of the block."""
    while (release := store.try_lock(key)) is None:
        time.sleep(0.002)
    try:
        yield
    finally:
        release()


def is_free(store: AccessTokenStore, key: str) -> bool:
    """Return whether the lock is free."""
    release = store.try_lock(key)
    if release is None:
        return False
    release()
    return True
