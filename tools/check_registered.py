"""Check that a new command, store, emulated API, grant of the emulator or integration is registered where it must be.

- A command is in `COMMANDS` and in one section of `SECTIONS` of cli/app.py, so that the help and docs/cli.md show it.
- A store is in a fixture of tests/mstoken/stores/conftest.py, so that the tests of all stores run with it.
- An API of the emulator is served by emulator.py, and a grant is in the table that its token endpoint reads.
- An integration has a test file.

Usage: check_registered.py [ROOT]
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = Path("src/mstoken")
EMULATOR = Path("src/entra_emulator")
ACCESS_TOKEN_STORE = {"load", "save", "delete", "try_lock"}
REFRESH_TOKEN_STORE = {"load", "replace", "put", "end"}


def trees(folder: Path) -> dict[Path, ast.Module]:
    """Every module below `folder`, parsed."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}


def assigned(path: Path, name: str) -> ast.expr:
    """The value that a module assigns to `name`."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                return node.value
    raise LookupError(f"{path} assigns nothing to {name}")


def unlisted_commands(root: Path) -> list[str]:
    """Commands that the table in cli/app.py does not list. A group's own commands belong to the group."""
    listed: dict[str, str] = ast.literal_eval(assigned(root / PRODUCT / "cli" / "app.py", "COMMANDS"))
    return [
        f"{path.stem}:{node.name} is not in COMMANDS of cli/app.py"
        for path, tree in trees(root / PRODUCT / "cli").items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and path.stem != "app"
        and any(re.match(r"(command|click\.(command|group))\(", ast.unparse(one)) for one in node.decorator_list)
        and f"mstoken.cli.{path.stem}:{node.name}" not in listed.values()
    ]


def commands_without_section(root: Path) -> list[str]:
    """Commands that no section of the help shows, or several do, and names in a section that are no commands."""
    app = root / PRODUCT / "cli" / "app.py"
    commands: dict[str, Any] = ast.literal_eval(assigned(app, "COMMANDS"))
    sections: dict[str, tuple[str, ...]] = ast.literal_eval(assigned(app, "SECTIONS"))
    shown = [name for names in sections.values() for name in names]
    return [
        f"{name} is in {shown.count(name)} sections of SECTIONS of cli/app.py, not in one"
        for name in commands
        if shown.count(name) != 1
    ] + [f"{name} of SECTIONS is not in COMMANDS of cli/app.py" for name in shown if name not in commands]


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
        f"the routes of apis/{path.relative_to(root / EMULATOR / 'apis').as_posix()} are not served by emulator.py"
        for path, tree in trees(root / EMULATOR / "apis").items()
        if any(isinstance(node, ast.FunctionDef) and node.name == "routes" for node in tree.body)
        and path.parent.parent == root / EMULATOR / "apis"
        and f"{path.parent.name}.routes()" not in served
    ]


def unregistered_grants(root: Path) -> list[str]:
    """Grants of the emulator that its token endpoint does not know: the table GRANTS in grants/__init__.py."""
    folder = root / EMULATOR / "grants"
    registered = ast.unparse(assigned(folder / "__init__.py", "GRANTS"))
    return [
        f"grants/{path.name} is not in GRANTS of grants/__init__.py"
        for path in sorted(folder.glob("[!_]*.py"))
        if not re.search(rf"\b{path.stem}\.\w+", registered)
    ]


def untested_integrations(root: Path) -> list[str]:
    """Integrations without a test file of their own."""
    return [
        f"tests/mstoken/integrations/test_{path.stem}.py is missing"
        for path in sorted((root / PRODUCT / "integrations").glob("[!_]*.py"))
        if not (root / f"tests/mstoken/integrations/test_{path.stem}.py").exists()
    ]


CHECKS = (
    unlisted_commands,
    commands_without_section,
    untested_stores,
    unserved_apis,
    unregistered_grants,
    untested_integrations,
)


def problems(root: Path = ROOT) -> list[str]:
    """One line for each."""
    return [problem for check in CHECKS for problem in check(root)]


def main() -> int:
    found = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    everything = "registered: every command, store, API, grant and integration has its other half"
    print("\n".join(found) or everything, file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
