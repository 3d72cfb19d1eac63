"""Programs for Node in tests/node, run as they are in an emulator's environment, and spoken to in lines of JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.support.scripted_user import ScriptedUser

FOLDER = Path(__file__).resolve().parent.parent / "node"
OLDEST = 20
"""msal-node and oidc-provider run on no older Node.js."""


def missing() -> str:
    """What there is not of Node.js for these tests, and how to get it; '' when all is there."""
    if not shutil.which("node") or not (FOLDER / "node_modules").is_dir():
        return "needs Node.js and its packages: apt-get install nodejs npm && npm ci --prefix tests/node"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST:
        return f"needs Node.js {OLDEST} or newer, not {version}: Debian 13 has it, or see nodejs.org"
    return ""


needs_node = pytest.mark.skipif(bool(missing()), reason=missing())


class NodeProgram:
    """A running program. Where it needs a person, `person` acts."""

    def __init__(self, script: str, person: ScriptedUser) -> None:
        self._person = person
        command = ["node", "--import", str(FOLDER / "env_proxy.mjs"), str(FOLDER / script)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ), cwd=FOLDER
        )

    def run(self, flow: str, **given: Any) -> dict[str, Any]:
        """Run one flow to its outcome."""
        self._tell({"flow": flow, **given})
        while True:
            said = self._hear()
            if "outcome" in said:
                return dict(said["outcome"])
            self._tell(self._act(said))

    def forget(self) -> None:
        """Start again with empty token caches."""
        self._tell({"flow": "forget"})
        self._hear()

    def _act(self, said: dict[str, str]) -> Any:
        if "visit" in said:
            return self._person.authorize(said["visit"]).fields
        if "open" in said:
            return self._person.open(said["open"])
        return self._person.enter_code(said["enter"], said["code"])

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "The program ended."
        said: dict[str, Any] = json.loads(line)
        return said

    def _tell(self, what: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        self._tell({})
        assert self._process.stdin
        assert self._process.stdout
        self._process.wait(timeout=30)
        self._process.stdin.close()
        self._process.stdout.close()
