"""The module has nothing that Windows PowerShell 5.1 and .NET Framework 4.7.2 lack, by PowerShell's own parser."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

from tests.support.pwsh import PWSH, needs_pwsh

HERE = Path(__file__).parent
MODULE = HERE.parents[1] / "src" / "mstoken" / "powershell"
IN_5_1: dict[str, Any] = tomllib.loads((HERE / "windows_powershell.toml").read_text())
ACCELERATORS = {
    "bool", "byte[]", "hashtable", "int", "object", "ordered", "pscustomobject", "ref", "scriptblock", "securestring",
    "string", "string[]", "switch",
}  # fmt: skip
"""PowerShell's own words for types (about_Type_Accelerators)."""


def parsed(scripts: dict[str, str]) -> dict[str, dict[str, list[str]]]:
    """Return what each script uses, and what is wrong with it, as syntax.ps1 writes it."""
    assert PWSH
    done = subprocess.run(
        [PWSH, "-NoProfile", "-NonInteractive", "-File", HERE / "syntax.ps1"],
        input=json.dumps(scripts),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
    return found


def problems(found: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return what 5.1 lacks, each with the script that has it; functions of any of the scripts are known."""
    own = {name for use in found.values() for name in use["own"]}
    parameters = {f"{name} -{one}" for name, given in IN_5_1["commands"].items() for one in given}
    known = {
        "types": ACCELERATORS | set(IN_5_1["types"]),
        "statics": set(IN_5_1["static_members"]),
        "commands": own | set(IN_5_1["commands"]) | parameters,
    }
    shown = []
    for name, use in found.items():
        used = [one for kind, names in known.items() for one in use[kind] if one not in names]
        shown += [f"{name}: {one}" for one in [*use["wrong"], *used] if one.partition(" ")[0] not in own]
    return shown


@needs_pwsh
def test_the_module_has_nothing_that_windows_powershell_lacks() -> None:
    found = parsed({path.name: path.read_text("utf-8-sig") for path in MODULE.glob("*.ps*1")})
    assert len(found) > 8
    assert problems(found) == []


LACKING = {
    "ternary": ("$a ? 1 : 2", "ternary"),
    "and": ("a && b", "&& or ||"),
    "or": ("a || b", "&& or ||"),
    "null": ("$a ?? 1", "??"),
    "assigned": ("$a ??= 1", "??="),
    "member": ("${a}?.b", "?."),
    "index": ("${a}?[0]", "?."),
    "clean block": ("function f { process { } clean { } }", "clean"),
    "background": ("Get-Date &", "&"),
    "generic method": ("$a.b[int](1)", "type arguments of a method"),
    "version": ("#requires -Version 7.4\n1", "#requires -Version"),
    "edition": ("#requires -PSEdition Core\n1", "#requires -PSEdition"),
    "parallel": ("1 | ForEach-Object -Parallel { 1 }", "ForEach-Object -Parallel"),
    "plain text": ("ConvertFrom-SecureString $a -AsPlainText", "ConvertFrom-SecureString -AsPlainText"),
    "JSON": ("ConvertFrom-Json '{}' -AsHashtable", "ConvertFrom-Json -AsHashtable"),
    "a cmdlet": ("Remove-Service x", "Remove-Service"),
    "a type": ("[Text.Json.JsonDocument]::Parse('1')", "[Text.Json.JsonDocument]::Parse"),
    "a new object": ("New-Object Net.Http.SocketsHttpHandler", "Net.Http.SocketsHttpHandler"),
    "a method": ("[IO.File]::AppendAllBytes('a', $b)", "[IO.File]::AppendAllBytes"),
    "arguments": ("$start.ArgumentList.Add('x')", ".ArgumentList"),
    "no syntax": ("if (", "error:"),
    "another branch": (
        "if ($PSVersionTable.PSVersion.Major -ge 6) { 1 } else { ConvertFrom-Json 1 -NoEnumerate }",
        "ConvertFrom-Json -NoEnumerate",
    ),
    "syntax behind a check": ("if ($PSVersionTable.PSVersion.Major -ge 6) { $a ?? 1 }", "??"),
}
"""A script that Windows PowerShell 5.1 does not run, and what it lacks: about_PowerShell_Editions, What's New in 7."""


@needs_pwsh
def test_what_windows_powershell_lacks_is_found() -> None:
    found = parsed({name: script for name, (script, _) in LACKING.items()})
    shown = problems(found)
    missed = [
        name for name, (_, lack) in LACKING.items() if not any(one.startswith(f"{name}: {lack}") for one in shown)
    ]
    assert missed == []


@needs_pwsh
def test_what_it_has_and_what_stands_behind_a_check_is_no_problem() -> None:
    script = (
        "if ($PSVersionTable.PSVersion.Major -ge 6) { ConvertFrom-Json '{}' -AsHashtable }\n'a ? b : c && ?? clean {'"
    )
    assert problems(parsed({"fine": script})) == []


def test_files_with_other_characters_than_ascii_begin_with_a_mark() -> None:
    """Windows PowerShell reads a file without a byte order mark in the code page (about_Character_Encoding)."""
    for path in MODULE.iterdir():
        content = path.read_bytes()
        assert content.isascii() or content.startswith(b"\xef\xbb\xbf"), path.name
