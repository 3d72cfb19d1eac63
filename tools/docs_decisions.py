"""Write docs/decisions/README.md, the list of decisions; with --check, only compare (exit code 1 when stale)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "decisions"
PAGE = FOLDER / "README.md"
HEAD = """# Decisions

<!-- Written by tools/docs_decisions.py from the pages' titles; do not edit. -->

Each page records one decision that you may want to revisit: what was decided, why, and what was measured.

"""


def render() -> str:
    """The whole page: one line for each decision, in their order."""
    pages = sorted(FOLDER.glob("[0-9]*.md"))
    titles = {page.name: re.match(r"# (\d{4}):? (.+)", page.read_text(encoding="utf-8")) for page in pages}
    untitled = [name for name, title in titles.items() if title is None or title[1] != name[:4]]
    if untitled:
        sys.exit(f"{', '.join(untitled)}: the first line must be '# NNNN Title', with the number of the file's name")
    return HEAD + "".join(f"- [{title[1]} {title[2]}]({name})\n" for name, title in titles.items() if title)


def main() -> int:
    """Write the page, or with --check say whether it is what would be written."""
    page = render()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page, "utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == page:
        return 0
    print("docs/decisions/README.md is stale; run: python tools/docs_decisions.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
