"""The program as a whole: its commands, help, exit codes and end."""

from __future__ import annotations

import importlib
import inspect
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from tests.support.program import MSTOKEN, Program
from tests.support.token_service import Reply, TokenService, token_reply

from mstoken import errors
from mstoken.cli import app, error_handling
from mstoken.cli.exit_codes import MEANING, exit_code_of

SECRET = "1.AAAA-not-a-real-token"


@pytest.fixture
def mstoken(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_the_version(mstoken: Program) -> None:
    """--version prints the package's version on standard output."""
    result = mstoken("--version")
    assert (result.code, result.out, result.err) == (0, f"mstoken {version('mstoken')}\n", "")


def test_the_help_shows_every_command_once(mstoken: Program) -> None:
    """Each command is in one section of the help, with a description."""
    result = mstoken("--help")
    assert (result.code, result.err) == (0, "")
    assert sorted(name for names in app.SECTIONS.values() for name in names) == sorted(app.COMMANDS)
    lines = [line.split() for line in result.out.splitlines()]
    for name in app.COMMANDS:
        assert [len(words) > 2 for words in lines if words[:1] == [name] and words[:2] != ["mstoken", "get"]] == [True]


@pytest.mark.parametrize("name", app.COMMANDS)
def test_a_command_is_where_the_table_says(name: str) -> None:
    """The module exists, holds a click command of that name, and does not import another command's module."""
    module, _, attribute = app.COMMANDS[name].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.short_help


def test_no_arguments_show_the_help_as_an_error(mstoken: Program) -> None:
    """The help goes to standard error, with exit code 2."""
    result = mstoken()
    assert (result.code, result.out) == (2, "")
    assert "Usage: mstoken" in result.err


@pytest.mark.parametrize("group", ["cache", "config"])
def test_a_group_without_a_command_shows_its_help(mstoken: Program, group: str) -> None:
    """The help has its lines, on standard error. After an option, one line says that the command is missing."""
    for before in ((), ("--debug",)):
        result = mstoken(*before, group)
        assert (result.code, result.out) == (2, "")
        assert f"Usage: mstoken {group}" in result.err
        assert "\nCommands:\n" in result.err
        assert "mstoken: error" not in result.err
    result = mstoken(group, "--debug")
    assert (result.code, result.err) == (2, f"mstoken: error: Missing command.\n  next: mstoken {group} --help\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keepalive", "--older-than", "soon"), "'soon' is not a valid whole number of days"),
        (("get", "graph", "--timeout", "0.5"), "'0.5' is not a valid whole number of seconds"),
        (("emulator", "--port", "https"), "'https' is not a valid whole number."),
        (("emulator", "env", "--port", "x"), "'x' is not a valid whole number."),
        (("gett",), "Did you mean get?"),
        (("loggin",), "Did you mean login?"),
        (("frobnicate",), "There is no command 'frobnicate'."),
        (("--frobnicate",), "No such option"),
        (("get", "--tenat", "x"), "No such option"),
        (("get", "graph", "--min-ttl", "x"), "--min-ttl"),
        (("completion",), "Choose from: bash, zsh, fish"),
        (("services", "--output"), "--output"),
        (("accounts", "extra"), "There is one unexpected argument."),
        (("request", "GET", "https://a.example/", "extra", "extra"), "There are 2 unexpected arguments."),
    ],
)
def test_a_mistake_in_the_command_line_is_one_line_with_a_pointer_to_the_help(
    mstoken: Program, arguments: tuple[str, ...], said: str
) -> None:
    """On standard error, with exit code 2, and without a traceback or a usage block."""
    result = mstoken(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("mstoken: error: ")
    assert said in result.err
    assert "--help" in result.err.splitlines()[-1]
    assert len(result.err.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("get", "graph", "--tenant", ""), "--tenant"),
        (("get", "graph", "--tenant="), "--tenant"),
        (("get", "--scope", ""), "--scope"),
        (("doctor", "--profile", ""), "--profile"),
        (("cache", "clear", "--tenant", ""), "--tenant"),
        (("login", "--client-secret-ref", ""), "--client-secret-ref"),
        (("services", "--cloud", ""), "--cloud"),
    ],
)
def test_an_empty_option_is_a_mistake(mstoken: Program, arguments: tuple[str, ...], option: str) -> None:
    """`--tenant "$CUSTOMER"` with the variable unset requests no token of another tenant, and clears no whole cache."""
    result = mstoken(*arguments)
    assert (result.code, result.out) == (2, "")
    assert f"{option} is empty" in result.err


