"""A secret in a profile is a reference: where the secret is, never the secret.

    env:NAME               an environment variable
    file:PATH              a file; one line end at its end is not part of the secret
    keyring:SERVICE/USER   the operating system's keyring
    command:CMD ARGS       what a program prints, run without a shell

Errors name the reference and never repeat what was found there.
"""

from __future__ import annotations

import os
import stat
import sys

from mstoken.errors import UsageError
from mstoken.foreign import ForeignCode, class_name_of
from mstoken.hidden import ENVIRON, HiddenBytes, HiddenDict, HiddenText
from mstoken.redaction import LONGEST_SHOWN, mistake_in, shown
from mstoken.texts import decode_text, is_encodable
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from subprocess import CompletedProcess

KINDS = ("env", "file", "keyring", "command")
FORMS = "env:NAME, file:PATH, keyring:SERVICE/USER or command:CMD ARGS"

LARGEST = 65_536
"""Maximum size of a secret in bytes. Refresh tokens have 1 to 4 thousand, so a larger file is not a secret."""

VAULT_KEY = "MSTOKEN_VAULT_KEY"
"""The variable that a command does not inherit: it decrypts every stored sign-in, and a command needs one secret."""

COMMAND_TIMEOUT_IN = 30
"""Timeout of a command in seconds: enough for a password manager, not for an absent person."""


def is_reference(text: str) -> bool:
    """Return whether `text` looks like a reference. Check this before quoting it: a secret must not be shown."""
    kind, colon, rest = text.partition(":")
    return bool(colon and rest.strip()) and kind in KINDS


def resolve(reference: str, environ: Mapping[str, str] = ENVIRON, folder: str = "") -> str:
    """Return the secret that `reference` points to. A relative path is relative to `folder`, `~` is the user's home.

    Raises UsageError if there is nothing, or nothing usable, at that place.
    """
    kind, _, rest = reference.partition(":")
    rest = rest.strip()
    names_place = kind != "command" or rest.startswith("-----BEGIN")  # a command line may be long and contain anything
    mistake = mistake_in(rest)
    if names_place and (mistake or len(rest) > LONGEST_SHOWN or not rest.isprintable()):
        raise UsageError(
            f"Behind {kind}: is {mistake or f'text of {len(rest)} characters'}, which is not the location of a secret.",
            f"Store the secret in one of these places, and write its reference here: {FORMS}.",
        )
    match kind:
        case "env":
            secret = HiddenText(_variable(rest, environ))
        case "file":
            secret = HiddenText(_file(_path(rest, environ, folder)))
        case "keyring":
            secret = HiddenText(_keyring(rest))
        case "command":
            secret = HiddenText(_command(rest, environ))
        case _:
            raise UsageError("The profile contains a secret in place of a reference to one.", f"Write {FORMS}.")
    if not secret:
        raise UsageError(f"{reference} leads to an empty secret.", "Put the secret there.")
    if not is_encodable(secret):
        raise UsageError(f"{reference} leads to something that is not UTF-8 text.", "Store the secret again, as UTF-8.")
    if "\n" in secret or "\r" in secret or "\0" in secret:
        raise UsageError(
            f"{reference} leads to several lines; a secret has one.", "Remove everything except the secret."
        )
    return secret


def exposure(reference: str, environ: Mapping[str, str] = ENVIRON, folder: str = "") -> str:
    """Return a warning about a secret's file that everybody can read; '' if there is none.

    A file owned by root is considered intentional: containers mount secrets that way.
    """
    kind, _, rest = reference.partition(":")
    if kind != "file" or sys.platform == "win32":
        return ""
    path = _path(rest.strip(), environ, folder)
    try:
        status = path.stat()
    except OSError:
        return ""
    if status.st_uid == os.getuid() and status.st_uid != 0 and status.st_mode & stat.S_IROTH:
        from mstoken.shells import quoted

        return f"Every user of this machine can read {path}. Close it: chmod 600 {quoted(str(path))}"
    return ""


