"""Azure PowerShell's sign-in in a real PowerShell, with a stand-in for the module Az.Accounts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.tool_stand_ins import StandIn

from mstoken import NotConfigured, SignInRequired

TENANT = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e01"
MODULES = Path(__file__).parents[2] / "support" / "powershell"
PWSH = shutil.which(os.environ.get("PWSH", "") or "pwsh")

pytestmark = pytest.mark.skipif(PWSH is None, reason="no PowerShell: install pwsh, or name it in the variable PWSH")


@pytest.fixture
def powershell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A real PowerShell on a PATH of its own, where somebody is signed in."""
    made = StandIn(tmp_path, "pwsh")
    made.signed_in()
    made.path.write_text(f'#!/bin/sh\nexec "{PWSH}" "$@"\n')
    made.environment |= {"PATH": f"{made.bin}:{os.environ['PATH']}", "PSModulePath": str(MODULES)}
    made.environment["HOME"] = os.environ["HOME"]  # where the runtime is unpacked
    monkeypatch.setenv("POWERSHELL_TELEMETRY_OPTOUT", "1")
    return made


def ask(runner: Runner, powershell: StandIn, **more: str) -> Any:
    powershell.environment |= more
    client = runner.client(TENANT, "", powershell.credential(timeout_in=60))
    return runner.run(lambda: client.get_token("graph"))


@pytest.mark.parametrize("plain", ["", "1"], ids=["as SecureString", "as text"])
def test_both_forms_of_powershells_output_are_parsed(runner: Runner, powershell: StandIn, plain: str) -> None:
    """Az.Accounts 5 returns a SecureString, older versions text."""
    token = ask(runner, powershell, STAND_IN_AZ_PLAIN=plain)
    assert token.token == f"token_of_https://graph.microsoft.com_in_{TENANT}"
    assert token.expires_on == 4102444800


def test_powershells_error_suggests_to_sign_in(runner: Runner, powershell: StandIn) -> None:
    """The error passes through PowerShell's formatting, which may break and color lines."""
    with pytest.raises(SignInRequired, match="Nobody is signed in") as caught:
        ask(runner, powershell, STAND_IN_AZ_ERROR="Run Connect-AzAccount to login.")
    assert f"Connect-AzAccount -Tenant {TENANT}" in caught.value.remedy


def test_a_missing_powershell_module_is_reported(runner: Runner, powershell: StandIn, tmp_path: Path) -> None:
    """PowerShell alone is not enough."""
    with pytest.raises(NotConfigured, match=r"no module Az\.Accounts"):
        ask(runner, powershell, PSModulePath=str(tmp_path / "none"))
