"""The signatures of the clients are checked by mypy, in strict mode, in a program that uses them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from mstoken import AsyncClient, Client

client = Client.from_env()
client.get_token("graph", min_ttl=60, fresh=True).token
client.get_token("graph", freshh=True)
client.pop_token("arm", url="https://management.azure.com", freshh=True)
client.get_token_info("graph", options={"tenant_id": "contoso.com"})
client.get_token_info("graph", options={"tennant": "contoso.com"})

async def run(other: AsyncClient) -> None:
    await other.get_token("graph", freshh=True)
"""


def test_mypy_reports_options_that_do_not_exist(tmp_path: Path) -> None:
    """Four calls with a misspelled option are errors; the others are not."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(program)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    wrong = [line.split(":")[1] for line in done.stdout.splitlines() if f"{program.name}:" in line and "error" in line]
    assert wrong == ["6", "7", "9", "12"], done.stdout
