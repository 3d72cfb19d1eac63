"""Hooks of MkDocs: put the repository's own pages into the site, and make their links work there.

README.md, CHANGELOG.md and so on lie beside docs/, where GitHub shows them; in the site they are pages like the others.
A link to a file that is no page (source code, an example) leads to the repository.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
ROOT_PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
}
"""Page of the repository -> page of the site."""

LINK = re.compile(r"(\]\()([^)\s]+)(\))")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The repository's address is written once, in pyproject.toml."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    config.repo_url = urls["Source"]
    config.site_url = urls["Documentation"]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the repository's own pages."""
    for source, page in ROOT_PAGES.items():
        if (ROOT / source).exists():
            content = (ROOT / source).read_text(encoding="utf-8")
            files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite each relative link from the repository's layout to the site's."""
    names = {page_name: source for source, page_name in ROOT_PAGES.items()}
    shown = page.file.src_uri
    source = names.get(shown, f"docs/{shown}")

    def rewritten(match: re.Match[str]) -> str:
        target, hash_sign, anchor = match[2].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        return f"{match[1]}{address(path, shown, config, files)}{hash_sign}{anchor}{match[3]}"

    return LINK.sub(rewritten, markdown)


def address(path: str, page: str, config: MkDocsConfig, files: Files) -> str:
    """What a page of the site writes to link to a file or folder of the repository."""
    inside = ROOT_PAGES.get(path) or path.removeprefix("docs/")
    if (ROOT / path).is_dir():
        inside = posixpath.join(inside, "README.md")
    if (path in ROOT_PAGES or path.startswith("docs/")) and files.get_file_from_path(inside):
        return posixpath.relpath(inside, posixpath.dirname(page) or ".")
    if not (ROOT / path).exists():
        return path  # MkDocs reports it
    return f"{config.repo_url}/blob/main/{path}"
