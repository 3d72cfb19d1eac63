"""References lead to secrets, and errors never to what was found."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from mstoken import UsageError
from mstoken.config import secret_references
from mstoken.config.secret_references import exposure, is_reference, resolve

SECRET = "Qx8~not.a.real.secret~Qx8"


def python(code: str) -> str:
    return f"command:{shlex.quote(sys.executable)} -c {shlex.quote(code)}"


class Held(KeyringBackend):
    """A keyring as backends are written: one entry, one that is locked."""

    priority = 1.0

    def get_password(self, service: str, username: str) -> str | None:
        if username == "locked":
            raise KeyringLocked
        return SECRET if (service, username) == ("https://a/b", "me") else None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture
def held_keyring() -> Iterator[None]:
    """The keyring `Held` in place of the system's."""
    before = keyring.get_keyring()
    keyring.set_keyring(Held())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


def test_env_refers_to_a_variable() -> None:
    """The variable's value is the secret; one that is not set is named."""
    assert resolve("env:NAME", {"NAME": SECRET}) == SECRET
    with pytest.raises(UsageError, match="NAME, which is not set"):
        resolve("env:NAME", {})
    with pytest.raises(UsageError, match="not UTF-8"):
        resolve("env:NAME", {"NAME": "caf\udce9"})


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_file_refers_to_content_without_the_last_newline(tmp_path: Path, end: str) -> None:
    """One line end, as editors and echo leave it, is not part of the secret; other space is."""
    (tmp_path / "s").write_bytes(f" {SECRET} {end}".encode())
    assert resolve(f"file:{tmp_path}/s") == f" {SECRET} "
    assert resolve("file:s", folder=str(tmp_path)) == f" {SECRET} "
    assert resolve("file:~/s", {"HOME": str(tmp_path)}) == f" {SECRET} "


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_byte_order_mark_of_a_windows_file_is_no_part_of_the_secret(tmp_path: Path, encoding: str) -> None:
    """A byte order mark is not part of the secret: with it the service would only say that the secret is wrong."""
    (tmp_path / "s").write_bytes(f"{SECRET}\r\n".encode(encoding))
    assert resolve(f"file:{tmp_path}/s") == SECRET


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"a\nb\n", "several lines"),
        (b"\xff", "not text"),
        (b"x" * (secret_references.LARGEST + 1), "too large"),
    ],
)
def test_a_file_without_a_secret_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    """Empty, several lines, binary or huge: each is refused with its reason."""
    (tmp_path / "s").write_bytes(content)
    with pytest.raises(UsageError, match=why):
        resolve(f"file:{tmp_path}/s")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(UsageError, match=r"/nowhere cannot be read"):
        resolve(f"file:{tmp_path}/nowhere")


def test_command_refers_to_a_programs_output() -> None:
    """Standard output is the secret, without the line end; arguments may be quoted; there is no shell."""
    assert resolve(python(f"print('{SECRET}')")) == SECRET
    assert resolve("command:echo $HOME '|' b") == "$HOME | b"


def test_a_command_sees_the_environment_and_no_input() -> None:
    """A program gets the user's variables and an empty standard input, so that it cannot wait for a person."""
    code = "import os,sys; print(os.environ['X'] + repr(sys.stdin.read()))"
    assert resolve(python(code), {"X": "x", "PATH": "/usr/bin"}) == "x''"


def test_a_command_does_not_get_the_key_of_the_vault() -> None:
    """The key opens every stored sign-in, and a command is asked for one secret. All else it inherits."""
    environment = {"PATH": "/usr/bin", "MSTOKEN_VAULT_KEY": "the-key", "MSTOKEN_PROFILE": "work", "VAULT_TOKEN": "t"}
    code = "import os; print(sorted(name for name in os.environ if 'TOKEN' in name))"
    assert resolve(python(code), environment) == "['MSTOKEN_PROFILE', 'VAULT_TOKEN']"


