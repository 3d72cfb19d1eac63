"""What a token's file holds, written and read: clear in memory, sealed on a disk. `quick_read` shows the format."""

from __future__ import annotations

from mstoken.flows.store_port import NO_INFO, CachedTokenInfo
from mstoken.model import Token, TokenInfo
from mstoken.stores.token_file_reader import CLEAR, ENCRYPTED, END, MAX_BYTES, parse_body
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.stores.cipher import Cipher


_INFO = {name: name for name in ("authority", "tenant", "client_id", "account")} | {"scope": "asked"}
"""What a token says of itself, by the name of its line; `scope` there is what was granted."""


def encode(key: str, token: Token, cipher: Cipher | None, info: TokenInfo = NO_INFO) -> bytes:
    """The file's content, sealed if there is a seal. Raises ValueError for a token that could not be read back."""
    lines = [f"expires_on {token.expires_on}", f"token_type {token.token_type}", f"token {token.token}"]
    if token.refresh_on is not None:
        lines.append(f"refresh_on {token.refresh_on}")
    if token.got_on is not None:
        lines.append(f"got_on {token.got_on}")
    said = {"scope": token.scope} | {line: getattr(info, name) for name, line in _INFO.items()}
    lines += [f"{line} {' '.join(value.split())}" for line, value in said.items() if value.split()]
    body = "\n".join(lines).encode() + END
    kept = parse_body(body)
    if kept is None or kept[0] != token.token or kept[1] != token.expires_on or kept[2] != token.token_type:
        raise ValueError("The token has characters that no token has.")
    head = (CLEAR if cipher is None else ENCRYPTED) + b"%d\n" % token.expires_on
    content = head + (body if cipher is None else cipher.encrypt(body, _purpose(key, head)))
    if len(content) > MAX_BYTES:
        raise ValueError(f"The token is longer than {MAX_BYTES} bytes.")
    return content


def decode(key: str, content: bytes, cipher: Callable[[], Cipher]) -> Token | None:
    """The token in a file's content, or None. Raises what `seal` raises, and calls it only for a sealed file."""
    body = _body(key, content, cipher)
    fields = parse_body(body) if body is not None else None
    return Token(*fields) if fields is not None else None


def decode_info(key: str, content: bytes, cipher: Callable[[], Cipher]) -> CachedTokenInfo | None:
    """What the token in a file's content says of itself; None when that is nothing, or no token."""
    body = _body(key, content, cipher)
    fields = parse_body(body) if body is not None else None
    if body is None or fields is None:
        return None
    lines = _lines(body)
    info = TokenInfo(**{name: lines.get(line, "") for name, line in _INFO.items()})
    return CachedTokenInfo(key, info, fields[1]) if info != NO_INFO else None


def _lines(body: bytes) -> dict[str, str]:
    """The lines of a body that `parse_body` has understood, by their names."""
    return dict(line.split(" ", 1) for line in body[: -len(END)].decode().split("\n"))


def _body(key: str, content: bytes, cipher: Callable[[], Cipher]) -> bytes | None:
    cut = content.find(b"\n") + 1
    if content.startswith(CLEAR):
        return content[cut:]
    return cipher().decrypt(content[cut:], _purpose(key, content[:cut])) if content.startswith(ENCRYPTED) else None


def expires_on(head: bytes) -> int | None:
    """When the token in a file expires, by its first line; None when that is no token's."""
    line, newline, _ = head.partition(b"\n")
    for start in (CLEAR, ENCRYPTED):
        if newline and line.startswith(start) and line[len(start) :].isdigit():
            return int(line[len(start) :])
    return None


def _purpose(key: str, head: bytes) -> str:
    return f"token {key} {head.decode('latin-1')}"
