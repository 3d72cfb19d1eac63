"""Stand-ins for az, azd and PowerShell: programs that record how they were started and print what a test says."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from mstoken.credentials import AzureCli, AzureDeveloperCli, AzurePowerShell

SCRIPT = """#!/bin/sh
for argument in "$@"; do printf '%s\\n' "$argument"; done > '{folder}/arguments'
pwd > '{folder}/cwd'
/usr/bin/env > '{folder}/env'
echo run >> '{folder}/runs'
/bin/cat '{folder}/stdout'
/bin/cat '{folder}/stderr' >&2
/bin/sleep {seconds}
exit {code}
"""

TOOLS: dict[str, Any] = {"az": AzureCli, "pwsh": AzurePowerShell, "azd": AzureDeveloperCli}
"""The program of each credential."""


class StandIn:
    """One program on a PATH of its own, in a home folder where somebody is signed in to it."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder, self.name = folder, program
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.path = self.bin / program
        self.environment = {"PATH": str(self.bin), "HOME": str(folder)}
        self.prints("")

    def prints(self, stdout: str, stderr: str = "", code: int = 0, seconds: float = 0) -> None:
        """Decide what the program does from now on."""
        (self.folder / "stdout").write_text(stdout)
        (self.folder / "stderr").write_text(stderr)
        self.path.write_text(SCRIPT.format(folder=self.folder, seconds=seconds, code=code))
        self.path.chmod(0o755)

    def prints_token(self, token: str, expires_in: int = 3600) -> None:
        """Print a token as the tool's documentation has it; the script for PowerShell prints the third form."""
        expires_on = int(time.time()) + expires_in
        written = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires_on))
        forms = {
            "az": {"accessToken": token, "expires_on": expires_on, "tokenType": "Bearer"},
            "azd": {"token": token, "expiresOn": written},
            "pwsh": {"token": token, "expires_on": expires_on},
        }
        self.prints(json.dumps(forms[self.name]))

    def signed_in(self, user: str = "nadia@northwind-partner.example") -> None:
        """Write the files that say who is signed in."""
        for path, text in {
            ".azure/azureProfile.json": json.dumps({"subscriptions": [{"user": {"name": user}}]}),
            ".azd/auth.json": json.dumps({"auth": {"account": {"currentUser": {"homeAccountId": user}}}}),
            ".Azure/AzureRmContext.json": json.dumps({"Contexts": {user: {}}}),
        }.items():
            (self.folder / path).parent.mkdir(exist_ok=True)
            (self.folder / path).write_text(text)

    def credential(self, **fields: Any) -> AzureCli | AzurePowerShell | AzureDeveloperCli:
        """The tool's credential, led to this stand-in."""
        made: AzureCli | AzurePowerShell | AzureDeveloperCli = TOOLS[self.name](**fields, environment=self.environment)
        return made

    @property
    def arguments(self) -> list[str]:
        """The arguments of the last run."""
        return (self.folder / "arguments").read_text().splitlines()

    @property
    def inherited(self) -> dict[str, str]:
        """The environment of the last run."""
        lines = (self.folder / "env").read_text().splitlines()
        return {name: value for name, _, value in (line.partition("=") for line in lines)}

    @property
    def runs(self) -> int:
        """How often the program was started."""
        path = self.folder / "runs"
        return len(path.read_text().splitlines()) if path.exists() else 0

    @property
    def cwd(self) -> str:
        """The folder in which it ran last."""
        return os.path.realpath((self.folder / "cwd").read_text().strip())
