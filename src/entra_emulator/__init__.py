"""A local Entra ID for tests: it serves the tokens, errors and APIs of the real service on loopback.

from entra_emulator import Emulator

with Emulator() as entra:
    entra.authority, entra.ca_file, entra.environment()
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import ConfigError
    from .emulator import Emulator
    from .world import LoggedRequest

__all__ = ["ConfigError", "Emulator", "LoggedRequest"]

_HOMES = {"ConfigError": "config", "Emulator": "emulator", "LoggedRequest": "world"}
INSTALL_HINT = "The emulator needs more packages: pip install 'mstoken[emulator]'"


def __getattr__(name: str) -> Any:
    """Import on first use, so that the command line can describe the emulator without the emulator's dependencies."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    try:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    except ModuleNotFoundError as problem:
        raise ImportError(f"{INSTALL_HINT} ({problem.name} is missing)", name=problem.name) from problem
