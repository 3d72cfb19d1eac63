"""Programs for Node in tests/node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.conversation import ClientProgram
from tests.support.scripted_user import ScriptedUser

FOLDER = Path(__file__).resolve().parent.parent / "node"
OLDEST = 20
"""msal-node and oidc-provider run on no older Node.js."""


def missing() -> str:
    """Return what these tests lack of Node.js, and how to install it; '' if nothing is missing."""
    if not shutil.which("node") or not (FOLDER / "node_modules").is_dir():
        return "needs Node.js and its packages: apt-get install nodejs npm && npm ci --prefix tests/node"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST:
        return f"needs Node.js {OLDEST} or newer, not {version}: Debian 13 has it, or see nodejs.org"
    return ""


needs_node = pytest.mark.skipif(bool(missing()), reason=missing())


def command(script: str) -> list[str]:
    """Return the command that runs one of the programs, with a fetch that reads HTTPS_PROXY."""
    return ["node", "--import", str(FOLDER / "env_proxy.mjs"), str(FOLDER / script)]


class NodeProgram(ClientProgram):
    """A running program. Where it needs a person, `person` acts."""

    def __init__(self, script: str, person: ScriptedUser) -> None:
        super().__init__(command(script), person, FOLDER)
