"""Resident memory of this process, and what the same tokens take when nobody looks after them."""

from __future__ import annotations

import gc
import os
from pathlib import Path

from bench.token_service import TOKEN_LENGTH

_PAGES = Path("/proc/self/statm")


def resident() -> int:
    """Bytes in memory now, after a collection (proc(5), statm)."""
    gc.collect()
    return int(_PAGES.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def bare_tokens(tenants: int) -> dict[str, float]:
    """A plain dict of as many tokens of the same length: what nobody can be below."""
    before = resident()
    kept = {f"tenant-{number:06d}.example": f"{number:0{TOKEN_LENGTH}d}" for number in range(tenants)}
    return {"bytes_per_token": (resident() - before) / len(kept)}
