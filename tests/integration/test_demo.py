"""`make demo`: the main job as a story, and every line of it true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "tools" / "demo.py"
TOLD = {
    "1.": {
        "Microsoft Graph": "GET /v1.0/organization: Northwind Partner",
        "Azure Resource Manager": "GET /subscriptions: Northwind Production",
        "Partner Center": "/applicationconsents: 401, Unauthorized",
    },
    "2.": {
        "Microsoft Graph": "GET /v1.0/me: Nadia Brandt",
        "Azure Resource Manager": "GET /subscriptions: Northwind Production",
        "Partner Center": "GET /v1/customers: Tailwind Bakery",
    },
    "3.": {"Microsoft Graph": "GET /v1.0/organization: Tailwind Bakery"},
}


def test_the_demo_shows_both_grants_and_all_three_services() -> None:
    """Each grant gets a token for each service and calls its API with it; the story is short and holds no token."""
    done = subprocess.run(
        [sys.executable, "-m", "entra_emulator", "--", sys.executable, DEMO],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) < 25
    for chapter, services in TOLD.items():
        begin = next(at for at, line in enumerate(lines) if line.startswith(chapter))
        for service, answer in services.items():
            [told] = [line for line in lines[begin : begin + 4] if line.strip().startswith(service)]
            assert "token for " in told
            assert answer in told
    assert not any("eyJ" in line for line in lines)
