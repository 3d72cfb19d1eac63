"""Check that each shell example of README.md and docs/ works in PowerShell: as it is, or with a PowerShell twin.

An example whose commands are plain words is the same line in PowerShell; tests/docs/test_powershell_twins.py runs it
there. Any other (variables, redirections, `\\`, `echo $?`, programs that Windows lacks) needs a `powershell` block
before the next heading, which tests/docs/test_examples.py runs.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXEMPT = {
    ("README.md", "$ mstoken get graph -o header | curl"): "task 1 has the same line with its twin",
}
"""Page and the beginning of an example -> why it has no twin."""
PROGRAMS = {"mstoken", "docker-credential-mstoken", "echo", "keyring"}
"""Commands that PowerShell has too, or that come with mstoken."""
_BLOCK = re.compile(r"^```(sh|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NEXT = re.compile(r"^```powershell$|^#+ ", re.MULTILINE)
_QUOTED = re.compile(r"'[^'\"\\]*'")
_SHELL_ONLY = re.compile(r"[$\\\"`<>&;(){}]|(?:^|\s)[@#]|\|\|")


def commands(code: str) -> list[str]:
    """The commands of a `console` block: what follows `$ `, with the lines that continue it."""
    return [line[2:] for line in code.splitlines() if line.startswith(("$ ", "> "))]


def is_the_same_in_powershell(language: str, code: str) -> bool:
    """Whether PowerShell reads each command as bash does: plain words, texts in single quotes, and pipes."""
    lines = commands(code) if language == "console" else code.splitlines()
    parts = [part.split() for line in lines for part in _QUOTED.sub("text", line).split("|")]
    if any(_SHELL_ONLY.search(_QUOTED.sub("text", line)) for line in lines):
        return False
    return all(words and words[0] in PROGRAMS for words in parts)


def problems(root: Path) -> list[str]:
    """One line for each example without a twin."""
    found = []
    for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        for match in _BLOCK.finditer(text):
            following = _NEXT.search(text, match.end())
            has_twin = following is not None and not following[0].startswith("#")
            exempt = any(page.name == name and match[2].startswith(start) for name, start in EXEMPT)
            if not (has_twin or exempt or is_the_same_in_powershell(match[1], match[2])):
                line = text[: match.start()].count("\n") + 1
                found.append(f"{page.name}:{line}: no PowerShell block follows: {match[2].splitlines()[0][:60]}")
    return found


def main() -> int:
    found = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        print(
            "Add a ```powershell block after the example, or a line to EXEMPT in tools/check_twins.py.", file=sys.stderr
        )
    else:
        print("twins: each shell example works in PowerShell, or has a twin")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
