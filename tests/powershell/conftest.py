"""The module MsToken in a real PowerShell, beside a local Entra ID."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.mstoken.cli.conftest import anonymous, at_entra, entra, known, memory
from tests.support.program import Program

__all__ = ["anonymous", "at_entra", "entra", "known", "memory", "powershell"]

PWSH = shutil.which(os.environ.get("PWSH", "") or "pwsh")


class PowerShell:
    """Runs scripts in a new PowerShell in which MsToken is imported, with the program's environment."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.module = program("powershell").out.strip()
        assert Path(self.module).name == "MsToken.psd1"

    def run(self, script: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script from a file, as `pwsh -File` does. Errors that it does not catch end it."""
        path = self.program.folder / "script.ps1"
        path.write_text(f"$ErrorActionPreference = 'Stop'\nImport-Module '{self.module}'\n{script}\n", "utf-8-sig")
        assert PWSH
        return subprocess.run(
            [PWSH, "-NoProfile", "-NonInteractive", "-File", path],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
            cwd=self.program.folder,
            env=self.program.environment
            | {"POWERSHELL_TELEMETRY_OPTOUT": "1", "NO_COLOR": "1", "HOME": os.environ["HOME"]}
            | environment,
        )

    def __call__(self, script: str, stdin: str = "", **environment: str) -> Any:
        """Run the script, and return the object of its last expression, read from JSON."""
        *before, last = script.strip().splitlines()
        wrapped = "\n".join([*before, f"{last} | ConvertTo-Json -Depth 9 -Compress | ForEach-Object {{ '#' + $_ }}"])
        done = self.run(wrapped, stdin, **environment)
        assert done.returncode == 0, done.stderr + done.stdout
        shown = [line for line in done.stdout.splitlines() if line.startswith("#")]
        assert shown, done.stdout
        return json.loads(shown[-1][1:])


@pytest.fixture
def powershell(at_entra: Program) -> PowerShell:
    if PWSH is None:
        pytest.skip("no PowerShell: install pwsh, or name it in the variable PWSH")
    return PowerShell(at_entra)
