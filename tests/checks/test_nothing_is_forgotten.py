"""What CONTRIBUTING.md tells you to add beside a new command, store, emulated API or integration is there.

Each claim is tested on this tree, and on a copy with a file whose other half is missing.
"""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest

from mstoken.cli.app import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = Path("src/mstoken")
EMULATOR = Path("src/entra_emulator")
ACCESS_TOKEN_STORE = {"load", "save", "delete", "try_lock"}
REFRESH_TOKEN_STORE = {"load", "replace", "put", "end"}


def trees(folder: Path) -> dict[Path, ast.Module]:
    """Every module below `folder`, parsed."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}


def unlisted_commands(root: Path) -> list[str]:
    """Commands that the table in cli/app.py does not list. A group's own commands belong to the group."""
    return [
        f"{path.stem}:{node.name} is not in COMMANDS of cli/app.py"
        for path, tree in trees(root / PRODUCT / "cli").items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and path.stem != "app"
        and any(re.match(r"(command|click\.(command|group))\(", ast.unparse(one)) for one in node.decorator_list)
        and f"mstoken.cli.{path.stem}:{node.name}" not in COMMANDS.values()
    ]


def methods_of(node: ast.ClassDef) -> set[str]:
    return {method.name for method in node.body if isinstance(method, ast.FunctionDef)}


def untested_stores(root: Path) -> list[str]:
    """Stores that the tests of every store do not run with: the fixtures in tests/mstoken/stores/conftest.py."""
    fixtures = (root / "tests/mstoken/stores/conftest.py").read_text(encoding="utf-8")
    made = fixtures + (root / PRODUCT / "stores/redis_stores.py").read_text(encoding="utf-8")
    classes = [node for tree in trees(root / PRODUCT / "stores").values() for node in tree.body]
    return [
        f"{node.name} is in no fixture of tests/mstoken/stores/conftest.py"
        for node in classes
        if isinstance(node, ast.ClassDef)
        and any(methods_of(node) >= port for port in (ACCESS_TOKEN_STORE, REFRESH_TOKEN_STORE))
        and not re.search(rf"\b{node.name}\(|-> {node.name}\b", made)
    ]


def unserved_apis(root: Path) -> list[str]:
    """APIs that the emulator does not serve."""
    served = (root / EMULATOR / "emulator.py").read_text(encoding="utf-8")
    return [
        f"the routes of apis/{path.relative_to(root / EMULATOR / 'apis')} are not served by emulator.py"
        for path, tree in trees(root / EMULATOR / "apis").items()
        if any(isinstance(node, ast.FunctionDef) and node.name == "routes" for node in tree.body)
        and path.parent.parent == root / EMULATOR / "apis"
        and f"{path.parent.name}.routes()" not in served
    ]


def untested_integrations(root: Path) -> list[str]:
    """Integrations without a test file of their own."""
    return [
        f"tests/mstoken/integrations/test_{path.stem}.py is missing"
        for path in sorted((root / PRODUCT / "integrations").glob("[!_]*.py"))
        if not (root / f"tests/mstoken/integrations/test_{path.stem}.py").exists()
    ]


CHECKS = (unlisted_commands, untested_stores, unserved_apis, untested_integrations)


def test_everything_has_its_other_half() -> None:
    """Commands are listed, stores and integrations are tested, APIs are served."""
    assert [problem for check in CHECKS for problem in check(ROOT)] == []


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        (
            "src/mstoken/cli/tenants.py",
            '@command(short_help="Your tenants.")\ndef tenants() -> None: ...\n',
            "tenants:tenants is not in COMMANDS of cli/app.py",
        ),
        (
            "src/mstoken/stores/tape.py",
            "class TapeAccessTokens:\n" + "".join(f"    def {name}(self): ...\n" for name in ACCESS_TOKEN_STORE),
            "TapeAccessTokens is in no fixture of tests/mstoken/stores/conftest.py",
        ),
        (
            "src/mstoken/stores/tape.py",
            "class TapeRefreshTokens:\n" + "".join(f"    def {name}(self): ...\n" for name in REFRESH_TOKEN_STORE),
            "TapeRefreshTokens is in no fixture of tests/mstoken/stores/conftest.py",
        ),
        (
            "src/entra_emulator/apis/storage/__init__.py",
            "def routes(): ...\n",
            "the routes of apis/storage/__init__.py are not served by emulator.py",
        ),
        ("src/mstoken/integrations/helm.py", "", "tests/mstoken/integrations/test_helm.py is missing"),
    ],
)
def test_a_missing_half_is_reported(tmp_path: Path, file: str, text: str, problem: str) -> None:
    """A command that is not listed, a store that no test uses, an API that is not served, an untested integration."""
    for part in (PRODUCT / "cli", PRODUCT / "stores", PRODUCT / "integrations", EMULATOR, Path("tests/mstoken/stores")):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert [found for check in CHECKS for found in check(tmp_path)] == [problem]
