"""`mstoken mcp` between real clients and servers of MCP, unchanged: `mcp` and `fastmcp`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.program import MSTOKEN, Program
from tests.support.sdks import PYTHON, install

from entra_emulator import Emulator

SCRIPTS = Path(__file__).resolve().parents[2] / "clients" / "scripts"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
RESOURCE = "api://127.0.0.1"
CLIENTS = {"mcp": [("mcp", "legacy"), ("mcp", "auto")], "fastmcp": [("mcp", "legacy"), ("fastmcp", "auto")]}
"""Kind of the server -> the kinds and modes of its clients."""


@contextmanager
def server(kind: str, entra: Emulator, environment: dict[str, str]) -> Iterator[str]:
    """A server that takes the emulator's tokens for the Orders API. Yields its URL."""
    tenant = f"{entra.authority}/{entra.state.default_tenant.id}"
    arguments = (kind, f"{tenant}/v2.0", f"{tenant}/discovery/v2.0/keys", ORDERS, f"{RESOURCE}/Orders.Read")
    process = subprocess.Popen(
        [PYTHON, SCRIPTS / "mcp_server.py", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("kind", ["mcp", "fastmcp"])
def test_real_clients_and_servers(kind: str, tmp_path: Path) -> None:
    """Tools, progress, twenty calls at once, and a question of the server; one token request, without `resource`.

    fastmcp's server names its scopes. The one of `mcp` does not, so the user does. In the protocol of 2026-07-28
    (auto), servers ask no questions.
    """
    if why := install():
        pytest.skip(why)
    with Emulator() as entra:
        entra.state.apps[ORDERS].identifier_uris.append(RESOURCE)
        environment = Program(tmp_path).environment | entra.environment()
        scope = ["--scope", f"{RESOURCE}/.default"] if kind == "mcp" else []
        with server(kind, entra, environment) as url:
            for client, mode in CLIENTS[kind]:
                done = subprocess.run(
                    [PYTHON, SCRIPTS / "mcp_client.py", client, mode, "5", MSTOKEN, "mcp", url, *scope],
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=120,
                    check=False,
                )
                assert done.returncode == 0, done.stderr
                found: dict[str, Any] = json.loads(done.stdout)
                greeting = found.pop("greet", "")
                assert greeting == ("Hello Nadia" if mode == "legacy" else ""), client
                app = entra.state.default_app.id
                assert found == {"tools": ["count", "greet", "whoami"], "count": "5", "steps": 5, "who": app, "many": 1}
        [asked] = entra.token_requests
        assert asked.scope == f"{RESOURCE}/.default"
        assert "resource" not in asked.form
