"""Invoke-MsRequest in a real PowerShell."""

from __future__ import annotations

import json
from pathlib import Path

from tests.powershell.conftest import PowerShell
from tests.support.at_entra import NADIA, VISUAL_STUDIO
from tests.support.program import Program

from entra_emulator import Emulator
from entra_emulator.model import Grant
from mstoken.cli.request_lines import FIELDS, OF_A_COLLECTION


def test_the_items_of_every_page_come_as_objects(powershell: PowerShell, entra: Emulator) -> None:
    shown = powershell("""
@(Invoke-MsRequest 'graph:/users?$top=1' | ForEach-Object { $_.userPrincipalName } | Sort-Object)
""")
    assert sorted(shown) == sorted(user.upn for user in entra.state.default_tenant.users)


def test_pages_that_nobody_needs_are_not_requested(powershell: PowerShell, entra: Emulator) -> None:
    before = len(entra.requests)
    shown = powershell("""
$first = Invoke-MsRequest 'graph:/users?$top=1' | Select-Object -First 1
$page = @(Invoke-MsRequest 'graph:/users?$top=1' -FirstPage)
@("$($first.id.Length)", $page.Count, (Get-MsToken graph).Type)
""")
    assert shown == ["36", 1, "Bearer"]
    assert sum("/users" in one.path for one in entra.requests[before:]) == 2


def test_pages_show_progress_without_the_query(powershell: PowerShell) -> None:
    shown = powershell("""
$shell = [powershell]::Create()
$module = (Get-Module MsToken).Path -replace 'psm1$', 'psd1'
$null = $shell.AddScript("Import-Module '$module'; Invoke-MsRequest 'graph:/users?`$top=1'").Invoke()
@($shell.Streams.Progress | Where-Object Activity -like 'MsToken*' | ForEach-Object { "$($_.Activity) $($_.StatusDescription) $($_.RecordType)" })
""")  # noqa: E501
    assert shown[:2] == [f"MsToken: graph:/users items: {count} Processing" for count in (1, 2)]
    assert shown[-1].endswith("Completed")
    assert "top" not in "".join(shown)


def test_bodies_headers_and_methods_go_out_as_given(powershell: PowerShell, entra: Emulator) -> None:
    """An object becomes JSON; text stays as it is; a body makes it a POST; -WhatIf sends nothing."""
    entra.state.default_tenant.grants.append(
        Grant(entra.state.default_app.id, "00000003-0000-0000-c000-000000000000", roles=["Group.ReadWrite.All"])
    )
    before = len(entra.requests)
    shown = powershell("""
$name = 'Gr' + [char]0xfc + [char]0xdf + 'e'
$group = @{ displayName = $name; mailNickname = 'g1'; mailEnabled = $false; securityEnabled = $true }
Invoke-MsRequest graph:/groups -Body $group -WhatIf
$made = Invoke-MsRequest graph:/groups -Body $group -Header @{ Prefer = 'return=representation' }
$null = Invoke-MsRequest "graph:/groups/$($made.id)" -Method Patch -Body '{"description": "changed"}'
$found = Invoke-MsRequest "graph:/groups/$($made.id)"
Invoke-MsRequest "graph:/groups/$($made.id)" -Method Delete
@(($found.displayName -ceq $name), $found.description)
""")
    assert shown == [True, "changed"]
    methods = [one.method for one in entra.requests[before:] if "/groups" in one.path]
    assert methods == ["POST", "PATCH", "GET", "DELETE"]


def test_requests_and_tenants_come_through_the_pipeline(powershell: PowerShell, entra: Emulator) -> None:
    tenant = entra.state.default_tenant.id
    shown = powershell(f"""
$rows = [pscustomobject]@{{ Uri = 'graph:/organization'; TenantId = '{tenant}' }}, [pscustomobject]@{{ Uri = 'graph:/users?$top=1' }}
$found = $rows | Invoke-MsRequest -FirstPage
@(@($found).Count, @($found)[0].id)
""")  # noqa: E501
    assert shown == [2, tenant]


def test_tenants_come_through_the_pipeline_as_texts_and_as_objects(powershell: PowerShell, entra: Emulator) -> None:
    tenant = entra.state.default_tenant.id
    shown = powershell(f"""
$texts = @('{tenant}', '{tenant}' | Invoke-MsRequest graph:/organization)
$objects = @([pscustomobject]@{{ TenantId = '{tenant}' }} | Invoke-MsRequest graph:/organization)
$uris = @('graph:/organization', 'graph:/organization' | Invoke-MsRequest)
@($texts + $objects + $uris | ForEach-Object id)
""")
    assert shown == [tenant] * 5


def test_options_of_the_command_line_are_parameters(powershell: PowerShell, entra: Emulator) -> None:
    before = len(entra.requests)
    shown = powershell("""
$all = Invoke-MsRequest graph:/users -Param @{ top = 1; select = 'id,userPrincipalName' } -MaxPages 1 -Query '[].userPrincipalName' 3>&1
$said = $all | Where-Object { $_ -is [Management.Automation.WarningRecord] }
$names = @($all | Where-Object { $_ -is [string] })
try { Invoke-MsRequest graph:/organization -Query 'value[0].id' -OutFile no.json } catch { $saved = "$_" }
try { Invoke-MsRequest graph:/users -FirstPage -MaxPages 2 } catch { $both = "$_" }
@($names, "$said", $both, $saved, (Test-Path no.json))
""")  # noqa: E501
    assert len(shown[0]) == 1
    assert all("@" in name for name in shown[0])
    assert "Stopped after 1 page" in shown[1]
    assert "-MaxPages" in shown[1]
    assert "exclude each other" in shown[2]
    assert "-Query selects" in shown[3]
    assert "--" not in shown[1] + shown[3]
    assert shown[4] is False
    sent = [one for one in entra.requests[before:] if one.path.endswith("/users")]
    assert len(sent) == 1


