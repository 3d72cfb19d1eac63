"""Quote a value for each shell and file format, so that it is read back as exactly the same text.

Shells evaluate most of the output, so no character of a value may have a special meaning. mstoken has the same rules in
`mstoken/shell_quoting.py`, since neither package imports the other; one test compares them.
"""

_CONTROLS = {"\0": "`0", "\a": "`a", "\b": "`b", "\t": "`t", "\n": "`n", "\v": "`v", "\f": "`f", "\r": "`r"}
_UNQUOTED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")


def posix(value: str) -> str:
    """Quote for a POSIX shell. Between single quotes, only a single quote has a meaning (XCU section 2.2.2)."""
    inside = value.replace("'", "'\\''")
    return f"'{inside}'"


def fish(value: str) -> str:
    """Quote for fish on one line, because its `eval (…)` receives the lines one by one."""
    inside = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{inside}'".replace("\r", "'\\r'").replace("\n", "'\\n'")


def powershell(value: str) -> str:
    """Quote for PowerShell on one line, in ASCII.

    PowerShell treats U+2018 to U+201B as single quotes and U+201C to U+201E as double quotes (about_Quoting_Rules).
    Invoke-Expression receives one line at a time, and PowerShell decodes a program's output in the console's code page,
    whatever its encoding. Version 5.1 has no escape for a code point, only [char] for a UTF-16 unit.
    """
    if value.isascii() and value.isprintable():
        inside = value.replace("'", "''")
        return f"'{inside}'"
    return '"' + "".join(_powershell_character(character) for character in value) + '"'


def _powershell_character(character: str) -> str:
    if character in _CONTROLS:
        return _CONTROLS[character]
    if character.isascii() and character.isprintable():
        return f"`{character}" if character in '`$"' else character
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"$([char]0x{units[at : at + 4]})" for at in range(0, len(units), 4))


def dotenv(value: str) -> str:
    """Quote for a .env file, only if necessary, because Docker and systemd treat quotes as part of the value.

    Between single quotes no character has a meaning; between double quotes four escapes have one (python-dotenv, Docker
    Compose).
    """
    if value and _UNQUOTED.issuperset(value):
        return value
    if not set(value) & set("'\\\n\r"):
        return f"'{value}'"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
