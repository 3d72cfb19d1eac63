"""Read one cached access token or note, in a format that can be read without a library.

    mstoken-token 1 clear 1767225600        version, clear or sealed, expiry: enough to clean up by
    expires_on 1767225600
    refresh_on 1767223800                   optional, like every line except expires_on and token
    token_type Bearer
    scope https://graph.microsoft.com/.default
    token eyJ0…
    end                                     a file without this line was cut off

    mstoken-note 1 clear 1767225600
    expires_on 1767225600
    written_on 1767225000
    text throttled                          the last line of a note; its text may have several lines
    end

Unknown lines are skipped, so that later versions can add some. A sealed file is the same text, encrypted, below the
first line. Anything else is not a token and not a note: reading never fails, it misses.

The store and the command line's fast path share this module. It imports only `os`.
"""

from __future__ import annotations

import os

from mstoken.stores.user_folders import is_own, is_private

TokenFields = tuple[str, int, str, int | None, str, int | None]
"""A token's fields in the order of `model.Token`: token, expires_on, token_type, refresh_on, scope, got_on."""

NoteFields = tuple[str, int, int]
"""A note's fields in the order of `model.Note`: text, written_on, expires_on."""

TOKEN, NOTE = "token", "note"
"""The two kinds of file; each is also the file's extension."""
CLEAR, ENCRYPTED = b"mstoken-token 1 clear ", b"mstoken-token 1 sealed "
CLEAR_NOTE, ENCRYPTED_NOTE = b"mstoken-note 1 clear ", b"mstoken-note 1 sealed "
END = b"\nend\n"
MAX_BYTES = 65_536
"""Bytes of a file at most. Entra keeps tokens below about 16 KB: past 200 groups it sends a link instead of a list
(learn.microsoft.com/entra/identity-platform/access-token-claims-reference, groups overage)."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_token(folder: str, key: str) -> TokenFields | None:
    """Return the clear token under `key` (a digest) in `folder`; None if it is absent, sealed, damaged or not ours."""
    return parse(read_file(folder, key)) if is_private(folder) else None


def read_note(folder: str, key: str) -> NoteFields | None:
    """Return the clear note under `key` (a digest) in `folder`; None if it is absent, sealed, damaged or not ours."""
    content = read_file(folder, key, kind=NOTE) if is_private(folder) else b""
    return parse_note_body(content[content.find(b"\n") + 1 :]) if content.startswith(CLEAR_NOTE) else None


def path_of(folder: str, key: str, kind: str = TOKEN) -> str:
    """Return the path of the token or note; the key is a digest and so safe as a file name."""
    return f"{folder}/{key}.{kind}"


def read_file(folder: str, key: str, max_bytes: int = MAX_BYTES, kind: str = TOKEN) -> bytes:
    """Return the first bytes of the file, b"" if there is none. Never a link, a pipe or another user's file."""
    try:
        file = os.open(path_of(folder, key, kind), _FLAGS)
    except OSError:
        return b""
    try:
        # The folder may have been swapped for another user's: check the file that was opened.
        return os.read(file, max_bytes) if is_own(os.fstat(file)) else b""
    except OSError:
        return b""
    finally:
        os.close(file)


def parse(content: bytes) -> TokenFields | None:
    """Return the token in the content of a clear file, or None."""
    return parse_body(content[content.find(b"\n") + 1 :]) if content.startswith(CLEAR) else None


def parse_body(body: bytes) -> TokenFields | None:
    """Return the token in the lines below the first, or None."""
    if not body.endswith(END):
        return None
    try:
        lines = dict(line.split(" ", 1) for line in body[: -len(END)].decode().split("\n"))
        token, due = lines["token"], lines.get("refresh_on")
        expires_on, refresh_on = int(lines["expires_on"]), int(due) if due else None
    except (KeyError, ValueError):  # bytes that are not UTF-8 raise a ValueError too
        return None
    kind = lines.get("token_type", "Bearer")
    if not (token and token.isascii() and token.isprintable() and kind.isascii() and kind.isprintable()):
        return None
    got_text = lines.get("got_on", "")
    got_on = int(got_text) if got_text.isascii() and got_text.isdecimal() and len(got_text) < 20 else None
    return token, expires_on, kind, refresh_on, lines.get("scope", ""), got_on


def parse_note_body(body: bytes) -> NoteFields | None:
    """Return the note in the lines below the first, or None."""
    if not body.endswith(END):
        return None
    try:
        head, found, text = body[: -len(END)].decode().partition("\ntext ")
        lines = dict(line.split(" ", 1) for line in head.split("\n"))
        return (text, int(lines["written_on"]), int(lines["expires_on"])) if found else None
    except (KeyError, ValueError):
        return None
