"""Text as the programs of every system write it, and words that were nearly right."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def decode_text(raw: bytes, errors: str = "strict") -> str:
    """`raw` as text: UTF-8 with or without a byte order mark, or UTF-16 with one. Raises UnicodeDecodeError.

    The marks come of Windows: its editor and PowerShell 5 write them (learn.microsoft.com/powershell/module/
    microsoft.powershell.core/about/about_character_encoding). They are no part of the text (Unicode section 23.8).
    """
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    return raw.decode("utf-16" if wide else "utf-8-sig", errors)


def is_encodable(value: str) -> bool:
    """Whether `value` can be sent: what the system gave as bytes that are not UTF-8 cannot (PEP 383)."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def closest_match(word: str, known: Iterable[str]) -> list[str]:
    """The word of `known` that is most like `word`, alone in a list; an empty one when nothing is near."""
    from difflib import get_close_matches

    return get_close_matches(word, list(known), n=1)


def did_you_mean(near: Sequence[str]) -> str:
    """The question for an error's remedy, with a blank after it; '' where there is nothing to propose."""
    return f"Did you mean {' or '.join(near)}? " if near else ""
