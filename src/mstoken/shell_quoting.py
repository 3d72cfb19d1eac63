"""Quote a text for each shell and format that mstoken prints. Pure, and imports nothing: the fast path uses this file.

What is printed for bash, fish and PowerShell may be evaluated, so no character of a value may have a meaning there. The
emulator has the same rules in a file of its own (`entra_emulator/quoting.py`); a test compares the two.
"""

from __future__ import annotations

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")
"""The characters of a bearer token (RFC 6750 section 2.1); none of them needs quotes in a .env file."""

_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:+-=")
"""Characters of an argument that have no meaning in any shell, except at the start of a word."""

_NO_SINGLE_QUOTES = frozenset("'\\\n\r\u2018\u2019\u201a\u201b")
"""Characters that a shell does not read as they are between single quotes."""

_NO_DOUBLE_QUOTES = frozenset('"$`\\!\n\r\u201c\u201d\u201e')
"""The same between double quotes; `!` is the history of bash and zsh."""

_ESCAPES = {"\0": "`0", "\a": "`a", "\b": "`b", "\t": "`t", "\n": "`n", "\v": "`v", "\f": "`f", "\r": "`r"}
"""PowerShell's escapes that version 5.1 has too (about_Special_Characters)."""


def posix(text: str) -> str:
    """Quote for a POSIX shell (XCU section 2.2.2): between single quotes, only a single quote has a meaning."""
    return "'" + text.replace("'", "'\\''") + "'"


def fish(text: str) -> str:
    """Quote for fish: a backslash and a single quote are escaped, and line ends stand outside the quotes.

    `eval (…)` gets the lines one by one (fishshell.com/docs/current/language.html, quotes and escapes).
    """
    quoted = "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return quoted.replace("\r", "'\\r'").replace("\n", "'\\n'")


def powershell(text: str) -> str:
    """Quote for PowerShell, on one line and in ASCII.

    PowerShell takes U+2018 to U+201B for single quotes and U+201C to U+201E for double quotes (about_Quoting_Rules).
    Invoke-Expression gets one line at a time, and what a program prints is decoded in the console's code page, which
    need not be the one it was written in.
    """
    if text.isascii() and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(map(_powershell_character, text)) + '"'


def _powershell_character(character: str) -> str:
    if character in '`$"':
        return f"`{character}"
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isascii() and character.isprintable():
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"$([char]0x{units[at : at + 2].hex()})" for at in range(0, len(units), 2))


def cmd(text: str) -> str:
    """Quote an argument for cmd: double quotes, with those of the text escaped as Windows programs read them.

    Backslashes before a double quote are doubled, the closing one included (learn.microsoft.com/cpp/c-language/
    parsing-c-command-line-arguments).
    """
    import re

    doubled = re.sub(r'\\+(?="|\Z)', lambda run: run[0] * 2, text)
    return '"' + doubled.replace('"', '\\"') + '"'


def dotenv(text: str) -> str:
    """Return the value for a .env file: without quotes if possible, else in the quotes that need the fewest escapes.

    Docker and systemd take quotes for a part of the value, so a token has none. Between single quotes nothing has a
    meaning; between double quotes `\\\\`, `\\"`, `\\n` and `\\r` do (python-dotenv, Docker Compose).
    """
    if text and _PLAIN.issuperset(text):
        return text
    if not set(text) & set("'\\\n\r"):
        return f"'{text}'"
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def any_shell(text: str) -> str:
    """Quote an argument in a form that POSIX shells, fish and PowerShell read alike; '' if there is no such form."""
    if text and _BARE.issuperset(text) and text[0] not in "-+=":
        return text
    if text == "--%":  # PowerShell's stop-parsing token, in quotes too (about_Parsing)
        return ""
    if not _NO_SINGLE_QUOTES.intersection(text):
        return f"'{text}'"
    return "" if _NO_DOUBLE_QUOTES.intersection(text) else f'"{text}"'
