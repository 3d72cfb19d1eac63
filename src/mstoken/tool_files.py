"""The files in which the Azure CLI, Azure PowerShell and the Azure Developer CLI say who is signed in to them.

Nothing in them is secret. The path of a cached token needs this file, so it imports almost nothing.
"""

# pathlib costs more to import than all of this file does.
# ruff: noqa: PTH111,PTH117,PTH118

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def az_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the paths of az's accounts, its own clouds and its settings, whether or not they exist."""
    folder = environ.get("AZURE_CONFIG_DIR") or _in_home(environ, ".azure")
    return _inside(folder, "azureProfile.json", "clouds.config", "config")


def powershell_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the path of the sign-in that Azure PowerShell saves for other processes."""
    return _inside(_in_home(environ, ".Azure"), "AzureRmContext.json")


def azd_files(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the paths of azd's user and its settings, which may delegate to az (auth.useAzCliAuth)."""
    return _inside(environ.get("AZD_CONFIG_DIR") or _in_home(environ, ".azd"), "auth.json", "config.json")


def states(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return, for each of these files, a text that changes when the file does."""
    return tuple(_state(path) for path in (*az_files(environ), *powershell_files(environ), *azd_files(environ)))


def _state(path: str) -> str:
    try:
        found = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return ""
    return f"{path} {found.st_mtime_ns} {found.st_size} {found.st_ino}"


def _in_home(environ: Mapping[str, str], name: str) -> str:
    home = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME", "") or os.path.expanduser("~")
    return os.path.join(home, name) if os.path.isabs(home) else ""


def _inside(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(os.path.join(folder, name) for name in names) if folder else ()
