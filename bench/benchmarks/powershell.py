"""The module MsToken in a PowerShell session: its import, the first token, every further one, and many requests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from bench.benchmarks.commands import mstoken_command
from bench.processes import output_of
from bench.results import Goal, Kind, Result, Unavailable
from bench.rounds import Candidate, run_rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.run import Bench

NAME = "powershell"
COMMAND = "& mstoken get graph"
FIRST = "Get-MsToken graph, the first of a session"
FURTHER = "Get-MsToken graph, each further one"
EMPTY = "importing an empty script module"
IMPORT = "importing MsToken"
LOOP = "1,000 requests, a loop with Invoke-RestMethod"
PIPELINE = "1,000 requests, one pipeline into Invoke-MsRequest"

_TIMED = """$ErrorActionPreference = 'Stop'; $PSNativeCommandUseErrorActionPreference = $true
function Seconds([scriptblock]$Block, [int]$Times) {
    $all = foreach ($one in 1..$Times) { (Measure-Command $Block).TotalSeconds }
    ($all | Sort-Object)[[int][Math]::Floor($Times / 2)]
}
"""
_LOAD = "$manifest = & $mstoken powershell; Import-Module $manifest; "
_PROGRAMS = {
    COMMAND: "$null = & $mstoken get graph; Seconds { & $mstoken get graph } 15",
    FIRST: _LOAD + "Seconds { Get-MsToken graph } 1",
    FURTHER: _LOAD + "$null = Get-MsToken graph; Seconds { Get-MsToken graph } 300",
    EMPTY: "Seconds { Import-Module $empty } 1",
    IMPORT: "$manifest = & $mstoken powershell; Seconds { Import-Module $manifest } 1",
    LOOP: "$token = ConvertTo-SecureString (& $mstoken get graph) -AsPlainText; "
    "Seconds { foreach ($url in $urls) { Invoke-RestMethod $url -Authentication Bearer -Token $token } } 1",
    PIPELINE: _LOAD + "$null = Get-MsToken graph; "
    "Seconds { $urls | Invoke-MsRequest -Scope graph -Origin $env:AZURE_AUTHORITY_HOST } 1",
}


def run(bench: Bench) -> Result:
    result = Result(
        NAME,
        "A token in a PowerShell session",
        "Inside one PowerShell session, without its start: the median of 15 calls of the command and of 300 of the "
        "cmdlet; a first call, an import and 1,000 requests, one after the other over TLS to this machine, are timed "
        "once in a session. The token is in the cache before.",
    )
    candidates = [Candidate(name, _kind(name), _in_session(bench, name)) for name in _PROGRAMS]
    run_rounds(result, candidates, bench.pick(tiny=1, quick=3, full=9), warm_up=True, log=bench.log)
    result.ratio(Goal("the first token of a session", "seconds", "at most", 2), FIRST, COMMAND)
    result.ratio(Goal("each further token of a session", "seconds", "at most", 0.1), FURTHER, COMMAND)
    result.ratio(Goal("1,000 requests in a pipeline", "seconds", "at most", 2), PIPELINE, LOOP)
    return result


def _kind(name: str) -> Kind:
    return "baseline" if name in {COMMAND, EMPTY, LOOP} else "ours"


def _in_session(bench: Bench, name: str) -> Callable[[], Mapping[str, float]]:
    """Run the candidate's program in a new session, which prints the seconds."""

    def seconds() -> Mapping[str, float]:
        pwsh = shutil.which(os.environ.get("PWSH", "") or "pwsh")
        if pwsh is None:
            raise Unavailable("there is no PowerShell: install pwsh, or name it in the variable PWSH")
        empty = bench.folder / "empty.psm1"
        empty.touch()
        values = f"$mstoken = '{mstoken_command()}'; $empty = '{empty}'\n"
        requests = bench.pick(tiny=3, quick=1000, full=1000)
        values += f"$urls = 1..{requests} | ForEach-Object {{ $env:AZURE_AUTHORITY_HOST + '/organization/' + $_ }}\n"
        cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
        environment = {"XDG_CACHE_HOME": cache, **bench.environment(), "NO_COLOR": "1"}
        program = _TIMED + values + _PROGRAMS[name]
        printed = output_of([pwsh, "-NoProfile", "-NonInteractive", "-Command", program], environment)
        return {"seconds": float(printed.split()[-1])}

    return seconds
