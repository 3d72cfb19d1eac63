"""`mstoken emulator`: its exit codes, its arguments, and the message for missing packages."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from tests.support.program import MSTOKEN, Program


@pytest.fixture
def mstoken(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_only_the_token_is_printed(mstoken: Program) -> None:
    """`mstoken emulator -- mstoken get graph` prints one token, which its own inspect reads."""
    result = mstoken("emulator", "--", "mstoken", "get", "graph")
    assert result.code == 0, result.err
    assert len(result.out.splitlines()) == 1
    assert mstoken("inspect", stdin=result.raw).out.splitlines()[1].startswith("  For          Microsoft Graph")


@pytest.mark.parametrize("code", [0, 2, 255])
def test_the_commands_exit_code_is_returned(mstoken: Program, code: int) -> None:
    """The emulator exits with the command's code and does not change its output."""
    result = mstoken("emulator", "--", "sh", "-c", f"cat; echo out; echo err >&2; exit {code}", stdin="in\n")
    assert (result.code, result.out, result.err) == (code, "in\nout\n", "err\n")


def test_the_commands_arguments_are_passed_on(mstoken: Program) -> None:
    """Options and a second -- after the first belong to the command."""
    result = mstoken("emulator", "--port", "0", "--", "printf", "%s\\n", "--help", "--", "--port", "x")
    assert (result.code, result.out.splitlines()) == (0, ["--help", "--", "--port", "x"])


def test_a_missing_command_is_127(mstoken: Program) -> None:
    """As in a shell."""
    result = mstoken("emulator", "--", "no-such-command-here")
    assert (result.code, result.out) == (127, "")
    assert "no-such-command-here" in result.err


@pytest.mark.parametrize("arguments", [("--",), ("--port", "x"), ("--config", "missing.toml")])
def test_a_wrong_call_is_a_usage_error(mstoken: Program, arguments: tuple[str, ...]) -> None:
    """A missing command after --, an invalid port and a missing file are reported."""
    result = mstoken("emulator", *arguments)
    assert (result.code, result.out) == (2, "")
    assert "  next: mstoken emulator --help" in result.err


def test_a_command_without_the_dashes_is_shown_with_them(mstoken: Program) -> None:
    """The error shows the corrected command."""
    result = mstoken("emulator", "mstoken", "get", "graph")
    assert (result.code, result.out) == (2, "")
    assert "  next: To run your own command, put -- before it: mstoken emulator -- mstoken get graph" in result.err


def test_an_invalid_configuration_is_reported(mstoken: Program, tmp_path: Path) -> None:
    """The exit code is 2; around a command it is 125, which no command of ours uses."""
    (tmp_path / "broken.toml").write_text("tenants = 3")
    alone = mstoken("emulator", "--config", "broken.toml")
    around = mstoken("emulator", "--config", "broken.toml", "--", "true")
    assert (alone.code, around.code) == (2, 125)
    assert "configuration" in alone.err


def test_without_a_command_it_runs_until_interrupted(mstoken: Program) -> None:
    """Without a command it prints settings for a shell on standard error, serves, and exits with 0 after ^C."""
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


def test_missing_packages_are_reported_with_the_install_command(mstoken: Program, tmp_path: Path) -> None:
    """With and without a command."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['starlette'] = None\n")
    for arguments in ((), ("--", "true")):
        result = mstoken("emulator", *arguments, PYTHONPATH=str(tmp_path))
        assert (result.code, result.out) == (2, "")
        assert "(starlette is missing)" in result.err
        assert "  next: pip install 'mstoken[emulator]'" in result.err
    assert mstoken("emulator", "--help", PYTHONPATH=str(tmp_path)).code == 0
