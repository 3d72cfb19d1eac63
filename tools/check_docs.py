"""Check that generated pages are fresh, links between pages lead somewhere, and ways to get a token are tested."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATH = re.compile(r"`([\w-]+(?:/[\w.-]+)*/[\w-]+\.(?:py|toml|txt|json))`")
ROOTS = ("", "src/mstoken", "src/entra_emulator", "tests/mstoken", "tests")
"""Folders that a page's path to a file may begin in."""
FORMER_NAMES = {"0014-names.md"}
"""Pages that list the names of files that no longer exist."""
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
ANCHOR = re.compile(r'<a (?:id|name)="([^"]+)"')


def stale_pages() -> list[str]:
    """Generators whose page is not what they would write today."""
    generators = sorted((ROOT / "tools").glob("docs_*.py"))
    return [
        f"{tool.name}: its page is stale; run: python tools/{tool.name}"
        for tool in generators
        if subprocess.run([sys.executable, str(tool), "--check"], check=False, capture_output=True).returncode
    ]


def dead_links() -> list[str]:
    """Relative links to files that are not there, or to headings that the page does not have."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")]
    dead = []
    for page in pages:
        for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
            found = page.parent / target if target else page
            if "://" in target or target.startswith("mailto:"):
                continue
            if not found.exists():
                dead.append(f"{page.relative_to(ROOT)}: no such page: {target}")
            elif anchor and found.suffix == ".md" and anchor not in anchors_of(found):
                dead.append(f"{page.relative_to(ROOT)}: no such heading: {target}#{anchor}")
    return dead


@cache
def anchors_of(page: Path) -> set[str]:
    """What a link to a page may name after "#": its headings, in the spelling that GitHub and MkDocs share."""
    text = page.read_text(encoding="utf-8")
    headings = HEADING.findall(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", one).strip().lower()) for one in headings} | {
        *ANCHOR.findall(text)
    }


def missing_files() -> list[str]:
    """Paths of source files in backticks that lead to no file; NAME stands for a name of your own."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return [
        f"{page.relative_to(ROOT)}: no such file: {path}"
        for page in pages
        if page.name not in FORMER_NAMES
        for path in PATH.findall(page.read_text(encoding="utf-8"))
        if "NAME" not in path and not any((ROOT / root / path).exists() for root in ROOTS)
    ]


def stale_diagram() -> list[str]:
    """Layers of import-linter's contract that the diagram in docs/architecture.md shows otherwise, or not at all."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(one for one in project["tool"]["importlinter"]["contracts"] if one.get("containers") == ["mstoken"])
    layers = [sorted(re.split(r" [|:] ", layer)) for layer in contract["layers"] if layer != "__main__"]
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    nodes = re.findall(r'^ +\w+\["([^"<]+)', page, re.MULTILINE)
    shown = [sorted(re.sub(r"/|\.py", "", node).split(" · ")) for node in nodes]
    where = "docs/architecture.md: the diagram and the layers in pyproject.toml differ"
    return [
        f"{where}: {', '.join(names)}" for names in [*layers, *shown] if names not in layers or names not in shown
    ] or ([] if shown == layers else [f"{where} in their order"])


def errors_of(checker: str) -> list[str]:
    """What another tool that checks a page against the tests has to say."""
    tool = [sys.executable, str(ROOT / "tools" / checker)]
    return subprocess.run(tool, check=False, capture_output=True, text=True).stderr.splitlines()


def main() -> int:
    problems = (
        stale_pages()
        + dead_links()
        + missing_files()
        + stale_diagram()
        + errors_of("check_flows.py")
        + errors_of("check_parity.py")
    )
    print(
        "\n".join(problems) or "docs: generated pages fresh, links whole, flows and parity tested",
        file=sys.stderr if problems else sys.stdout,
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
