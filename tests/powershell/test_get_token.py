"""Get-MsToken in a real PowerShell."""

from __future__ import annotations

import array
import re
import time
from pathlib import Path

import pytest
from tests.powershell.conftest import PowerShell
from tests.support.certificates import identity

from entra_emulator import Emulator
from entra_emulator.applications import Secret

GRAPH = "https://graph.microsoft.com"


def test_the_object_has_the_properties_of_get_azaccesstoken(powershell: PowerShell, entra: Emulator) -> None:
    """learn.microsoft.com/powershell/module/az.accounts/get-azaccesstoken: PSSecureAccessToken."""
    shown = powershell("""
$token = Get-MsToken graph
$shown = @{ type = $token.Type; tenant = $token.TenantId; user = $token.UserId; audience = $token.Claims.aud }
$shown.types = $token.Token.GetType().FullName, $token.ExpiresOn.GetType().FullName
$shown.ahead = ($token.ExpiresOn - [DateTimeOffset]::UtcNow).TotalMinutes
$shown
""")
    app = entra.state.default_app
    assert shown["types"] == ["System.Security.SecureString", "System.DateTimeOffset"]
    assert (shown["type"], shown["tenant"], shown["user"]) == ("Bearer", entra.state.default_tenant.id, app.id)
    assert shown["audience"] == GRAPH
    assert 50 < shown["ahead"] < 90


def test_no_display_of_the_object_shows_the_token(powershell: PowerShell) -> None:
    done = powershell.run("""
$plain = Get-MsToken graph -AsPlainText
$secret = Get-MsToken graph
$plain; $secret; $plain | Format-List; $secret | Out-String; $plain | Format-Table; Write-Host 'end'
""")
    assert done.returncode == 0, done.stderr
    assert "TenantId" in done.stdout
    assert "end" in done.stdout
    assert "eyJ" not in done.stdout + done.stderr


def test_the_token_works_where_microsofts_cmdlets_take_one(powershell: PowerShell) -> None:
    """Connect-MgGraph takes a SecureString, Connect-AzAccount a String, Invoke-RestMethod either kind of its own."""
    shown = powershell("""
function Connect-Graph { param([Parameter(Mandatory)] [SecureString] $AccessToken) $AccessToken.Length }
function Connect-Az { param([Parameter(Mandatory)] [String] $AccessToken, [DateTimeOffset] $Until) $AccessToken.Length }
$token = Get-MsToken graph
$plain = Get-MsToken graph -AsPlainText
$secret = [Net.NetworkCredential]::new('', $token.Token).Password
@((Connect-Graph $token.Token), (Connect-Az $plain.Token $plain.ExpiresOn), ($secret -ceq $plain.Token))
""")
    assert shown[0] == shown[1]
    assert shown[2] is True


def test_one_process_serves_a_whole_session(powershell: PowerShell) -> None:
    """Processes that this PowerShell started, after forty tokens and in several runspaces one after the other."""
    shown = powershell(
        """
1..20 | ForEach-Object { $null = Get-MsToken graph }
1..5 | ForEach-Object -ThrottleLimit 1 -Parallel { Import-Module $using:module; $null = Get-MsToken graph }
@(Get-Process | Where-Object { $_.Parent.Id -eq $PID }).Count
""".replace("$using:module", f"'{powershell.module}'")
    )
    assert shown == 1


def test_parallel_runspaces_get_their_own_tokens(powershell: PowerShell) -> None:
    shown = powershell(f"""
$services = 'graph', 'arm', 'vault', 'graph', 'arm', 'vault'
$found = $services | ForEach-Object -ThrottleLimit 4 -Parallel {{ Import-Module '{powershell.module}'; "$_ " + (Get-MsToken $_).Claims.aud }}
@($found | Sort-Object)
""")  # noqa: E501
    management, vault = "https://management.azure.com", "https://vault.azure.net"
    found = [line.rstrip("/") for line in shown]
    assert found == [f"arm {management}"] * 2 + [f"graph {GRAPH}"] * 2 + [f"vault {vault}"] * 2


def test_a_killed_process_is_replaced(powershell: PowerShell) -> None:
    shown = powershell("""
$null = Get-MsToken graph
Get-Process | Where-Object { $_.Parent.Id -eq $PID } | Stop-Process -Force
(Get-MsToken graph).Type
""")
    assert shown == "Bearer"


