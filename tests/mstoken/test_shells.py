"""The reader's shell, and commands in its words."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from tests.support.certificates import identity
from tests.support.program import Program
from tests.support.pwsh import needs_pwsh, run_pwsh

from mstoken import shells
from mstoken.aadsts import fill
from mstoken.shells import in_shell, joined, quoted, reader_shell

MODULES = {"PSModulePath": "/somewhere"}


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "linux", "posix"),
        (MODULES, "linux", "powershell"),
        (MODULES | {"_": "/usr/bin/pwsh"}, "darwin", "powershell"),
        (MODULES | {"_": "/home/a/.local/bin/mstoken"}, "linux", "posix"),
        (MODULES, "win32", "powershell"),
        (MODULES | {"PROMPT": "$P$G"}, "win32", ""),
        (MODULES | {"MSYSTEM": "MINGW64", "PROMPT": "$P$G"}, "win32", "posix"),
        ({"MSTOKEN_SHELL": "pwsh"}, "linux", "powershell"),
        ({"MSTOKEN_SHELL": " Zsh "} | MODULES, "win32", "posix"),
        ({"MSTOKEN_SHELL": "cmd"}, "win32", "cmd"),
        ({"MSTOKEN_SHELL": "fish"}, "linux", "fish"),
    ],
)
def test_the_readers_shell(environ: dict[str, str], platform: str, expected: str) -> None:
    """The variable counts; else what the shell leaves in the environment; '' if two are possible."""
    assert reader_shell(environ, platform) == expected


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    monkeypatch.setenv("MSTOKEN_SHELL", request.param)
    return str(request.param)


@pytest.mark.parametrize(
    ("shell", "text", "expected"),
    [
        ("bash", "o'brien", '"o\'brien"'),
        ("powershell", "o'brien", '"o\'brien"'),
        ("powershell", "o'brien$", "'o''brien$'"),
        ("bash", "o'brien$", "'o'\\''brien$'"),
        ("fish", "o'brien$", "'o\\'brien$'"),
        ("cmd", "a b", '"a b"'),
        ("bash", "a b", "'a b'"),
        ("cmd", "contoso.example", "contoso.example"),
        ("powershell", "x\u2019;id$", '"x$([char]0x2019);id`$"'),
    ],
    indirect=["shell"],
)
def test_a_value_is_quoted_for_all_shells_or_for_the_readers(shell: str, text: str, expected: str) -> None:
    """One form for all if there is one; cmd knows no single quotes."""
    assert quoted(text) == expected
    assert fill("`get {tenant}`", tenant=text) == f"`get {expected}`"


@pytest.mark.parametrize("shell", ["bash", "powershell", "cmd"], indirect=True)
def test_a_command_that_differs_is_the_readers(shell: str) -> None:
    """Each reader sees one command."""
    assert in_shell(posix="bash", powershell="powershell", cmd="cmd") == shell


def test_a_reader_whose_shell_is_unknown_sees_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows, below cmd, either may be the one."""
    monkeypatch.setattr(shells, "reader_shell", lambda: "")
    assert in_shell(posix="cat a", powershell="gc a", cmd="type a") == "gc a (in bash: cat a)"
    assert joined(["get", "o'brien$"]) == "get 'o'\\''brien$'"


def test_an_unknown_shell_is_refused_by_name(tmp_path: Path) -> None:
    """A misspelled variable is an error, not another shell's words."""
    done = Program(tmp_path)("services", "graph", MSTOKEN_SHELL="powershel")
    assert (done.code, done.out) == (2, "")
    assert "MSTOKEN_SHELL names no shell that is known: 'powershel'." in done.err


@needs_pwsh
def test_powershell_runs_the_printed_commands(tmp_path: Path) -> None:
    """In PowerShell, the advice is in its words, and the commands work there: key and certificate make one file."""
    program = Program(tmp_path)
    app = identity(0)
    (tmp_path / "key.pem").write_bytes(app.key_pem())
    (tmp_path / "certificate.pem").write_bytes(app.certificate_pem())
    script = """
    $env:AZURE_CLIENT_CERTIFICATE_PATH = 'certificate.pem'
    $refusal = mstoken get graph --tenant t.example --client-id c --authority https://127.0.0.1:9 2>&1 | Out-String
    $null = $refusal -match 'into one file: (.*)'
    $Matches[1]
    Invoke-Expression $Matches[1]
    (Get-Content app.pem | Select-String -SimpleMatch '-----BEGIN').Count
    $missing = mstoken get graph --profile 'o''brien$x' 2>&1 | Out-String
    $null = $missing -match "--profile (.*?) --tenant"
    $Matches[1]
    """
    done = run_pwsh(script, program.environment, tmp_path)
    command, count, name = done.stdout.splitlines()
    assert command == "Get-Content key.pem, certificate.pem | Set-Content -Encoding ascii app.pem"
    assert (count, name) == ("2", "'o''brien$x'")


@needs_pwsh
def test_the_certificates_argument_is_the_same_in_powershell(tmp_path: Path) -> None:
    """`az … --cert '@certificate.pem'`: without quotes, PowerShell takes @ for its own."""
    remedy = fill("`az ad app credential reset --id {client_id} --append --cert '@certificate.pem'`", client_id="c")
    (tmp_path / "echo.py").write_text("import json, sys; print(json.dumps(sys.argv[1:]))")
    command = remedy.strip("`").replace("az ", f"& '{sys.executable}' echo.py ", 1)
    done = run_pwsh(command, Program(tmp_path).environment, tmp_path)
    assert json.loads(done.stdout)[-2:] == ["--cert", "@certificate.pem"]
