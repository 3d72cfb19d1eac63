"""Resolve-MsTokenError, Test-MsToken, ConvertFrom-MsToken, the emulator, help and completion in a real PowerShell."""

from __future__ import annotations

import pytest
from tests.powershell.conftest import PowerShell

from entra_emulator import Emulator

CMDLETS = [
    "Connect-MsToken",
    "ConvertFrom-MsToken",
    "Disconnect-MsToken",
    "Get-MsToken",
    "Get-MsTokenAccount",
    "Invoke-MsRequest",
    "Resolve-MsTokenError",
    "Start-MsTokenEmulator",
    "Stop-MsTokenEmulator",
    "Test-MsToken",
]


def test_an_error_is_explained_in_each_of_its_forms(powershell: PowerShell) -> None:
    """A code, text, an ErrorRecord of ours, one of a web cmdlet whose response says why, and the last error."""
    shown = powershell(
        """
$found = @((Resolve-MsTokenError 50076).Code, ('AADSTS700082: expired' | Resolve-MsTokenError).Code)
try { Get-MsToken graph } catch { $found += (Resolve-MsTokenError $_).Code }
try { Get-MsToken graph } catch { $found += (Resolve-MsTokenError).Code }
$form = @{ client_id = $env:AZURE_CLIENT_ID; client_secret = 'x'; grant_type = 'client_credentials'; scope = 'https://graph.microsoft.com/.default' }
$url = "$env:AZURE_AUTHORITY_HOST/$env:AZURE_TENANT_ID/oauth2/v2.0/token"
try { Invoke-RestMethod $url -Method Post -Body $form -SkipCertificateCheck } catch { $found += (Resolve-MsTokenError $_).Code }
@($found | ForEach-Object { "$_" })
""",  # noqa: E501
        AZURE_CLIENT_SECRET="wrong",
    )
    assert shown == ["50076", "700082", "7000215", "7000215", "7000215"]


def test_an_apis_refusal_explains_itself(powershell: PowerShell) -> None:
    """Graph has hundreds of codes; the error of Invoke-MsRequest has the cause and what to do next."""
    shown = powershell("""
try { Invoke-MsRequest graph:/users/nobody@nowhere.example } catch { $record = $_ }
$found = Resolve-MsTokenError $record
@($found.Code, $found.Kind, $found.Cause, ($found.Remedy -eq $record.ErrorDetails.RecommendedAction))
""")
    assert shown[:2] == ["Request_ResourceNotFound", "api_refused"]
    assert shown[2]
    assert shown[3] is True


def test_doctor_is_an_object(powershell: PowerShell) -> None:
    shown = powershell("""
$good = Test-MsToken
$env:AZURE_CLIENT_SECRET = ''
$bad = Test-MsToken -Tenant contoso.example
@($good.Ready, $good.ExitCode, $good.links[0].name, $bad.Ready, ($bad.ExitCode -ne 0))
""")
    assert shown == [True, 0, "environment", False, True]


@pytest.mark.parametrize(
    "given", ["$token", "$token.Token", "(Get-MsToken graph -AsPlainText)", "[pscustomobject]@{ Token = $token.Token }"]
)
def test_a_token_is_inspected_in_each_of_its_forms(powershell: PowerShell, entra: Emulator, given: str) -> None:
    shown = powershell(f"""
$token = Get-MsToken graph
$content = {given} | ConvertFrom-MsToken
@($content.client_id, $content.expires_on.GetType().Name, $content.signature_checked)
""")
    assert shown == [entra.state.default_app.id, "DateTimeOffset", False]


def test_the_emulator_serves_this_session_and_is_undone(powershell: PowerShell) -> None:
    """Under the strictest mode of the caller, and after a first request of this process."""
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_AUTHORITY_HOST"):
        powershell.program.environment.pop(name)
    shown = powershell("""
Set-StrictMode -Version Latest
try { $null = Invoke-RestMethod http://127.0.0.1:9 } catch { $found = @('refused') }
$emulator = Start-MsTokenEmulator
$secret = (Get-MsToken graph).Token
$found += (Invoke-RestMethod https://graph.microsoft.com/v1.0/organization -Authentication Bearer -Token $secret).value[0].id -eq $emulator.TenantId
try { Start-MsTokenEmulator } catch { $found += $_.FullyQualifiedErrorId }
$found += @(Get-Process | Where-Object { $_.Parent -and $_.Parent.Id -eq $PID }).Count
Stop-MsTokenEmulator
$found += @(Get-Process | Where-Object { $_.Parent -and $_.Parent.Id -eq $PID }).Count
$found += "$env:AZURE_TENANT_ID"
try { Stop-MsTokenEmulator } catch { $found += $_.FullyQualifiedErrorId }
@($found)
""")  # noqa: E501
    twice = "usage_error,Start-MsTokenEmulator"
    assert shown == ["refused", True, twice, 2, 1, "", "usage_error,Stop-MsTokenEmulator"]


def test_the_emulator_says_why_it_does_not_start(powershell: PowerShell) -> None:
    (powershell.program.folder / "wrong.toml").write_text("nonsense = 1\n")
    shown = powershell("""
try { Start-MsTokenEmulator -Config wrong.toml } catch { $record = $_ }
"$record"
""")
    assert "configuration cannot be used" in shown
    assert "nonsense" in shown


def test_every_cmdlet_has_help_with_examples_and_an_approved_verb(powershell: PowerShell) -> None:
    shown = powershell("""
$verbs = (Get-Verb).Verb
$rows = foreach ($cmdlet in Get-Command -Module MsToken | Sort-Object Name) { $help = Get-Help $cmdlet.Name -Full; $texts = @($help.parameters.parameter | Where-Object { $_.description.Text -or $_.name -in 'WhatIf', 'Confirm' }); , @($cmdlet.Name, ($verbs -contains $cmdlet.Verb), ($help.Synopsis.Length -gt 10), (@($help.examples.example).Count -gt 0), ($texts.Count -eq @($help.parameters.parameter).Count)) }
$rows
""")  # noqa: E501
    assert shown == [[name, True, True, True, True] for name in CMDLETS]


def test_values_complete(powershell: PowerShell, entra: Emulator) -> None:
    powershell.program.profile('[profile.work]\ntenant = "contoso.example"\n[profile.own]\ntenant = "x.example"\n')
    shown = powershell("""
$lines = 'Get-MsToken gra', 'Get-MsToken graph -Cloud us', 'Get-MsToken graph -Profile ', 'Disconnect-MsToken ', 'Invoke-MsRequest graph:/users -ProfileName ', 'Invoke-MsRequest graph:/users -Cloud ch'
@($lines | ForEach-Object { (TabExpansion2 $_).CompletionMatches.CompletionText -join ',' })
""")  # noqa: E501
    assert shown[0].split(",")[0] == "graph"
    assert shown[1] == "usgov"
    assert sorted(shown[2].split(",")) == ["own", "work"]
    assert sorted(shown[4].split(",")) == ["own", "work"]
    assert shown[5] == "china"
