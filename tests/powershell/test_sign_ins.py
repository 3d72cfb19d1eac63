"""Connect-MsToken, Get-MsTokenAccount and Disconnect-MsToken in a real PowerShell."""

from __future__ import annotations

import re

import pytest
from tests.powershell.conftest import PowerShell

from entra_emulator import Emulator

NADIA = "nadia@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"


@pytest.fixture
def public(powershell: PowerShell, entra: Emulator) -> PowerShell:
    """Without an application in the environment, and with a user's refresh token in a file."""
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        del powershell.program.environment[name]
    for name in ("token.txt", "second.txt"):
        (powershell.program.folder / name).write_text(entra.sign_in(NADIA, PUBLIC_APP) + "\n")
    return powershell


GIVEN = {
    "file": "Connect-MsToken -Path token.txt",
    "SecureString": "Connect-MsToken -RefreshToken ([Net.NetworkCredential]::new('', "
    "(Get-Content token.txt)).SecurePassword)",
    "pipeline": "Get-Content token.txt | Connect-MsToken",
}


@pytest.mark.parametrize("form", GIVEN)
def test_a_refresh_token_is_stored_used_and_removed(public: PowerShell, form: str) -> None:
    shown = public(f"""
$null = Connect-MsToken -Path second.txt -ClientId {PUBLIC_APP} -ProfileName second 6> $null
$account = {GIVEN[form]} -ClientId {PUBLIC_APP} -ProfileName my.work 6> $null
$user = (Get-MsToken graph -ProfileName my.work).UserId
$names = (Get-MsTokenAccount).Account | Sort-Object
$date = (Get-MsTokenAccount my*).ExpiresOn.GetType().Name
Get-MsTokenAccount | Disconnect-MsToken 6> $null
@($account.Account, $user, "$names", $date, @(Get-MsTokenAccount).Count)
""")
    assert shown == ["my.work", NADIA, "my.work second", "DateTimeOffset", 0]


def test_whatif_changes_nothing(public: PowerShell) -> None:
    shown = public(f"""
Connect-MsToken -Path token.txt -ClientId {PUBLIC_APP} -WhatIf
$first = @(Get-MsTokenAccount 3> $null).Count
$null = Connect-MsToken -Path token.txt -ClientId {PUBLIC_APP} 6> $null
Disconnect-MsToken -All -WhatIf
@($first, @(Get-MsTokenAccount).Count)
""")
    assert shown == [0, 1]


def test_a_device_code_is_shown_at_once(public: PowerShell, entra: Emulator) -> None:
    """The user reads the code on the screen while the cmdlet waits; -Timeout does not exist for it."""
    done = public.run(f"""
$job = Start-ThreadJob {{ Import-Module '{public.module}'; Connect-MsToken -Device -ClientId {PUBLIC_APP} }}
for ($try = 0; $try -lt 300 -and -not $job.Progress.Count; $try++) {{ Start-Sleep -Milliseconds 100 }}
"$($job.Information)"
"left: $(@($job.Progress)[0].SecondsRemaining) of $(@($job.Progress)[0].Activity)"
Stop-Job $job
""")
    assert done.returncode == 0, done.stderr
    assert "enter the code" in done.stdout
    left = re.search(r"left: (\d+) of MsToken: sign-in", done.stdout)
    assert left
    assert 0 < int(left[1]) <= 900


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("Disconnect-MsToken nobody", "There is no stored sign-in"),
        ("Disconnect-MsToken ''", "The name of the sign-in is empty"),
        ("'{\"refresh_token\": 1}' | Connect-MsToken -ClientId x", "JSON"),
        ("'two words' | Connect-MsToken -ClientId x", "characters that no refresh token has"),
    ],
    ids=["unknown", "empty", "JSON", "words"],
)
def test_what_cannot_be_meant_is_refused(public: PowerShell, call: str, message: str) -> None:
    shown = public(f"""
try {{ {call}; $record = $null }} catch {{ $record = $_ }}
@("$record", $record.Exception.Data['exit_code'], "$($record.CategoryInfo.Category)")
""")
    assert message in shown[0]
    assert shown[1:] == [2, "InvalidArgument"]
