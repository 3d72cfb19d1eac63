"""The real PowerShell: `pwsh` on PATH, or the program that the variable PWSH names."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

PWSH = shutil.which(os.environ.get("PWSH", "") or "pwsh")

CACHE = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
"""Where PowerShell keeps what it found out about modules; a test has a home of its own, but nothing to add there."""

NO_PWSH = "no PowerShell: install pwsh, or name it in the variable PWSH"
needs_pwsh = pytest.mark.skipif(PWSH is None, reason=NO_PWSH)


def run_pwsh(
    program: str, environment: Mapping[str, str], folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a script of PowerShell in `folder`, with these arguments; its exit code is that of the last program."""
    assert PWSH
    script = folder / "script.ps1"
    script.write_text(program + "\nexit $LASTEXITCODE\n", encoding="utf-8")
    return subprocess.run(
        [PWSH, "-NoProfile", "-NonInteractive", "-File", script, *arguments],
        env={"XDG_CACHE_HOME": CACHE, **environment, "NO_COLOR": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
