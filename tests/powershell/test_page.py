"""The blocks of docs/powershell-module.md run in a real PowerShell."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.powershell.conftest import PowerShell

PAGE = Path(__file__).parents[2] / "docs" / "powershell-module.md"


def test_every_block_of_the_page_runs(powershell: PowerShell) -> None:
    blocks = re.findall(r"^```powershell\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 4
    done = powershell.run("\n".join(f"{block}\nWrite-Host 'ran {number}'" for number, block in enumerate(blocks)))
    assert done.returncode == 0, done.stderr + done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("ran ")] == [
        f"ran {number}" for number in range(len(blocks))
    ]
    assert "nadia@northwind-partner.example" in done.stdout


# Reads texts from stdin; writes what is wrong with each call of a command of MsToken in them.
CHECK = """
$texts = [Console]::In.ReadToEnd() | ConvertFrom-Json
$seen = 0
foreach ($text in $texts) {
    $tree = [Management.Automation.Language.Parser]::ParseInput($text, [ref]$null, [ref]$null)
    $calls = $tree.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] }, $true)
    foreach ($call in $calls) {
        $name = $call.GetCommandName()
        if ($name -notmatch '^\\w+-Ms(Token|Request)') { continue }
        $seen++
        $command = Get-Command $name -Module MsToken -ErrorAction Ignore
        if (-not $command) { "wrong: no command ${name}: $text"; continue }
        $given = foreach ($one in $call.CommandElements) {
            if ($one -isnot [Management.Automation.Language.CommandParameterAst]) { continue }
            try { $command.ResolveParameter($one.ParameterName).Name } catch { "no $($one.ParameterName)" }
        }
        $fits = foreach ($set in $command.ParameterSets) {
            if (-not ($given | Where-Object { $_ -notin $set.Parameters.Name })) { $set.Name }
        }
        if (-not $fits) { "wrong: the parameters $given of ${name}: $text" }
    }
}
"seen: $seen"
"""


def test_every_call_of_the_pages_has_a_command_and_its_parameters(powershell: PowerShell) -> None:
    """In tables and sentences too, where nothing is run; the parameters of a call are those of one parameter set."""
    texts = [
        part.replace("\\|", "|")
        for page in [PAGE.parents[1] / "README.md", *sorted(PAGE.parent.glob("*.md"))]
        for part in re.findall(
            r"^```(?:powershell|ps1)\n(.*?)^```|`([^`\n]+)`", page.read_text(), re.DOTALL | re.MULTILINE
        )
        for part in part
        if "-Ms" in part
    ]
    assert len(texts) > 40
    done = powershell.run(CHECK, json.dumps(texts))
    assert done.returncode == 0, done.stderr + done.stdout
    assert "wrong" not in done.stdout, done.stdout
    assert int(done.stdout.rpartition("seen: ")[2]) >= len(texts)


def test_a_call_that_does_not_exist_is_found(powershell: PowerShell) -> None:
    """An unknown command, an unknown parameter, parameters of two sets."""
    texts = ["Get-MsTokens graph", "Get-MsToken graph -Thumbprint x", "Connect-MsToken -Device -Path token.txt"]
    done = powershell.run(CHECK, json.dumps(texts))
    assert done.stdout.count("wrong: ") == len(texts), done.stdout + done.stderr
