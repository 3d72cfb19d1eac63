"""Text as the programs of every system write it."""

from __future__ import annotations


def decoded(raw: bytes, errors: str = "strict") -> str:
    """`raw` as text: UTF-8 with or without a byte order mark, or UTF-16 with one. Raises UnicodeDecodeError.

    The marks come of Windows: its editor and PowerShell 5 write them (learn.microsoft.com/powershell/module/
    microsoft.powershell.core/about/about_character_encoding). They are no part of the text (Unicode section 23.8).
    """
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    return raw.decode("utf-16" if wide else "utf-8-sig", errors)
