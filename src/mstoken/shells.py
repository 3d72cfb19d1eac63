"""The shell of whoever reads a message, and commands in its words. One function decides which shell it is."""

from __future__ import annotations

import sys

from mstoken import shell_quoting
from mstoken.hidden import ENVIRON

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

VARIABLE = "MSTOKEN_SHELL"
"""The variable that names the shell; without it, other variables tell."""

SHELLS = {
    "bash": "posix",
    "zsh": "posix",
    "sh": "posix",
    "fish": "fish",
    "powershell": "powershell",
    "pwsh": "powershell",
    "cmd": "cmd",
}
"""What the variable may say, and the words that the shell takes."""

_QUOTES: dict[str, Callable[[str], str]] = {
    "fish": shell_quoting.fish,
    "powershell": shell_quoting.powershell,
    "cmd": shell_quoting.cmd,
}


def reader_shell(environ: Mapping[str, str] = ENVIRON, platform: str = sys.platform) -> str:
    """Return posix, fish, powershell or cmd; '' if it cannot be known.

    PowerShell sets PSModulePath for the programs it starts (about_PSModulePath). So does Windows for every program;
    there, cmd sets PROMPT and Git Bash MSYSTEM, and a PowerShell that was started from cmd has PROMPT too. A POSIX
    shell that was started from PowerShell inherits PSModulePath, and names in `_` the program that it starts.
    """
    named = environ.get(VARIABLE, "").strip().lower()
    if named:
        return SHELLS.get(named, "")
    if platform == "win32":
        return "posix" if "MSYSTEM" in environ else "" if "PROMPT" in environ else "powershell"
    started = environ.get("_", "").rpartition("/")[2]
    return "powershell" if "PSModulePath" in environ and not started.startswith("mstoken") else "posix"


def quoted(text: str) -> str:
    """Quote one argument of a printed command: in a form for all shells if there is one, else in the reader's."""
    shell = reader_shell()
    common = shell_quoting.any_shell(text)
    if common and (shell != "cmd" or common == text):
        return common
    return _QUOTES.get(shell, shell_quoting.posix)(text)


def joined(words: Iterable[str]) -> str:
    """Return a command line of these words."""
    return " ".join(map(quoted, words))


def in_shell(*, posix: str, powershell: str, cmd: str) -> str:
    """Return the command in the words of the reader's shell; in those of two, if it cannot be known."""
    shell = reader_shell()
    if not shell:
        return f"{powershell} (in bash: {posix})"
    return {"powershell": powershell, "cmd": cmd}.get(shell, posix)
