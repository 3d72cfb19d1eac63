"""What a token's file holds, written and read: clear in memory, sealed on a disk. `quick_read` shows the format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mstoken.stores.quick_read import CLEAR, END, LONGEST, SEALED, parse, parse_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.model import Token
    from mstoken.stores.quick_read import Fields
    from mstoken.stores.seal import Seal


def render(key: str, token: Token, seal: Seal | None) -> bytes:
    """The file's content, sealed if there is a seal. Raises ValueError for a token that could not be read back."""
    lines = [f"expires_on {token.expires_on}", f"token_type {token.token_type}", f"token {token.token}"]
    if token.refresh_on is not None:
        lines.append(f"refresh_on {token.refresh_on}")
    if token.scope:
        lines.append(f"scope {' '.join(token.scope.split())}")
    body = "\n".join(lines).encode() + END
    kept = parse_body(body)
    if kept is None or kept[0] != token.token or kept[1] != token.expires_on or kept[2] != token.token_type:
        raise ValueError("The token has characters that no token has.")
    head = (CLEAR if seal is None else SEALED) + b"%d\n" % token.expires_on
    content = head + (body if seal is None else seal.seal(body, _purpose(key, head)))
    if len(content) > LONGEST:
        raise ValueError(f"The token is longer than {LONGEST} bytes.")
    return content


def read(key: str, content: bytes, seal: Callable[[], Seal]) -> Fields | None:
    """The token in a file's content, or None. Raises what `seal` raises, and calls it only for a sealed file."""
    if not content.startswith(SEALED):
        return parse(content)
    cut = content.find(b"\n") + 1
    body = seal().open(content[cut:], _purpose(key, content[:cut]))
    return parse_body(body) if body is not None else None


def expires_on(head: bytes) -> int | None:
    """When the token in a file expires, by its first line; None when that is no token's."""
    line, newline, _ = head.partition(b"\n")
    for start in (CLEAR, SEALED):
        if newline and line.startswith(start) and line[len(start) :].isdigit():
            return int(line[len(start) :])
    return None


def _purpose(key: str, head: bytes) -> str:
    return f"token {key} {head.decode('latin-1')}"
