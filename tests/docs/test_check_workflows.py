"""tools/check_workflows.py accepts the workflows as they are, and rejects what GitHub would stumble over."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tools.check_workflows import ROOT, problems

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_workflows_pass() -> None:
    """Schemas, pinned actions, permissions and make targets are all in order."""
    assert problems(ROOT / ".github", MAKEFILE) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "word"),
    [
        ("workflows/ci.yml", " # v7.0.1", "", "pin the action by commit"),
        ("workflows/ci.yml", "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "v7", "pin the action by commit"),
        ("workflows/ci.yml", "make coverage", "make coverag", "no make target 'coverag'"),
        ("workflows/ci.yml", "permissions:\n  contents: read", "permissions: write-all", "ci.yml: its permissions"),
        ("workflows/site.yml", "timeout-minutes", "timeout", "site.yml"),
        ("workflows/release.yml", "id-token: write", "id-token: yes please", "release.yml"),
        ("ISSUE_TEMPLATE/bug.yml", "type: textarea", "type: text area", "bug.yml"),
        ("dependabot.yml", "interval: monthly", "interval: sometimes", "dependabot.yml"),
    ],
)
def test_a_fault_planted_in_a_file_is_found(tmp_path: Path, file: str, old: str, new: str, word: str) -> None:
    """An action without its commit, a target that does not exist, permissions for everybody, a broken schema."""
    folder = shutil.copytree(ROOT / ".github", tmp_path / ".github")
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    assert any(word in problem for problem in problems(folder, MAKEFILE))
