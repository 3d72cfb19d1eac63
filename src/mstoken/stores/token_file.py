"""Encode and decode the file of a token or a note: clear in memory, encrypted on a disk.

`token_file_reader` documents the format.
"""

from __future__ import annotations

from mstoken.flows.store_port import NO_INFO, CachedTokenInfo
from mstoken.model import Note, Token, TokenInfo
from mstoken.stores.token_file_reader import (
    CLEAR,
    CLEAR_NOTE,
    ENCRYPTED,
    ENCRYPTED_NOTE,
    END,
    MAX_BYTES,
    NOTE,
    TOKEN,
    parse_body,
    parse_note_body,
)
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.stores.cipher import Cipher


_INFO = {name: name for name in ("authority", "tenant", "client_id", "account")} | {"scope": "asked"}
"""The line of each field of a token's metadata. The line `scope` is the granted scope."""

_HEADS = {TOKEN: (CLEAR, ENCRYPTED), NOTE: (CLEAR_NOTE, ENCRYPTED_NOTE)}


def encode(key: str, token: Token, cipher: Cipher | None, info: TokenInfo = NO_INFO) -> bytes:
    """Return the file's content, encrypted if there is a cipher. Raises ValueError for a token unfit for a header."""
    lines = [f"expires_on {token.expires_on}", f"token_type {token.token_type}", f"token {token.token}"]
    if token.refresh_on is not None:
        lines.append(f"refresh_on {token.refresh_on}")
    if token.got_on is not None:
        lines.append(f"got_on {token.got_on}")
    optional = {"scope": token.scope} | {line: getattr(info, name) for name, line in _INFO.items()}
    lines += [f"{line} {' '.join(value.split())}" for line, value in optional.items() if value.split()]
    body = "\n".join(lines).encode() + END
    decoded = parse_body(body)
    if decoded is None or decoded[:3] != (token.token, token.expires_on, token.token_type):
        raise ValueError("The token has characters that are not allowed in a token.")
    return _with_head(TOKEN, key, token.expires_on, body, cipher)


def encode_note(key: str, note: Note, cipher: Cipher | None) -> bytes:
    """Return the file's content, encrypted if there is a cipher. Raises ValueError for text that is not Unicode."""
    body = f"expires_on {note.expires_on}\nwritten_on {note.written_on}\ntext {note.text}".encode() + END
    return _with_head(NOTE, key, note.expires_on, body, cipher)


def _with_head(kind: str, key: str, expires_on: int, body: bytes, cipher: Cipher | None) -> bytes:
    clear, encrypted = _HEADS[kind]
    head = (clear if cipher is None else encrypted) + b"%d\n" % expires_on
    content = head + (body if cipher is None else cipher.encrypt(body, _purpose(kind, key, head)))
    if len(content) > MAX_BYTES:
        raise ValueError(f"The {kind} is longer than {MAX_BYTES} bytes.")
    return content


def decode(key: str, content: bytes, cipher: Callable[[], Cipher]) -> Token | None:
    """Return the token in a file's content, or None. Raises what `cipher` raises: it is called for encrypted files."""
    body = _body(TOKEN, key, content, cipher)
    fields = parse_body(body) if body is not None else None
    return Token(*fields) if fields is not None else None


def decode_note(key: str, content: bytes, cipher: Callable[[], Cipher]) -> Note | None:
    """Return the note in a file's content, or None. Raises what `cipher` raises: it is called for encrypted files."""
    body = _body(NOTE, key, content, cipher)
    fields = parse_note_body(body) if body is not None else None
    return Note(*fields) if fields is not None else None


def decode_info(key: str, content: bytes, cipher: Callable[[], Cipher]) -> CachedTokenInfo | None:
    """Return the metadata of the token in a file's content; None if there is no metadata or no token."""
    body = _body(TOKEN, key, content, cipher)
    fields = parse_body(body) if body is not None else None
    if body is None or fields is None:
        return None
    lines = _lines(body)
    info = TokenInfo(**{name: lines.get(line, "") for name, line in _INFO.items()})
    return CachedTokenInfo(key, info, fields[1]) if info != NO_INFO else None


def _lines(body: bytes) -> dict[str, str]:
    """Return the lines of a body that `parse_body` accepts, by their names."""
    return dict(line.split(" ", 1) for line in body[: -len(END)].decode().split("\n"))


def _body(kind: str, key: str, content: bytes, cipher: Callable[[], Cipher]) -> bytes | None:
    clear, encrypted = _HEADS[kind]
    cut = content.find(b"\n") + 1
    if content.startswith(clear):
        return content[cut:]
    if content.startswith(encrypted):
        return cipher().decrypt(content[cut:], _purpose(kind, key, content[:cut]))
    return None


def expires_on(head: bytes) -> int | None:
    """Return when the token or note in a file expires, by its first line; None if that is not the line of one."""
    line, newline, _ = head.partition(b"\n")
    for start in (start for heads in _HEADS.values() for start in heads):
        if newline and line.startswith(start) and line[len(start) :].isdigit():
            return int(line[len(start) :])
    return None


def _purpose(kind: str, key: str, head: bytes) -> str:
    return f"{kind} {key} {head.decode('latin-1')}"
