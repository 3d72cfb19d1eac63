"""Check that no name that docs/decisions/0014-names.md replaced is an identifier again, or a file.

Several of the old names are ordinary words. ORDINARY lists those that may be used, with their meaning in the code of
today; ELSEWHERE lists those that may be used outside src/mstoken only, because the package has a better word.

Usage: check_names.py [ROOT]
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tests", "bench", "tools", "fuzz", "examples")
PAGE = Path("docs/decisions/0014-names.md")

LOCAL = "(local names)"
"""Marks the row of words that src/ avoids for local variables; elsewhere, and in signatures, they are ordinary."""

ORDINARY = {
    "Address": "of a socket",
    "Entry": "of a list, such as NO_PROXY's",
    "Grant": "of permissions to an application, in the emulator's directory",
    "Port": "all three ports together",
    "QUICK": "the scale of a quick run of the bench",
    "Token": "an access token, and nothing else",
    "_authority": "makes an Authority",
    "_checked": "the value, after a check",
    "_cloud": "finds a Cloud",
    "absent": "not installed, or not in a table",
    "acquire": "a lock, as in threading",
    "answer": "of a server",
    "answers": "of a server",
    "cached": "in the cache",
    "decoded": "from bytes, base64 or JSON",
    "digest": "a hash",
    "drop": "close and forget a connection",
    "end": "of a range, a text or a process",
    "ending": "of a file name or a text",
    "family_name": "a surname",
    "endpoint": "a URL, or what the catalog says of a service in one cloud",
    "fits": "whether a value meets a condition",
    "free": "not in use",
    "grants": "of permissions to applications",
    "keep": "the opposite of delete",
    "known": "what is in a table",
    "late": "after its time",
    "leave": "the opposite of join",
    "mark": "a character, or a text to find again",
    "most": "the maximum",
    "names": "more than one name",
    "note": "a Note",
    "open": "a page or a connection",
    "part": "of a text or a value",
    "pause": "seconds to wait",
    "people": "users",
    "place": "of something in a table or on a disk",
    "read": "of a file, a stream or a response",
    "read_token": "from a token file",
    "render": "writes a value in an output format",
    "resolve": "a scope, or a reference to a secret",
    "shown": "text that is safe to show",
    "signed_in": "whether somebody is signed in",
    "tables": "of TOML",
    "take": "from a pool",
    "texts": "more than one text",
    "time_in": "reads a time in a response",
    "token_request": "a TokenRequest",
    "tokens": "more than one token",
    "what": "the subject of a message, or what a caller names",
    "where": "a place",
    "word": "of a text",
    "written": "as it is in a text or a file",
}

ELSEWHERE = {
    "Ask": "the type of `ask`",
    "Fields": "of a Graph object",
    "World": "what a running emulator consists of",
    "ask": "a fixture or function of a test that sends one request",
    "asked": "what was requested",
    "go": "follows a link, in a test",
    "kept": "what is still there",
    "moment": "a time, in the emulator",
    "switch": "an input of the dashboard",
    "visit": "a page",
    "who": "a user or a client, in a test",
    "world": "a World",
}


def old_names(page: str) -> tuple[set[str], set[str]]:
    """The identifiers and the files in the table's first column. `…` ends a prefix, which is no name of its own."""
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| ") and LOCAL not in line]
    written = {text for row in rows for text in re.findall(r"`([^`]+)`", row)}
    files = {text for text in written if text.endswith((".py", ".toml"))}
    names = {text.removesuffix("()").rpartition(".")[2] for text in written - files}
    return {name for name in names if name.isidentifier()}, files


def identifiers(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every name that the module defines, with its line: functions, classes, parameters, variables, attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.arg(arg=name):
                yield name, node.lineno
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno
            case ast.alias(asname=str(name)):
                yield name, node.lineno


def problems(root: Path = ROOT) -> list[str]:
    """One line for each identifier and file with an old name."""
    names, files = old_names((root / PAGE).read_text(encoding="utf-8"))
    paths = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))]
    lines = []
    for path in (path.relative_to(root) for path in paths if "node_modules" not in path.parts):
        product = path.is_relative_to("src/mstoken")
        forbidden = names - ORDINARY.keys() - (set() if product else ELSEWHERE.keys())
        found = identifiers(ast.parse((root / path).read_text(encoding="utf-8")))
        lines += [f"{path.as_posix()}:{line}: {name} is an old name" for name, line in found if name in forbidden]
        for file in files:
            home = ("src/mstoken", "src/mstoken/cli", "src/mstoken/stores", "tests/support", "")
            if path.as_posix() in {f"{folder}/{file}".lstrip("/") for folder in home}:
                lines.append(f"{path.as_posix()}: an old name of a file")
    return [f"{line}; {PAGE.as_posix()} has the new one" for line in lines]


def main() -> int:
    found = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    print("\n".join(found) or "names: no old one is in use", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