def test_each_field_of_a_request_is_a_parameter(powershell: PowerShell) -> None:
    """The session refuses a field that it does not know; a new argument of `mstoken request` lacks a parameter here."""
    shown = powershell("""
$module = Get-Module MsToken
$shown = & $module {
    $bound = @{}
    foreach ($name in (Get-Command Invoke-MsRequest).Parameters.Keys) { $bound[$name] = 1 }
    (Get-MsTokenRequestField $bound).Keys
}
@($shown)
""")
    of_the_cmdlet = {"url", "method", "headers", "body", "save", "upload"}
    assert set(shown) == (FIELDS | OF_A_COLLECTION).keys() - of_the_cmdlet


def test_an_api_error_is_an_errorrecord(powershell: PowerShell) -> None:
    shown = powershell("""
try { Invoke-MsRequest graph:/users/nobody@nowhere.example } catch { $record = $_ }
@($record.FullyQualifiedErrorId, "$($record.CategoryInfo.Category)", $record.Exception.Data['exit_code'])
""")
    assert shown == ["Request_ResourceNotFound,Invoke-MsRequest", "PermissionDenied", 4]


def test_the_token_goes_to_its_service_only(powershell: PowerShell) -> None:
    shown = powershell("""
try { Invoke-MsRequest https://evil.example/users -Scope graph } catch { $record = $_ }
"$($record.FullyQualifiedErrorId)"
""")
    assert shown == "untrusted_origin,Invoke-MsRequest"


def test_a_response_is_written_to_a_file_with_progress(powershell: PowerShell) -> None:
    shown = powershell("""
$shell = [powershell]::Create()
$module = (Get-Module MsToken).Path -replace 'psm1$', 'psd1'
$printed = $shell.AddScript("Import-Module '$module'; Invoke-MsRequest graph:/organization -OutFile answer.json").Invoke()
$progress = @($shell.Streams.Progress | Where-Object Activity -like 'MsToken*')
@($printed.Count, (Get-Content answer.json -Raw | ConvertFrom-Json).value.Count, $progress[0].StatusDescription, "$($progress[-1].RecordType)")
""")  # noqa: E501
    assert shown == [0, 1, "writing answer.json", "Completed"]


def test_a_message_names_the_parameters_of_its_cmdlet(powershell: PowerShell) -> None:
    """An option without a parameter stays as it is, and so does a command, which works in PowerShell too."""
    texts = {
        "Leave out --query, or --save FILE.": "Leave out -Query, or -OutFile FILE.",
        "--retry-unsafe and --profile NAME": "-RetryUnsafe and -Profile NAME",
        "With --slurp, use --all.": "With --slurp, use --all.",
        "mstoken get graph --tenant T": "mstoken get graph --tenant T",
        "Run `mstoken login --tenant T`, or give `--tenant T`.": "Run `mstoken login --tenant T`, or give `-Tenant T`.",
        "Next: az login --tenant T\nOr: --tenant T": "Next: az login --tenant T\nOr: -Tenant T",
    }
    found = powershell(
        """
$texts = [Console]::In.ReadToEnd() | ConvertFrom-Json
$caller = @{ MyInvocation = @{ MyCommand = Get-Command Invoke-MsRequest } }
$shown = foreach ($text in $texts) { & (Get-Module MsToken) { ConvertTo-MsTokenWord $args[0] $args[1] } $text $caller }
@($shown)
""",
        json.dumps(list(texts)),
    )
    assert found == list(texts.values())


def test_a_change_that_needs_a_sign_in_says_how_and_keeps_the_body(
    powershell: PowerShell, anonymous: Program, entra: Emulator
) -> None:
    """The error has the command with the very claims. The body is still the script's, so mstoken stores nothing."""
    tenant = entra.state.default_tenant
    sign_in = ("login", "--client-id", "visual-studio", "--tenant", tenant.id)
    assert anonymous(*sign_in, stdin=entra.sign_in(NADIA, VISUAL_STUDIO, mfa=False)).code == 0
    group = f"/subscriptions/{tenant.subscriptions[0].id}/resourcegroups/from-powershell?api-version=2022-12-01"
    groups = list(tenant.subscriptions[0].resource_groups)
    tenant.azure_mfa = True
    try:
        shown = powershell(f"""
$body = @{{ location = 'westeurope' }}
$said = try {{ Invoke-MsRequest '{group}' -Method Put -Body $body }} catch {{ $_.ErrorDetails.RecommendedAction }}
@($said)
""")
        anonymous(*sign_in, stdin=entra.sign_in(NADIA, VISUAL_STUDIO, mfa=True))
        done = powershell(f"""
(Invoke-MsRequest '{group}' -Method Put -Body @{{ location = 'westeurope' }}).location
""")
    finally:
        tenant.azure_mfa = False
        tenant.subscriptions[0].resource_groups = groups
    assert "mstoken login" in str(shown)
    assert "--claims eyJ" in str(shown)
    assert done == "westeurope"
    assert not Path(anonymous.environment["MSTOKEN_CACHE_DIR"], "vault", "requests").exists()
