"""Shell completion, requested by real shells."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.pwsh import needs_pwsh, run_pwsh

PROFILES = "".join(f'[profile.{name}]\ntenant = "{name}.example"\nclient_id = "c"\n' for name in ("work", "winter"))
CASES = [
    ("mstoken ex", {"exec", "explain"}),
    ("mstoken get keyv", {"keyvault"}),
    ("mstoken get graph --output he", {"header", "headers-json"}),
    ("mstoken request GET x --scope keyv", {"keyvault"}),
    ("mstoken get --profile w", {"work", "winter"}),
    ("mstoken services --cloud ch", {"china"}),
    ("mstoken explain --outp", {"--output"}),
    ("mstoken completion z", {"zsh"}),
]


@pytest.fixture
def mstoken(tmp_path: Path) -> Program:
    program = Program(tmp_path)
    program.profile(PROFILES)
    return program


def script(mstoken: Program, shell: str) -> Path:
    """The completion script, in a file."""
    if not shutil.which(shell):  # where tools/system_packages.py could not install it
        pytest.skip(f"{shell} is not installed")
    result = mstoken("completion", shell)
    assert (result.code, result.err) == (0, "")
    path = mstoken.folder / f"completion.{shell}"
    path.write_text(result.out)
    return path


def said(mstoken: Program, *command: str) -> list[str]:
    """Return what a shell prints; its standard error must be empty."""
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=mstoken.environment)
    assert result.stderr == ""
    return result.stdout.split()


def in_bash(mstoken: Program, line: str) -> set[str]:
    """Use bash's own completion: the words of the line, with the cursor at its end."""
    source = script(mstoken, "bash")
    program = f"""
        source {source}
        COMP_WORDS=({line}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        handler=$(complete -p mstoken | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $handler mstoken
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return set(said(mstoken, "bash", "--norc", "-c", program))


@pytest.mark.parametrize(("line", "offered"), CASES)
def test_bash_completes_everything(mstoken: Program, line: str, offered: set[str]) -> None:
    """Commands, options, choices, services, profiles and clouds complete in bash."""
    assert in_bash(mstoken, line) == offered


@pytest.mark.parametrize(("line", "offered"), CASES[1:5:3])
def test_fish_completes_everything(mstoken: Program, line: str, offered: set[str]) -> None:
    """The same in fish, with its own completion request."""
    source = script(mstoken, "fish")
    lines = said(mstoken, "fish", "--no-config", "-c", f"source {source}; complete -C '{line}' | cut -f 1")
    assert set(lines) == offered


@needs_pwsh
def test_powershell_completes_everything(mstoken: Program, tmp_path: Path) -> None:
    """In PowerShell's own completion, with the titles of services as help; paths are its own to complete."""
    (mstoken.folder / "tenants.toml").touch()
    lines = [*(line for line, _ in CASES), "mstoken get keyv", "mstoken emulator --config tenan"]
    program = "mstoken completion powershell | Out-String | Invoke-Expression\n" + "\n".join(
        f"(TabExpansion2 '{line}' {len(line)}).CompletionMatches.{'ToolTip' if index == len(CASES) else 'ListItemText'}"
        " -join ','"
        for index, line in enumerate(lines)
    )
    done = run_pwsh(program, mstoken.environment, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    *printed, title, path = done.stdout.splitlines()
    assert [set(line.split(",")) for line in printed] == [offered for _, offered in CASES]
    assert (title, path) == ("Azure Key Vault", "tenants.toml")


def test_zsh_completes_at_its_prompt(mstoken: Program) -> None:
    """In a real zsh at a terminal, the tab key completes the word."""
    source = script(mstoken, "zsh")
    (mstoken.folder / ".zshrc").write_text(
        f"PS1='ready> '; unsetopt PROMPT_SP\nautoload -Uz compinit; compinit -u -D\nsource {source}\n"
    )
    terminal, theirs = pty.openpty()
    shell = subprocess.Popen(
        ["zsh", "-i"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=mstoken.environment | {"TERM": "dumb"},
    )
    os.close(theirs)
    try:
        _until(terminal, r"ready> ")
        os.write(terminal, b"mstoken get keyv\t")
        assert "keyvault" in _until(terminal, r"keyvault")
    finally:
        shell.kill()
        shell.wait()
        os.close(terminal)


def _until(terminal: int, pattern: str, wait_in: float = 30) -> str:
    """Return what the terminal shows until it shows `pattern`, or until `wait_in` seconds have passed."""
    shown, last = "", time.monotonic() + wait_in
    while not re.search(pattern, shown) and time.monotonic() < last:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")
    return shown


def test_an_alias_completes_if_no_name_does(mstoken: Program) -> None:
    """Names come first, to avoid listing synonyms; an alias is offered if nothing else matches."""
    assert in_bash(mstoken, "mstoken get msgr") == {"msgraph"}


def test_completion_is_silent_if_the_configuration_is_invalid(mstoken: Program) -> None:
    """An error in the profile is reported by the command, not by the tab key."""
    mstoken.profile("this is no TOML [")
    assert in_bash(mstoken, "mstoken get --profile w") == set()
    assert in_bash(mstoken, "mstoken get keyv") == {"keyvault"}


def test_an_unknown_shell_is_refused(mstoken: Program) -> None:
    """Only four shells have a script."""
    result = mstoken("completion", "tcsh")
    assert (result.code, result.out) == (2, "")
