"""Decode text from programs of every system, and suggest the word that a misspelling means."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def decode_text(raw: bytes, errors: str = "strict") -> str:
    """Decode `raw`: UTF-8 with or without a byte order mark, or UTF-16 with one. Raises UnicodeDecodeError.

    Notepad and PowerShell 5 on Windows write byte order marks (learn.microsoft.com/powershell/module/
    microsoft.powershell.core/about/about_character_encoding). They are not part of the text (Unicode section 23.8).
    """
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    return raw.decode("utf-16" if wide else "utf-8-sig", errors)


def as_utf8(raw: bytes) -> bytes:
    """Return text with a byte order mark as UTF-8 without one; anything else, and what cannot be decoded, unchanged.

    For files that are text in a format of bytes: PEM, JSON, a token.
    """
    if not raw.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return raw
    try:
        return decode_text(raw).encode()
    except UnicodeDecodeError:
        return raw


def is_encodable(value: str) -> bool:
    """Return whether `value` can be encoded as UTF-8; text with bytes that the system could not decode cannot (PEP
    383).
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def closest_match(word: str, known: Iterable[str]) -> list[str]:
    """Return a list with the word of `known` that is closest to `word`; an empty list if none is close."""
    from difflib import get_close_matches

    return get_close_matches(word, list(known), n=1)


def did_you_mean(near: Sequence[str]) -> str:
    """Return the question for an error's remedy, with a space after it; '' without a suggestion."""
    return f"Did you mean {' or '.join(near)}? " if near else ""


def rfc3339(epoch: float) -> str:
    """Return a time (epoch seconds, UTC) in RFC 3339, in seconds with Z.

    The Azure SDK for Python accepts no other form from azd; kubectl and Azure DevOps read it too.
    """
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
