"""Check that no import cycle exists: not at module level, not inside a function, not under TYPE_CHECKING.

import-linter and Python itself see only some of these edges. Here every `import` statement counts, wherever it stands.
`from package import name` is an edge to the submodule `package.name` where there is one, else to the package. The
packages that Python imports on the way to a submodule are not edges: only what is written counts.

Usage: check_imports.py [ROOT]
"""

from __future__ import annotations

import ast
import sys
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOTS = ("src/mstoken", "src/entra_emulator", "bench", "tools", "fuzz", "tests/support")
"""Folders whose modules may not import each other in a circle."""

Edges = dict[str, dict[str, int]]
"""Module -> module that it imports -> line of the first import."""


def modules_of(root: Path) -> dict[str, Path]:
    """Every module below the checked folders, by its dotted name."""
    found = {}
    for folder in ROOTS:
        base = root / "src" if folder.startswith("src/") else root
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(name: str, path: Path, modules: dict[str, Path]) -> dict[str, int]:
    """The checked modules that the module `name` imports, with the line of the first import."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            full = [f"{base}.{alias.name}" for alias in node.names]
            targets = [target if target in modules else base for target in full]
        for target in targets:
            if target in modules and target != name and isinstance(node, ast.stmt):
                found.setdefault(target, node.lineno)
    return found


def cycles(edges: Edges) -> list[list[str]]:
    """The strongly connected components of more than one module (Tarjan, "Depth-first search …", 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for target in edges[module]:
            if target not in number:
                visit(target)
                lowest[module] = min(lowest[module], lowest[target])
            elif target in stack:
                lowest[module] = min(lowest[module], number[target])
        if lowest[module] == number[module]:
            at = stack.index(module)
            component = stack[at:]
            del stack[at:]
            if len(component) > 1:
                found.append(sorted(component))

    sys.setrecursionlimit(10_000)
    for module in edges:
        if module not in number:
            visit(module)
    return found


def shortest_circle(members: list[str], edges: Edges) -> list[str]:
    """A shortest way from the first member around to itself, within the component."""
    start, inside = members[0], set(members)
    ways = {start: [start]}
    queue = [start]
    for module in queue:
        for target in edges[module]:
            if target == start:
                return [*ways[module], start]
            if target in inside and target not in ways:
                ways[target] = [*ways[module], target]
                queue.append(target)
    raise AssertionError("a component has a way around")


def problems(root: Path = ROOT) -> list[str]:
    """One line for each cycle, with the file and line of every import on a shortest way around."""
    modules = modules_of(root)
    edges = {name: imports_of(name, path, modules) for name, path in modules.items()}
    lines = []
    for members in cycles(edges):
        circle = shortest_circle(members, edges)
        steps = [
            f"{modules[module].relative_to(root)}:{edges[module][target]} imports {target}"
            for module, target in pairwise(circle)
        ]
        lines.append(f"import cycle of {len(members)} modules: " + "; ".join(steps))
    return lines


def main() -> int:
    found = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    print("\n".join(found) or "imports: no cycles", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
