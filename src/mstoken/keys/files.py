"""Files that hold keys and certificates."""

from __future__ import annotations

import os

from mstoken.errors import UsageError
from mstoken.hidden import HiddenBytes
from mstoken.redaction import LONGEST_SHOWN, mistake_in
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CERTIFICATE_PATH = "The path of the certificate (AZURE_CLIENT_CERTIFICATE_PATH)"
LARGEST = 1_000_000
"""Maximum file size in bytes; a key with a long chain has a few thousand."""


def check_path(path: str, name: str) -> None:
    """Raise UsageError if a secret, or its content, is given in place of a path. `name` names the setting."""
    mistake = mistake_in(path)
    if mistake or len(path) > LONGEST_SHOWN or not path.isprintable():
        raise UsageError(
            f"{name} is {mistake or f'text of {len(path)} characters'}, and not a path.",
            "Save it to a file that only its owner can read (mode 0600), and give the path of that file.",
        )


def read_bytes(path: str) -> bytes:
    """Return the file's content. Raises UsageError if it cannot be read or is too large for a key file."""
    check_path(path, CERTIFICATE_PATH)
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs more than the read
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise _unreadable(path, error) from None
    if not content or len(content) > LARGEST:
        raise UsageError(
            f"{path} is {'too large' if content else 'empty'}; a certificate with its key is a few thousand bytes.",
            "Name the PEM or PFX file that contains both.",
        )
    return HiddenBytes(content)


def state(paths: Sequence[str]) -> tuple[tuple[int, int, int], ...]:
    """Return a value that changes when one of the files does. Raises UsageError."""
    for path in paths:
        check_path(path, CERTIFICATE_PATH)
    try:
        statuses = [os.stat(path) for path in paths]  # # noqa: PTH116 - pathlib costs more than the call
    except OSError as error:
        raise _unreadable(str(error.filename), error) from None
    return tuple((status.st_mtime_ns, status.st_size, status.st_ino) for status in statuses)


def _unreadable(path: str, error: OSError) -> UsageError:
    return UsageError(
        f"The certificate's file {path} cannot be read: {error.strerror}.",
        "Correct the path (AZURE_CLIENT_CERTIFICATE_PATH) or the file's mode.",
    )
