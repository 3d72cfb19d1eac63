"""Ctrl-C in a real PowerShell: it stops the pipeline, and with it the request."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.powershell.conftest import PWSH, PowerShell
from tests.support.slow_server import SlowServer

from entra_emulator import Emulator

STOPPABLE = """
function Start-Stoppable([string]$Script) {
    $shell = [powershell]::Create()
    $null = $shell.AddScript("Import-Module '$((Get-Module MsToken).Path -replace 'psm1$', 'psd1')'; $Script")
    $shell
}
function Get-Child { Get-Process | Where-Object { $_.Parent.Id -eq $PID } | ForEach-Object Id }
"""
"""`Stop` of a pipeline is what Ctrl-C does at the prompt."""


def test_a_request_that_waits_is_canceled(powershell: PowerShell) -> None:
    with SlowServer(b"") as silent:
        shown = powershell(f"""{STOPPABLE}
$shell = Start-Stoppable 'Get-MsToken graph -Fresh -Tenant contoso.example -Authority {silent}'
$running = $shell.BeginInvoke()
while (-not (Get-Child)) {{ Start-Sleep -Milliseconds 50 }}
Start-Sleep 1
$before = @(Get-Child)
$watch = [Diagnostics.Stopwatch]::StartNew()
$shell.Stop()
$seconds = $watch.Elapsed.TotalSeconds
while ((Get-Child) -contains $before[0] -and $watch.Elapsed.TotalSeconds -lt 20) {{ Start-Sleep -Milliseconds 50 }}
@("$($shell.InvocationStateInfo.State)", ($seconds -lt 10), $before.Count, @(Get-Child).Count, (Get-MsToken graph).Type)
""")
    assert shown == ["Stopped", True, 1, 0, "Bearer"]


def test_who_stops_between_items_keeps_the_session_and_requests_no_further_page(
    powershell: PowerShell, entra: Emulator
) -> None:
    before = len(entra.requests)
    shown = powershell(f"""{STOPPABLE}
$null = Get-MsToken graph
$process = Get-Child
$shell = Start-Stoppable 'Invoke-MsRequest ''graph:/users?$top=1'' | ForEach-Object {{ [AppDomain]::CurrentDomain.SetData(''seen'', $_.id); Start-Sleep 60 }}'
$running = $shell.BeginInvoke()
while (-not [AppDomain]::CurrentDomain.GetData('seen')) {{ Start-Sleep -Milliseconds 50 }}
$shell.Stop()
@("$($shell.InvocationStateInfo.State)", (Get-MsToken graph).Type, ("$(Get-Child)" -eq "$process"))
""")  # noqa: E501
    assert shown == ["Stopped", "Bearer", True]
    assert sum("/users" in one.path for one in entra.requests[before:]) == 1


def test_an_interrupted_script_ends_with_its_session(powershell: PowerShell) -> None:
    """The signal that a terminal sends, to the process that runs a script."""
    program, marker = powershell.program, powershell.program.folder / "child"
    script = program.folder / "script.ps1"
    assert PWSH
    server = SlowServer(b"")
    with server as silent:
        script.write_text(
            f"""Import-Module '{powershell.module}'
$null = Get-MsToken graph
(Get-Process | Where-Object {{ $_.Parent.Id -eq $PID }}).Id | Set-Content '{marker}'
Get-MsToken graph -Fresh -Tenant contoso.example -Authority {silent}
'not reached'
""",
            "utf-8",
        )
        with subprocess.Popen(
            [PWSH, "-NoProfile", "-NonInteractive", "-File", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=program.environment | {"HOME": os.environ["HOME"]},
            start_new_session=True,
        ) as process:
            until = time.monotonic() + 60
            while not (marker.exists() and marker.read_text().strip()) and time.monotonic() < until:
                time.sleep(0.1)
            child = Path("/proc", marker.read_text().strip())
            assert child.exists()
            assert server.asked.wait(60)
            os.killpg(process.pid, signal.SIGINT)
            printed, _ = process.communicate(timeout=30)
    while child.exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not child.exists()
    assert b"not reached" not in printed