def test_the_process_ends_with_powershell(powershell: PowerShell) -> None:
    done = powershell.run("""
$null = Get-MsToken graph
(Get-Process | Where-Object { $_.Parent.Id -eq $PID }).Id
""")
    process = Path("/proc", done.stdout.split()[-1])
    for _ in range(50):
        if not process.exists():
            break
        time.sleep(0.1)
    assert not process.exists()


def test_removing_the_module_ends_the_process(powershell: PowerShell) -> None:
    shown = powershell("""
$null = Get-MsToken graph
$process = Get-Process | Where-Object { $_.Parent.Id -eq $PID }
Remove-Module MsToken
$process.WaitForExit(20000)
""")
    assert shown is True


def test_the_variables_of_the_moment_count(powershell: PowerShell, entra: Emulator) -> None:
    app = entra.state.default_app.id
    shown = powershell("""
$found = @((Get-MsToken graph).UserId)
$id, $env:AZURE_CLIENT_ID = $env:AZURE_CLIENT_ID, '00000000-1111-4222-8333-444444444444'
try { $null = Get-MsToken graph } catch { $found += $_.FullyQualifiedErrorId }
$env:AZURE_CLIENT_ID = $id
$found += (Get-MsToken graph).UserId
@($found)
""")
    assert shown == [app, "AADSTS700016,Get-MsToken", app]


def test_an_erroraction_of_the_caller_counts(powershell: PowerShell) -> None:
    """Errors end the cmdlet, unless its -ErrorAction says otherwise; the pipeline then goes on with the next object."""
    shown = powershell("""
$found = @(Get-MsToken nothing -ErrorAction SilentlyContinue)
$found += @('nothing', 'graph' | Get-MsToken -ErrorAction SilentlyContinue -ErrorVariable problems).Type
try { Get-MsToken nothing -ErrorAction Stop } catch { $found += $_.FullyQualifiedErrorId }
try { 'nothing', 'graph' | Get-MsToken } catch { $found += $_.FullyQualifiedErrorId }
@($null = Get-MsTokenAccount -ErrorAction Ignore; Disconnect-MsToken nobody -ErrorAction Ignore)
@($found + @($problems).Count)
""")
    assert shown == ["Bearer", "usage_error,Get-MsToken", "usage_error,Get-MsToken", 1]


def test_a_refusal_is_a_terminating_errorrecord(powershell: PowerShell) -> None:
    shown = powershell(
        """
try { $null = Get-MsToken graph; $record = $null } catch { $record = $_ }
$data = $record.Exception.Data
@($record.FullyQualifiedErrorId, "$($record.CategoryInfo.Category)", $record.ErrorDetails.RecommendedAction, $data['exit_code'], "$record")
""",  # noqa: E501
        AZURE_CLIENT_SECRET="wrong",
    )
    assert shown[:2] == ["AADSTS7000215,Get-MsToken", "PermissionDenied"]
    assert "Value" in shown[2]
    assert shown[3] == 4
    assert "AADSTS7000215" in shown[4]


@pytest.mark.parametrize(
    ("call", "identity_", "category"),
    [
        ("Get-MsToken no-such-service", "usage_error", "InvalidArgument"),
        ("Get-MsToken graph -Tenant ''", "usage_error", "InvalidArgument"),
        ("Get-MsToken", "usage_error", "InvalidArgument"),
        ("Get-MsToken graph -Claims nonsense!", "usage_error", "InvalidArgument"),
        ("Get-MsToken graph -Fresh -Timeout 5 -Authority https://127.0.0.1:9", "transport_error", "ConnectionError"),
    ],
    ids=["service", "empty tenant", "nothing", "claims", "nobody listens"],
)
def test_each_kind_of_error_has_an_id_and_a_category(
    powershell: PowerShell, call: str, identity_: str, category: str
) -> None:
    shown = powershell(f"""
try {{ $null = {call}; $record = $null }} catch {{ $record = $_ }}
@($record.FullyQualifiedErrorId, "$($record.CategoryInfo.Category)")
""")
    assert shown == [f"{identity_},Get-MsToken", category]


