"""The machine and the versions that a report was measured with."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("mstoken", "msal", "msal-extensions", "azure-identity", "aiohttp", "requests")


def versions() -> dict[str, str]:
    """The versions of Python and of the measured packages."""
    found = {"Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def description() -> dict[str, str]:
    """The processor, the system, and the load, which shows whether the machine was quiet."""
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "load over the last 15 minutes": f"{os.getloadavg()[2]:.1f}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
