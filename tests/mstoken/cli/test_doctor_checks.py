"""mstoken doctor detects what would make mstoken get fail, without a token request."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.certificates import identity
from tests.support.program import UNREACHABLE, Program

from entra_emulator import Emulator

TENANT = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e01"
CLIENT_ID = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01"
WHO = f'[profile.work]\ntenant = "{TENANT}"\nclient_id = "{CLIENT_ID}"\n'
NOT_THERE = {
    "a certificate": 'client_certificate = "nowhere.pem"',
    "a certificate that is none": 'client_certificate = "config.toml"',
    "a federated token's file": 'client_assertion = "file:nowhere"',
    "a job of GitHub Actions": 'client_assertion = "github"',
    "a job of Azure Pipelines": 'client_assertion = "azure-pipelines"',
    "an agent's blueprint": 'client_certificate = "nowhere.pem"\nagent = "1"\nagent_user = "a@b.example"',
    "a federated identity's proof": 'client_certificate = "nowhere.pem"\nfmi_path = "/a"',
    "the web API's own proof": 'client_certificate = "nowhere.pem"\nuser_assertion = "env:CALLER"',
    "a confidential client's proof": 'client_certificate = "nowhere.pem"\nrefresh_token = "env:CALLER"',
    "a secret": 'client_secret = "env:NOWHERE"',
    "a kept sign-in": 'account = "nobody"',
}


@pytest.fixture
def program(anonymous: Program) -> Program:
    """The program where only the emulator's authority and certificate are known."""
    return anonymous


@pytest.mark.parametrize("setting", NOT_THERE.values(), ids=NOT_THERE)
def test_a_missing_part_is_reported_as_get_reports_it(program: Program, entra: Emulator, setting: str) -> None:
    """Message and exit code are the same, and no token is requested."""
    program.profile(f"{WHO}{setting}\n")
    before = len(entra.token_requests)
    result, got = (
        program(*command, "--profile", "work", CALLER="caller") for command in (("doctor",), ("get", "graph"))
    )
    assert result.code == got.code == (3 if "account" in setting else 2)
    assert result.err == got.err != ""
    assert result.out.endswith("No token can be requested.\n")
    assert len(entra.token_requests) == before


def test_an_expired_certificate_is_reported(program: Program, tmp_path: Path) -> None:
    """Doctor compares this machine's clock; Entra would only report that the key was not found."""
    path = tmp_path / "app.pem"
    path.write_bytes(identity(1, expired=True).pem())
    who = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_CERTIFICATE_PATH": str(path)}
    result = program("doctor", **who)
    assert "expired on" in result.err
    assert (result.code, result.err) == (2, program("get", "graph", **who).err)


def test_a_profile_without_its_managed_identity_is_reported(program: Program) -> None:
    """Doctor probes for a named profile too; the exit code is that of a network failure."""
    program.profile('[profile.vm]\nmanaged_identity = "system"\n')
    result = program("doctor", "--profile", "vm")
    assert f"not running on Azure (no metadata service at {UNREACHABLE})" in result.err
    assert result.code == program("get", "arm", "--profile", "vm").code == 5


def test_a_profiles_managed_identity_is_found(program: Program, entra: Emulator) -> None:
    """Doctor only probes IMDS."""
    program.profile('[profile.vm]\nmanaged_identity = "system"\n')
    with entra.machine() as machine:
        result = program("doctor", "--profile", "vm", **machine.environment("imds"))
        assert [request.scope for request in machine.requests] == [None]
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('client_secret = "env:HOME"', "client secret"),
        ('client_assertion = "file:/etc/hostname"', "client assertion of the file /etc/hostname"),
        ('client_assertion = "env:HOME"', "client assertion of a program or variable"),
        ('client_assertion = "managed-identity"', "client assertion of a managed identity"),
        ('client_secret = "env:HOME"\nusername = "a@b.example"\npassword = "env:HOME"', "password"),
        ('client_secret = "env:HOME"\nagent = "1"', "agent identity"),
    ],
)
def test_the_credential_is_described(program: Program, setting: str, words: str) -> None:
    """Doctor names the kind and the source of the credential, never its value."""
    program.profile(f"{WHO}{setting}\n")
    result = program("doctor", "--profile", "work")
    client = f"options or MSTOKEN_PROFILE  used: client {CLIENT_ID} in tenant {TENANT}, by "
    [line] = [line for line in result.out.splitlines() if client in line]
    assert line.strip() == client + words