def test_an_error_can_be_silenced_or_collected(powershell: PowerShell) -> None:
    """A terminating error of a cmdlet ends the statement; -ErrorVariable collects it (about_CommonParameters)."""
    done = powershell.run("""
try { Get-MsToken no-such-service -ErrorVariable found -ErrorAction SilentlyContinue } catch { 'caught' }
"found $($found.Count -gt 0)"
""")
    assert done.returncode == 0, done.stderr
    assert "found True" in done.stdout


def test_a_script_that_fails_has_an_exit_code(powershell: PowerShell) -> None:
    done = powershell.run("Get-MsToken no-such-service")
    assert done.returncode == 1
    assert "no-such-service" in done.stderr + done.stdout


SECRETS = ['it\'s $(1+1) `"quoted"', "x\u2019;Write-Output PWNED;#", "ÄÖ漢字😀", "line\nbreak", " blanks ", "-dash"]


@pytest.mark.parametrize("secret", SECRETS, ids=["quotes", "smart quote", "letters", "line", "blanks", "dash"])
def test_an_awkward_secret_reaches_the_service_unchanged(powershell: PowerShell, entra: Emulator, secret: str) -> None:
    """As a SecureString; nothing of it is shown, even with -Verbose."""
    points = ",".join(map(str, array.array("H", secret.encode("utf-16-le"))))
    app = entra.state.default_app
    app.secrets.append(given := Secret(secret))
    try:
        done = powershell.run(f"""
$secret = [Security.SecureString]::new()
[char[]]({points}) | ForEach-Object {{ $secret.AppendChar($_) }}
Remove-Item Env:AZURE_CLIENT_SECRET
(Get-MsToken graph -ClientSecret $secret -Verbose -Fresh).Type
""")
    finally:
        app.secrets.remove(given)
    assert done.returncode == 0, done.stderr
    assert "Bearer" in done.stdout
    assert "PWNED" not in done.stdout
    assert "request: POST" in done.stdout  # the verbose stream
    assert secret not in done.stdout + done.stderr


def test_a_certificate_file_takes_the_place_of_the_secret(powershell: PowerShell, known: Emulator) -> None:
    (powershell.program.folder / "app.pfx").write_bytes(identity(0).pfx("geheim"))
    shown = powershell("""
$password = [Net.NetworkCredential]::new('', 'geheim').SecurePassword
$token = Get-MsToken graph -Fresh -CertificatePath app.pfx -CertificatePassword $password
@($token.Claims.appidacr, $token.Claims.azpacr)
""")
    assert "2" in shown


def test_services_and_tenants_come_through_the_pipeline(powershell: PowerShell, entra: Emulator) -> None:
    tenant = entra.state.default_tenant.id
    shown = powershell(f"""
$tokens = @('graph', 'arm' | Get-MsToken) + @([pscustomobject]@{{ TenantId = '{tenant}' }} | Get-MsToken graph)
@($tokens | ForEach-Object {{ $_.Claims.aud.TrimEnd('/') }})
""")
    assert shown == [GRAPH, "https://management.azure.com", GRAPH]


def test_the_token_is_in_no_error_and_no_command_line(powershell: PowerShell) -> None:
    done = powershell.run("""
Start-Transcript -Path transcript.txt | Out-Null
$token = Get-MsToken graph -Verbose
try { Get-MsToken graph -Fresh -Authority https://127.0.0.1:9 -Timeout 3 } catch { 'refused' }
$Error | Format-List * -Force | Out-String
Stop-Transcript | Out-Null
Get-Process | Where-Object { $_.Parent.Id -eq $PID } | ForEach-Object { $_.CommandLine }
""")
    assert done.returncode == 0, done.stderr
    transcript = (powershell.program.folder / "transcript.txt").read_text()
    everything = done.stdout + done.stderr + transcript
    assert "refused" in everything
    assert "mstoken session" in done.stdout
    assert not re.search("eyJ[A-Za-z0-9_-]{20}", everything)
    assert powershell.program.environment["AZURE_CLIENT_SECRET"] not in everything


def test_a_copy_that_does_not_know_its_mstoken_says_how_to_install_it(powershell: PowerShell) -> None:
    Path(powershell.module).with_name("MsToken.program.txt").unlink()
    shown = powershell("""
try { Get-MsToken graph } catch { $record = $_ }
@($record.FullyQualifiedErrorId, $record.ErrorDetails.RecommendedAction)
""")
    assert shown == ["not_installed,Get-MsToken", "Install it with mstoken: mstoken powershell --install"]