def _variable(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise UsageError(
            f"The profile takes a secret from the variable {shown(name)}, which is not set.", f"Set {shown(name)}."
        )
    return environ[name]


def _path(text: str, environ: Mapping[str, str], folder: str) -> Path:
    from pathlib import Path

    if text.startswith("~/") and environ.get("HOME"):
        return Path(environ["HOME"], text[2:])
    return Path(folder) / Path(text).expanduser()


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = HiddenBytes(file.read(LARGEST + 1))
        if len(content) > LARGEST:
            raise UsageError(f"{path} is too large for a secret.", "Name a file that contains only the secret.")
        text = HiddenText(decode_text(content))
    except OSError as error:
        raise UsageError(f"The secret's file {path} cannot be read: {error.strerror}.", "Correct the path.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text.", "Store the secret there as plain text in UTF-8.") from None
    return text.removesuffix("\n").removesuffix("\r")


def _keyring(rest: str) -> str:
    service, slash, user = rest.rpartition("/")
    if not (slash and service and user):
        raise UsageError(f"keyring:{rest} does not name a service and a user.", "Write keyring:SERVICE/USER.")
    with ForeignCode(
        f"The request to the keyring for {service}/{user}",
        "Unlock the keyring, or store the secret elsewhere: env:, file: or command:.",
    ):
        try:
            import keyring
        except ImportError:
            raise UsageError(
                f"keyring:{rest} needs the package keyring, which is not installed.", "pip install 'mstoken[keyring]'"
            ) from None
        secret: object = keyring.get_password(service, user)
    if not (secret is None or isinstance(secret, str)):
        raise UsageError(
            f"The keyring returned {type(secret).__name__} for {service}/{user}, which is not text.",
            "Check the keyring's backend: keyring --list-backends",
        )
    if secret is None:
        from mstoken.shells import joined

        raise UsageError(
            f"The keyring has no secret for {service}/{user}.",
            f"Store it: {joined(('keyring', 'set', service, user))}",
        )
    return secret


def _run(arguments: str | list[str], environ: Mapping[str, str]) -> CompletedProcess[bytes]:
    """Run a command without input and return its output. At its timeout it is killed, and so are its children.

    For that it gets a process group of its own, but not at a terminal: there it would be in the background and could
    not ask for a passphrase (POSIX.1-2017 section 11.1.4: reading stops it), and this library does not move the
    terminal of its host to another group. At a terminal, and on Windows, only the command itself is killed.
    """
    import signal
    import subprocess

    alone = hasattr(os, "killpg") and not _has_terminal()
    process = subprocess.Popen(  # # noqa: S603 - the user's own configuration names the program; no shell
        arguments,
        env=environ,
        process_group=0 if alone else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            printed, complaint = process.communicate(timeout=COMMAND_TIMEOUT_IN)
        except BaseException:  # the timeout, or Ctrl-C
            if alone:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            raise
    return subprocess.CompletedProcess(arguments, process.returncode, HiddenBytes(printed), complaint)


def _has_terminal() -> bool:
    """Return whether this process has a controlling terminal, whatever its standard streams are."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _command(line: str, environ: Mapping[str, str]) -> str:
    import shlex
    import subprocess

    try:
        # On Windows a program splits its own command line, and backslashes belong to paths.
        arguments: str | list[str] = line if sys.platform == "win32" else shlex.split(line)
    except ValueError as error:
        raise UsageError(f"command:{line} cannot be read: {error}.", "Close its quotes.") from None
    with ForeignCode(f"The start of the command for the secret ({line})", "Correct it in the profile."):
        try:
            done = _run(arguments, HiddenDict({name: text for name, text in environ.items() if name != VAULT_KEY}))
        except subprocess.TimeoutExpired:
            raise UsageError(
                f"The command for the secret took more than {COMMAND_TIMEOUT_IN} seconds: {line}",
                "Run it in a terminal to see what it waits for.",
            ) from None
        except OSError as error:
            raise UsageError(
                f"The command for the secret cannot be run: {line} ({error.strerror or class_name_of(error)}).",
                "Correct it in the profile.",
            ) from error
    printed, complaint, code = HiddenBytes(done.stdout), done.stderr, done.returncode
    del done
    if code:
        lines = complaint.decode(errors="replace").strip().splitlines()
        reason = lines[0][:200] if lines else f"exit code {code}"
        raise UsageError(f"The command for the secret failed: {line}: {reason}", "Run it in a terminal and correct it.")
    if len(printed) > LARGEST:
        raise UsageError(f"The command printed more than a secret: {line}", "Let it print only the secret.")
    try:
        return decode_text(printed).removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UsageError(
            f"The command printed data that is not text: {line}", "Let it print the secret as UTF-8."
        ) from None
