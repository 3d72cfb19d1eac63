"""Resource Manager's own lists, from data/arm.toml."""

import functools
import tomllib
from importlib import resources as files
from typing import Any


@functools.cache
def facts() -> dict[str, Any]:
    """Return locations, providers and built-in roles."""
    return tomllib.loads((files.files("entra_emulator.data") / "arm.toml").read_text(encoding="utf-8"))
