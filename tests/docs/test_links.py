"""tools/check_docs.py, part of make check: a link leads to a page, and to a heading that the page has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tools import check_docs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("other.md", ""),
        ("other.md#what-it-does--and-why", ""),
        ("#here-too", ""),
        ("other.md#marked", ""),
        ("https://example.com/page#anything", ""),
        ("missing.md", "docs/page.md: no such page: missing.md"),
        ("other.md#what-it-did", "docs/page.md: no such heading: other.md#what-it-did"),
        ("other.md#a-comment-of-a-shell", "docs/page.md: no such heading: other.md#a-comment-of-a-shell"),
        ("#there", "docs/page.md: no such heading: #there"),
    ],
)
def test_links(link: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_docs, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(f"# Here, too\n\nSee [the rest]({link}).\n")
    (tmp_path / "docs" / "other.md").write_text(
        '## What `it` does & and why\n\n<a id="marked"></a>\n\n```\n# A comment of a shell\n```\n'
    )
    assert check_docs.dead_links() == ([problem] if problem else [])
