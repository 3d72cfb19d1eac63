"""Read one kept access token, in a format that needs no library to read.

    mstoken-token 1 clear 1767225600        version, clear or sealed, expiry: enough to sweep by
    expires_on 1767225600
    refresh_on 1767223800                   may be absent, as every line but expires_on and token
    token_type Bearer
    scope https://graph.microsoft.com/.default
    token eyJ0…
    end                                     what has no end was cut off

Names nobody knows are skipped, so that later versions can add some. A sealed file is the same text, encrypted, below
the first line. Whatever is not exactly this is no token: reading never fails, it misses.

Written once for the store and for the command line's quick path: imports nothing but `os`.
"""

from __future__ import annotations

import os

from mstoken.stores.user_folders import is_own, is_private

TokenFields = tuple[str, int, str, int | None, str, int | None]
"""A token's fields in the order of `model.Token`: token, expires_on, token_type, refresh_on, scope, got_on."""

CLEAR, ENCRYPTED = b"mstoken-token 1 clear ", b"mstoken-token 1 sealed "
END = b"\nend\n"
MAX_BYTES = 65_536
"""Bytes of a file at most. Entra keeps tokens below about 16 KB: past 200 groups it sends a link instead of a list
(learn.microsoft.com/entra/identity-platform/access-token-claims-reference, groups overage)."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_token(folder: str, key: str) -> TokenFields | None:
    """The token kept clear under `key` (a digest) in `folder`; None when it is absent, sealed, broken or not ours."""
    return parse(read_file(folder, key)) if is_private(folder) else None


def path_of(folder: str, key: str) -> str:
    """Where the token of `key` is; the key is a digest and so safe as a name."""
    return f"{folder}/{key}.token"


def read_file(folder: str, key: str, max_bytes: int = MAX_BYTES) -> bytes:
    """The first bytes of the token's file, or none. Follows no link, waits for no pipe, reads no other user's."""
    try:
        file = os.open(path_of(folder, key), _FLAGS)
    except OSError:
        return b""
    try:
        # The folder may have been another's, put in place of ours for a moment: what was opened decides.
        return os.read(file, max_bytes) if is_own(os.fstat(file)) else b""
    except OSError:
        return b""
    finally:
        os.close(file)


def parse(content: bytes) -> TokenFields | None:
    """The token in the content of a clear file, or None."""
    return parse_body(content[content.find(b"\n") + 1 :]) if content.startswith(CLEAR) else None


def parse_body(body: bytes) -> TokenFields | None:
    """The token in the lines below the first, or None."""
    if not body.endswith(END):
        return None
    try:
        lines = dict(line.split(" ", 1) for line in body[: -len(END)].decode().split("\n"))
        token, due = lines["token"], lines.get("refresh_on")
        expires_on, refresh_on = int(lines["expires_on"]), int(due) if due else None
    except (KeyError, ValueError):  # bytes that are no text are a ValueError too
        return None
    kind = lines.get("token_type", "Bearer")
    if not (token and token.isascii() and token.isprintable() and kind.isascii() and kind.isprintable()):
        return None
    got = lines.get("got_on", "")
    got_on = int(got) if got.isascii() and got.isdecimal() and len(got) < 20 else None
    return token, expires_on, kind, refresh_on, lines.get("scope", ""), got_on
