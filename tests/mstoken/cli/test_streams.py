"""Standard input, output and error as shells leave them: closed, full, gone, and written by Windows' programs."""

from __future__ import annotations

import codecs
import subprocess
from pathlib import Path

import pytest
from tests.support.program import MSTOKEN, Program

IDENTITY = ("--tenant", "t.example", "--client-id", "c")


@pytest.fixture
def mstoken(tmp_path: Path) -> Program:
    return Program(tmp_path)


def in_shell(program: Program, line: str) -> tuple[int, str, str]:
    """Run a line of bash; the exit code, standard output and standard error."""
    done = subprocess.run(
        ["bash", "--norc", "-o", "pipefail", "-c", line],
        env=program.environment | {"MSTOKEN": str(MSTOKEN)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=program.folder,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", ["services", "explain --list", "--help", "completion bash"])
def test_a_reader_who_has_enough_is_no_error(mstoken: Program, command: str) -> None:
    """`mstoken … | head` ends with 0 and in silence, also under `set -o pipefail`."""
    assert in_shell(mstoken, f"$MSTOKEN {command} | true") == (0, "", "")


@pytest.mark.parametrize("command", ["services", "services -o json", "explain 50076", "completion bash", "cache show"])
def test_a_closed_output_is_told_and_no_bug(mstoken: Program, command: str) -> None:
    """With standard output closed by the caller, a result has nowhere to go: one line and exit code 1."""
    code, _, said = in_shell(mstoken, f"$MSTOKEN {command} >&-")
    if command == "cache show":  # says nothing on standard output when nothing is kept
        assert (code, said) == (0, "mstoken: There are no matching tokens in the cache.\n")
    else:
        assert (code, said) == (1, "mstoken: error: Standard output is closed\n")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("inspect", 2, "Standard input is empty."),
        ("explain", 2, "The text contains no known code, error name or message"),
        (f"login {' '.join(IDENTITY)}", 2, "Standard input contains no refresh token."),
        (f"request POST https://example.com/x -d - {' '.join(IDENTITY)}", 2, "There is no complete identity"),
    ],
)
def test_a_closed_input_is_an_empty_one(mstoken: Program, command: str, code: int, said: str) -> None:
    """With standard input closed a command says what it misses, as it does for an empty one."""
    ended = in_shell(mstoken, f"$MSTOKEN {command} <&-")
    assert ended[:2] == (code, ""), ended
    assert said in ended[2]


def test_a_closed_error_stream_is_nothing_to_fail_at(mstoken: Program) -> None:
    """A mistake keeps its exit code where nobody can be told of it."""
    assert in_shell(mstoken, "$MSTOKEN get no-such-service 2>&-") == (2, "", "")


@pytest.mark.parametrize(
    "write", [lambda text: text.encode("utf-8-sig"), lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le")]
)
def test_a_log_of_windows_programs_is_read(mstoken: Program, write: object) -> None:
    """What PowerShell 5 and the editor write, with a mark before it or as UTF-16, is explained like any other text."""
    assert callable(write)
    result = mstoken("explain", stdin=write("AADSTS50076: MFA\r\n"))
    assert (result.code, result.out.splitlines()[0]) == (0, "AADSTS50076 UserStrongAuthClientAuthNRequired")
