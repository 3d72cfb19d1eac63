"""fastapi-azure-auth, unchanged: an API in Python that validates its callers' tokens."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.support.language_client import MICROSOFT, ORDERS, orders_token
from tests.support.sdks import PYTHON, install

from entra_emulator import Emulator
from entra_emulator.environment import for_command

pytestmark = pytest.mark.languages
SCRIPT = Path(__file__).parent / "scripts" / "fastapi_api.py"


@pytest.mark.parametrize("host", ["by name", "by URL"])
def test_api(host: str) -> None:
    """It serves its caller; a token with another's signature is refused, and one for Graph lacks the scope."""
    if why := install():
        pytest.skip(why)
    with Emulator() as entra:
        authority = MICROSOFT if host == "by name" else entra.authority
        tenant = entra.state.default_tenant.id
        token = orders_token(entra, authority)
        signature = orders_token(entra, authority).rpartition(".")[2]
        forged = f"{token.rpartition('.')[0]}.{signature}"
        foreign = orders_token(entra, authority, "https://graph.microsoft.com/User.Read")
        done = subprocess.run(
            [PYTHON, SCRIPT, tenant, ORDERS, f"{authority}/{tenant}/v2.0/.well-known/openid-configuration"],
            input=f"{token}\n{forged}\n{foreign}\n",
            env=for_command(entra.environment()),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        served, *refused = [json.loads(line) for line in done.stdout.splitlines()]
        assert served == [200, {"user": "nadia@northwind-partner.example"}]
        assert [(status, body["detail"]["error"]) for status, body in refused] == [
            (401, "invalid_token"),
            (403, "insufficient_scope"),
        ]
