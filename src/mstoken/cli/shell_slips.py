"""Arguments that the shell has certainly mangled, because the command line was written for another shell.

Without this check they would be sent, or refused for a misleading reason. The message names the mistake and repeats no
value.
"""

from __future__ import annotations

import re

from mstoken.errors import UsageError

_CONTINUATIONS = frozenset({"\\", "`", "^", "...", "…"})
"""Line continuations of bash, PowerShell and cmd, and what a page writes for the rest of a command."""

_DOTNET_TYPE = re.compile(
    r"\bSystem\.(?:Collections\.[A-Za-z.]+|Security\.[A-Za-z.]+|Management\.Automation\.[A-Za-z.]+"
    r"|(?:Object|String|Byte|Char|Int32|Int64|Boolean|DateTime|DateTimeOffset|Guid|Uri|Xml\.[A-Za-z]+)(?:\[\])?)"
    r"(?![A-Za-z0-9_.])|\bMicrosoft\.PowerShell\.Commands\.[A-Za-z.]+"
)
"""What PowerShell makes of an object that it needs as text (about_Parsing; Object.ToString)."""

_WINDOWS_PATH = re.compile(r"(?:[a-z]+:)?(?:[A-Za-z]:|\\\\|\.)")
_POWERSHELL_OBJECT = re.compile(r"\s*@\{[^{}]*\}\s*")
"""A PSCustomObject as text: `@{name=value; other=value}`."""

_WORD = r"[^\s{}\[\]:,\"']"
_BARE_JSON = re.compile(rf"\s*(?:\{{\s*{_WORD}+\s*:.*\}}|\[\s*[^\"\]]*{_WORD}[^\"]*\])\s*", re.DOTALL)


def refuse_slip(text: str, where: str) -> None:
    """Raise UsageError if the shell has certainly mangled the argument `text`, which messages call `where`."""
    if text in _CONTINUATIONS:
        raise UsageError(
            f"{where} is {text!r}: the rest of a command that was copied from a page or written for another shell.",
            "Put the command on one line. A line continues after \\ in bash, after ` in PowerShell, after ^ in cmd.",
        )
    if text.endswith("\\") and not _WINDOWS_PATH.match(text):
        raise UsageError(
            f"{where} ends with a backslash, as a line of bash does that continues.", "Put the command on one line."
        )
    if _DOTNET_TYPE.search(text) or _POWERSHELL_OBJECT.fullmatch(text):
        raise _object_as_text(where)


def refuse_slip_in_body(data: str) -> None:
    """Raise UsageError if the body of a request, given as an argument, is nothing but an object as text."""
    if _DOTNET_TYPE.fullmatch(data.strip()) or _POWERSHELL_OBJECT.fullmatch(data):
        raise _object_as_text("The body")


def _object_as_text(where: str) -> UsageError:
    return UsageError(
        f"{where} is an object that PowerShell made into text.",
        "Pass the text itself: one of the object's properties, ConvertTo-Json for a body, ConvertFrom-SecureString "
        "-AsPlainText for a SecureString, -join ' ' for a list.",
    )


def refuse_slip_in_url(url: str) -> None:
    """Raise UsageError if a query parameter lost its name to a shell that replaces `$top` by a variable."""
    query = url.partition("#")[0].partition("?")[2]
    if any(parameter.startswith("=") and parameter != "=" for parameter in query.split("&")):
        raise UsageError(
            "The URL has a query parameter without a name: in double quotes, a shell replaces one that begins with $.",
            "Put the URL in single quotes: 'https://graph.microsoft.com/v1.0/users?$top=1'",
        )


def refuse_slip_in_json(text: str, where: str, instead: str) -> None:
    """Raise UsageError for JSON that lost its double quotes to the shell: `{value:b}`. `instead` is a way without."""
    if '"' not in text and _BARE_JSON.fullmatch(text) and not _is_json(text):
        raise UsageError(
            f"{where} is JSON that lost its double quotes: Windows PowerShell 5.1 and cmd remove them.",
            f"{instead} In bash and PowerShell 7, put it in single quotes.",
        )


def _is_json(text: str) -> bool:
    import json

    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
