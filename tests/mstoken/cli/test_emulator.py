"""`mstoken emulator`: the command's own exit code, its own arguments, and a plain word when the extra is missing."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from tests.support.program import MSTOKEN, Program


@pytest.fixture
def mstoken(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_a_token_and_nothing_else_is_printed(mstoken: Program) -> None:
    """`mstoken emulator -- mstoken get graph` prints one token, which its own inspect reads."""
    result = mstoken("emulator", "--", "mstoken", "get", "graph")
    assert result.code == 0, result.err
    assert len(result.out.splitlines()) == 1
    assert mstoken("inspect", stdin=result.raw).out.splitlines()[1].startswith("  For          Microsoft Graph")


@pytest.mark.parametrize("code", [0, 2, 255])
def test_the_exit_code_of_the_command_is_passed_on(mstoken: Program, code: int) -> None:
    """Whatever the command ends with, the emulator ends with, and what it said is not touched."""
    result = mstoken("emulator", "--", "sh", "-c", f"cat; echo out; echo err >&2; exit {code}", stdin="in\n")
    assert (result.code, result.out, result.err) == (code, "in\nout\n", "err\n")


def test_the_commands_arguments_are_its_own(mstoken: Program) -> None:
    """Options and a second -- after the first belong to the command."""
    result = mstoken("emulator", "--port", "0", "--", "printf", "%s\\n", "--help", "--", "--port", "x")
    assert (result.code, result.out.splitlines()) == (0, ["--help", "--", "--port", "x"])


def test_a_command_that_is_not_there_is_127(mstoken: Program) -> None:
    """As in a shell."""
    result = mstoken("emulator", "--", "no-such-command-here")
    assert (result.code, result.out) == (127, "")
    assert "no-such-command-here" in result.err


@pytest.mark.parametrize("arguments", [("--",), ("--port", "x"), ("--config", "missing.toml")])
def test_a_wrong_call_is_a_usage_error(mstoken: Program, arguments: tuple[str, ...]) -> None:
    """No command after --, a port that is none and a file that is not there say so."""
    result = mstoken("emulator", *arguments)
    assert (result.code, result.out) == (2, "")
    assert "  next: mstoken emulator --help" in result.err


def test_a_command_without_the_dashes_is_told_where_they_go(mstoken: Program) -> None:
    """The likeliest slip: the whole command is shown as it should be."""
    result = mstoken("emulator", "mstoken", "get", "graph")
    assert (result.code, result.out) == (2, "")
    assert "  next: To run your own command, put -- before it: mstoken emulator -- mstoken get graph" in result.err


def test_a_configuration_that_cannot_be_used_is_told(mstoken: Program, tmp_path: Path) -> None:
    """A broken file ends the emulator with exit code 2; around a command with 125, which no command of ours uses."""
    (tmp_path / "broken.toml").write_text("tenants = 3")
    alone = mstoken("emulator", "--config", "broken.toml")
    around = mstoken("emulator", "--config", "broken.toml", "--", "true")
    assert (alone.code, around.code) == (2, 125)
    assert "configuration" in alone.err


def test_alone_it_runs_until_interrupted(mstoken: Program) -> None:
    """Without a command it prints settings for a shell on standard error, serves, and ends well with ^C."""
    process = subprocess.Popen(
        [MSTOKEN, "emulator"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=mstoken.environment, text=True
    )
    with process:
        assert process.stderr is not None
        settings = dict[str, str]()
        for line in process.stderr:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                settings[name] = value.strip("'")
            if "Ctrl-C" in line:
                break
        got = mstoken("get", "arm", **settings)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    assert (got.code, got.out.count(".")) == (0, 2), got.err


def test_without_the_extra_it_says_what_to_install(mstoken: Program, tmp_path: Path) -> None:
    """Where the emulator's packages are missing the way to get them is told, with and without a command."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['starlette'] = None\n")
    for arguments in ((), ("--", "true")):
        result = mstoken("emulator", *arguments, PYTHONPATH=str(tmp_path))
        assert (result.code, result.out) == (2, "")
        assert "(starlette is missing)" in result.err
        assert "  next: pip install 'mstoken[emulator]'" in result.err
    assert mstoken("emulator", "--help", PYTHONPATH=str(tmp_path)).code == 0