@pytest.mark.parametrize(
    ("arguments", "next_step"),
    [
        (("login", SECRET), "Pipe it in: cat file | mstoken login …"),
        (("login", "--refresh-token", SECRET), "cat file | mstoken login"),
        (("login", f"--client-secret={SECRET}"), "AZURE_CLIENT_SECRET"),
        (("get", "graph", "--secret", SECRET), "AZURE_CLIENT_SECRET"),
        (("get", "graph", "--password", SECRET), "AZURE_CLIENT_SECRET"),
        (("request", "GET", "https://graph.microsoft.com/v1.0/me", SECRET), "mstoken request --help"),
        (("request", "GET", "https://graph.microsoft.com/v1.0/me", f"--token={SECRET}"), "AZURE_CLIENT_SECRET"),
        (("logout", "work", SECRET), "mstoken logout --help"),
        (("cache", "show", SECRET), "mstoken cache show --help"),
    ],
)
def test_a_secret_on_the_command_line_is_not_repeated(
    mstoken: Program, arguments: tuple[str, ...], next_step: str
) -> None:
    """No option takes a secret; the error says where it belongs."""
    result = mstoken(*arguments)
    assert (result.code, result.out) == (2, "")
    assert SECRET not in result.err
    assert next_step in result.err


def test_python_dash_m_is_the_same_program(mstoken: Program) -> None:
    """`python -m mstoken` works if the script is not on the path."""
    done = subprocess.run(
        [sys.executable, "-m", "mstoken", "explain", "AADSTS50076"],
        env=mstoken.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == mstoken("explain", "AADSTS50076").out


EXPECTED = {
    "MstokenError": 1,
    "UsageError": 2,
    "NotConfigured": 2,
    "TokenRefused": 4,
    "SignInRequired": 3,
    "CredentialRejected": 4,
    "ConsentRequired": 4,
    "AccessBlocked": 4,
    "Misconfigured": 4,
    "AuthorizationPending": 3,
    "TryLater": 5,
    "Throttled": 5,
    "ServiceUnavailable": 5,
    "TransportError": 5,
    "UnreadableAnswer": 5,
    "UntrustedCertificate": 4,
    "ApiRefused": 4,
    "UntrustedOrigin": 4,
    "StoreError": 1,
}


def test_every_error_has_its_exit_code() -> None:
    """Every class of the tree has an exit code from the table."""
    classes = {
        name: kind
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.MstokenError) and kind.__module__ == errors.__name__
    }
    assert {name: exit_code_of(kind("x")) for name, kind in classes.items()} == EXPECTED
    assert set(EXPECTED.values()) <= MEANING.keys()


def test_an_unexpected_exception_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the exception's class and location, not its text, which may quote a secret; exit code 1."""

    def broken() -> int:
        raise RuntimeError("s3cret")

    for debugging in ("", "1"):
        monkeypatch.setenv("MSTOKEN_DEBUG", debugging)
        assert error_handling.run(broken) == 1
        said = capsys.readouterr().err
        assert "This is a bug in mstoken: RuntimeError in test_entry.py:" in said
        assert "s3cret" not in said.replace('raise RuntimeError("s3cret")', "")
        assert ('File "' in said) == bool(debugging)


def test_a_servers_text_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in a message are replaced, except line ends."""

    def refused() -> int:
        raise errors.Misconfigured("a\x1b[2Jb\rc", "one\ntwo\x07")

    assert error_handling.run(refused) == 4
    assert capsys.readouterr().err == "mstoken: error: a\ufffd[2Jb\ufffdc\n  next: one\n  next: two\ufffd\n"


def test_an_interrupt_ends_the_program_at_once(mstoken: Program, token_service: TokenService) -> None:
    """^C does not wait for a slow service; a shell sees 130."""
    token_service.script = [Reply(200, token_reply().body, delay=20)]
    process = subprocess.Popen(
        [MSTOKEN, "get", "graph", "--tenant", "t", "--client-id", "c", "--authority", token_service.url],
        env=mstoken.environment | {"AZURE_CLIENT_SECRET": "s"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not token_service.requests:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=15)
    assert (process.returncode, out, said) == (-signal.SIGINT, b"", b"")


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(429, {"error": "temporarily_unavailable"}, {"Retry-After": "100"}), 5),
        (Reply(200, "<html>proxy</html>"), 5),
        (Reply(401, {"error": "invalid_client", "error_description": "AADSTS7000215: x"}), 4),
        (Reply(400, {"error": "invalid_grant", "error_description": "AADSTS50076: x"}), 3),
        (Reply(400, {"error": "invalid_grant", "error_description": "AADSTS65001: x"}), 4),
    ],
)
def test_the_kind_of_refusal_decides_the_exit_code(
    mstoken: Program, token_service: TokenService, reply: Reply, code: int
) -> None:
    """Throttled and unreadable are 5, a wrong secret and missing consent 4, MFA 3; nothing on standard output."""
    token_service.script = [reply]
    result = mstoken(
        "get",
        "graph",
        *("--tenant", "t", "--client-id", "c", "--authority", token_service.url),
        MSTOKEN_REFRESH_TOKEN="0.AX-wr0ng",
        AZURE_CLIENT_SECRET="wr0ng~s",
    )
    assert (result.code, result.out) == (code, ""), result.err
    assert result.err.startswith("mstoken: error: ")
    assert "wr0ng" not in result.err
