"""Standard input, output and error as shells leave them: closed, full, disconnected, and in Windows encodings."""

from __future__ import annotations

import codecs
import json
import subprocess
from pathlib import Path

import pytest
from tests.support.program import MSTOKEN, Program

IDENTITY = ("--tenant", "t.example", "--client-id", "c")


@pytest.fixture
def mstoken(tmp_path: Path) -> Program:
    return Program(tmp_path)


def in_shell(program: Program, line: str) -> tuple[int, str, str]:
    """Run a line of bash; return exit code, standard output and standard error."""
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
def test_a_reader_that_stops_early_is_no_error(mstoken: Program, command: str) -> None:
    """`mstoken … | head` exits with 0 and prints nothing, also under `set -o pipefail`."""
    assert in_shell(mstoken, f"$MSTOKEN {command} | true") == (0, "", "")


@pytest.mark.parametrize("command", ["services", "services -o json", "explain 50076", "completion bash", "cache show"])
def test_closed_standard_output_is_reported(mstoken: Program, command: str) -> None:
    """The error is one line, with exit code 1."""
    code, _, said = in_shell(mstoken, f"$MSTOKEN {command} >&-")
    if command == "cache show":  # prints nothing on standard output for an empty cache
        assert (code, said) == (0, "mstoken: There are no matching tokens in the cache.\n")
    elif "json" in command:
        error = json.loads(said)
        assert (code, error["kind"], error["message"]) == (1, "os_error", "Standard output is closed")
    else:
        assert (code, said) == (1, "mstoken: error: Standard output is closed\n")


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("inspect", 2, "Standard input is empty."),
        ("explain", 2, "Standard input is empty."),
        (f"login {' '.join(IDENTITY)}", 2, "Standard input contains no refresh token."),
        (f"request POST https://example.com/x -d - {' '.join(IDENTITY)}", 2, "The identity is incomplete"),
    ],
)
def test_closed_standard_input_counts_as_empty(mstoken: Program, command: str, code: int, said: str) -> None:
    """The command reports what is missing, as for empty input."""
    ended = in_shell(mstoken, f"$MSTOKEN {command} <&-")
    assert ended[:2] == (code, ""), ended
    assert said in ended[2]


def test_closed_standard_error_does_not_matter(mstoken: Program) -> None:
    """A usage error keeps its exit code although no message can be shown."""
    assert in_shell(mstoken, "$MSTOKEN get no-such-service 2>&-") == (2, "", "")


@pytest.mark.parametrize(
    "write", [lambda text: text.encode("utf-8-sig"), lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le")]
)
def test_a_log_from_windows_is_read(mstoken: Program, write: object) -> None:
    """Text from PowerShell 5 and Notepad, with a byte order mark or in UTF-16, is explained like any other."""
    assert callable(write)
    result = mstoken("explain", stdin=write("AADSTS50076: MFA\r\n"))
    assert (result.code, result.out.splitlines()[0]) == (0, "AADSTS50076 UserStrongAuthClientAuthNRequired")
