"""Write the table of error codes in docs/errors.md from aadsts.toml and aadb2c.toml; with --check, only compare.

Exit code 1 with --check when the page is not what this program would write, or when it omits an exception class.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from pathlib import Path

from mstoken import aadsts, errors, messages

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"
BEGIN = "<!-- codes: written by tools/docs_errors.py, do not edit -->"
END = "<!-- end of codes -->"


def cell(text: str) -> str:
    """Markdown for one table cell: `|` would end it, `<` outside code would begin HTML."""
    parts = aadsts.fill(text, code="CODE").replace("|", r"\|").split("`")
    parts[::2] = [part.replace("<", r"\<") for part in parts[::2]]
    return "`".join(parts)


def code_cell(cause: aadsts.Cause) -> str:
    """The code as a link to its source, as readers see it."""
    shown = cause.code.replace("+", " with ")
    if shown.startswith("http_"):
        shown = "HTTP " + shown.removeprefix("http_")
    return f"[{shown}]({cause.source})" + (f" {cause.name}" if cause.name else "")


def row(cause: aadsts.Cause) -> str:
    notes = [
        note
        for holds, note in (
            (cause.retry, "A retry may help."),
            (cause.kills_grant, "The refresh token no longer works."),
            (not cause.verified, "Not well verified."),
        )
        if holds
    ]
    return f"| {code_cell(cause)} | {cell(' '.join([cause.cause, *notes]))} | {cell(cause.remedy)} |"


def class_name(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("_"))


def tables() -> str:
    """One section for each exception class, in the order of errors.py."""
    messages.advise_the_shell()
    sections = []
    for name, _ in exception_classes():
        causes = [c for c in aadsts.entries() if class_name(c.kind) == name and not c.code.startswith("_")]
        if causes:
            head = f"### {name}\n\n| Code | What happened | What to do |\n|---|---|---|\n"
            sections.append(head + "\n".join(map(row, causes)) + "\n")
    return "\n".join(sections)


def exception_classes() -> list[tuple[str, type]]:
    """The classes of errors.py in their order in the file."""
    classes = inspect.getmembers(errors, lambda c: inspect.isclass(c) and issubclass(c, errors.MstokenError))
    return sorted(classes, key=lambda member: inspect.getsourcelines(member[1])[1])


def written(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    head = page.partition(BEGIN)[0]
    omitted = [name for name, _ in exception_classes() if not re.search(rf"\b{name}\b", head)]
    if omitted:
        print(f"{PAGE.name} does not mention {', '.join(omitted)}", file=sys.stderr)
        return 1
    fresh = written(page)
    if check and fresh != page:
        print(f"{PAGE.name} is out of date: run python tools/docs_errors.py", file=sys.stderr)
        return 1
    if not check:
        PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