def test_a_failing_command_is_reported_without_the_secret() -> None:
    """Of a failed command the first line of its standard error is told, and nothing of its standard output."""
    code = f"import sys; print('{SECRET[::-1]}'[::-1]); sys.exit('locked\\nmore')"
    with pytest.raises(UsageError, match="locked") as raised:
        resolve(python(code))
    assert SECRET not in str(raised.value)
    assert "\nmore" not in raised.value.message.replace("\\n", "")


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("command:no-such-program-anywhere", "cannot be run"),
        ("command:echo 'open", "cannot be read"),
        ("command:true", "empty"),
        ("command:false", "exit code 1"),
        (python("print('a\\nb')"), "several lines"),
        (python("import sys; sys.stdout.buffer.write(b'\\xff')"), "data that is not text"),
    ],
)
def test_a_command_that_prints_no_secret_is_refused(reference: str, why: str) -> None:
    """Not there, badly quoted, silent, failing, wordy or binary: each is refused with its reason."""
    with pytest.raises(UsageError, match=why):
        resolve(reference)


def test_a_command_that_hangs_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that waits is ended, and the error says where to look."""
    monkeypatch.setattr(secret_references, "COMMAND_TIMEOUT_IN", 0.1)
    with pytest.raises(UsageError, match="took more than"):
        resolve("command:sleep 60")


_WITH_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(str(child.pid))
child.wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")
def test_the_children_of_a_command_that_does_not_end_are_ended_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell's own programs, for example. Without a terminal the command has a process group of its own."""
    monkeypatch.setattr(secret_references, "COMMAND_TIMEOUT_IN", 2)
    monkeypatch.setattr(secret_references, "_has_terminal", lambda: False)
    note = tmp_path / "pid"
    with pytest.raises(UsageError, match="took more than"):
        resolve(f"{python(_WITH_CHILD)} {note}")
    assert gone(int(note.read_text()))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")
def test_a_command_at_a_terminal_stays_in_the_foreground(tmp_path: Path) -> None:
    """It can read a passphrase from the terminal, which would stop a process in the background."""
    import pty

    code = (
        "from mstoken.config.secret_references import resolve\n"
        "print('resolved', resolve('command:' + sys.argv[1]) == 'the passphrase')\n"
    )
    reader = tmp_path / "pinentry"
    reader.write_text('#!/bin/sh\nread -r line < /dev/tty\nprintf %s "$line"\n')
    reader.chmod(0o700)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", "import sys\n" + code, str(reader)])  # noqa: S606 - this Python
    os.write(terminal, b"the passphrase\n")
    seen = b""
    with contextlib.suppress(OSError):  # a terminal whose programs have ended
        while chunk := os.read(terminal, 1000):
            seen += chunk
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, seen
    assert b"resolved True" in seen


def gone(pid: int) -> bool:
    """Whether the process has ended; a zombie that nobody has waited for has."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_keyring_refers_to_the_systems_keyring(held_keyring: None) -> None:
    """SERVICE/USER is looked up in the keyring, split at the last slash; one that has nothing is told."""
    assert resolve("keyring:https://a/b/me") == SECRET
    with pytest.raises(UsageError, match="no secret for mstoken/you") as raised:
        resolve("keyring:mstoken/you")
    assert raised.value.remedy == "Store it: keyring set mstoken you"
    with pytest.raises(UsageError, match="does not name a service and a user"):
        resolve("keyring:alone")
    with pytest.raises(UsageError, match=r"failed with keyring\.errors\.KeyringLocked"):
        resolve("keyring:mstoken/locked")


def test_keyring_without_the_package_is_an_error() -> None:
    """Without the package the error says how to install it."""
    code = (
        "import sys; sys.modules['keyring'] = None\n"
        "from mstoken.config.secret_references import resolve\n"
        "try: resolve('keyring:a/b')\n"
        "except Exception as e: print(e.remedy)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "pip install 'mstoken[keyring]'"


@pytest.mark.parametrize("text", ["", "env:", "env: ", SECRET, "evn:X", ":x", "https://x"])
def test_an_invalid_reference_is_refused(text: str) -> None:
    """Only the four kinds with something behind the colon are references; a secret itself is never quoted back."""
    assert not is_reference(text)
    with pytest.raises(UsageError) as raised:
        resolve(text, {})
    assert SECRET not in str(raised.value)


def test_a_world_readable_secret_is_reported(tmp_path: Path) -> None:
    """A file open to all of the machine's users is used, with the command to close it; a closed one says nothing."""
    path = tmp_path / "s"
    path.write_text(SECRET)
    path.chmod(0o600)
    assert exposure(f"file:{path}") == ""
    path.chmod(0o644)
    said = exposure(f"file:{path}")
    assert (f"chmod 600 {path}" in said) == (os.geteuid() != 0)
    assert exposure("env:X") == exposure("file:/nowhere") == ""
