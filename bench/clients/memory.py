"""The resident memory of this process, and what the same number of tokens takes in a plain dict."""

from __future__ import annotations

import gc
import os
from pathlib import Path

from bench.parameters import TOKEN_LENGTH

_PAGES = Path("/proc/self/statm")


def resident() -> int:
    """Resident bytes after a garbage collection (proc(5), statm)."""
    gc.collect()
    return int(_PAGES.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def bare_tokens(tenants: int) -> dict[str, float]:
    """A plain dict of as many tokens of the same length, the least that any cache takes."""
    before = resident()
    tokens = {f"tenant-{number:06d}.example": f"{number:0{TOKEN_LENGTH}d}" for number in range(tenants)}
    return {"bytes_per_token": (resident() - before) / len(tokens)}
