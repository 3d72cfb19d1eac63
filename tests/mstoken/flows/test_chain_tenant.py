"""A tenant alone on the command line: the chain's sign-ins of tools get it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.tool_stand_ins import StandIn

from mstoken.client import Client
from mstoken.config.chain import default_settings
from mstoken.credentials import Chain
from mstoken.errors import NotConfigured, UsageError

TENANT = "contoso.example"


def az(folder: Path) -> StandIn:
    tool = StandIn(folder, "az")
    tool.signed_in()
    tool.prints_token("e30.e30.e30")
    return tool


def test_az_gets_the_tenant(tmp_path: Path) -> None:
    """No application is needed beside it."""
    tool = az(tmp_path)
    environ = {**tool.environment, "MSTOKEN_CONFIG_DIR": str(tmp_path / "none")}
    settings = default_settings({"tenant": TENANT}, environ)
    assert Client.from_settings(settings).get_token("graph").token == "e30.e30.e30"
    assert tool.arguments[-2:] == ["--tenant", TENANT]


def test_a_machines_identity_is_skipped(tmp_path: Path) -> None:
    """Its tenant cannot be chosen, so another tenant's token is never returned in place of the requested one."""
    environ = {**az(tmp_path).environment, "IDENTITY_ENDPOINT": "http://127.0.0.1:9", "IDENTITY_HEADER": "h"}
    credential = default_settings({"tenant": TENANT}, environ | {"MSTOKEN_CONFIG_DIR": str(tmp_path)}).credential
    assert isinstance(credential, Chain)
    reasons = {link.name: link.unavailable_reason for link in credential.links}
    assert reasons["managed identity"] == "the tenant of a machine's identity cannot be chosen"
    assert reasons["Azure CLI"] == ""


@pytest.mark.parametrize("variable", ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_USERNAME", "MSTOKEN_PROFILE"])
def test_a_tenant_beside_a_part_of_an_identity_is_incomplete(tmp_path: Path, variable: str) -> None:
    """Somebody means that identity; az does not take its place."""
    environ = {**az(tmp_path).environment, "MSTOKEN_CONFIG_DIR": str(tmp_path), variable: "x"}
    with pytest.raises((NotConfigured, UsageError)):
        default_settings({"tenant": TENANT}, environ)
