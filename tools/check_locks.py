"""Check that locks are made in `mstoken.forks` only, so that a fork's child gets new ones.

A lock that another thread of the parent holds when a child is forked stays locked in the child for ever, since the
thread that would unlock it is not there (pthread_atfork(3), rationale). `forks.ForkSafe` replaces its lock in the
child; `forks.call_lock` is for the locks of one call, which no child meets.

Locks of asyncio belong to one event loop, which no child continues, and are not checked. Nor is `threading.Event`: its
waiters have a time limit, or wait for a thread that their own process has started.

Usage: check_locks.py [ROOT]
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAKERS = {"Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Barrier", "allocate_lock"}
MODULES = {"threading", "_thread", "multiprocessing"}
ALLOWED = Path("src/mstoken/forks.py")


def locks_made(tree: ast.Module) -> list[tuple[int, str]]:
    """(line, name) of every place that makes a lock of threads or processes, however it was imported.

    A condition over a lock that exists already makes none.
    """
    modules, makers = set(MODULES), dict[str, str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname for alias in node.names if alias.asname and alias.name in MODULES}
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            makers |= {alias.asname or alias.name: alias.name for alias in node.names if alias.name in MAKERS}
    over_a_lock = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args}
    types = {id(node) for part in type_expressions(tree) for node in ast.walk(part)}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr) or id(node) in types:
            continue
        name = ""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            name = node.attr if node.attr in MAKERS else ""
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            name = makers.get(node.id, "")
        if name and not (name == "Condition" and id(node) in over_a_lock):
            found.append((node.lineno, name))
    return sorted(found)


def type_expressions(tree: ast.Module) -> list[ast.expr]:
    """Annotations and base classes, where a lock's class is a type and no lock is made."""
    found: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
        elif isinstance(node, ast.ClassDef):
            found += node.bases
    return [part for part in found if part is not None]


def problems(root: Path = ROOT) -> list[str]:
    """One line for each lock."""
    return [
        f"{path.relative_to(root)}:{line}: {name} is made outside mstoken.forks; use forks.ForkSafe or forks.call_lock"
        for path in sorted((root / "src" / "mstoken").rglob("*.py"))
        if path.relative_to(root) != ALLOWED
        for line, name in locks_made(ast.parse(path.read_text(encoding="utf-8")))
    ]


def main() -> int:
    found = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    print("\n".join(found) or "locks: all are renewed after a fork", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
