"""Check that a package that imports its names on first use shows type checkers the same names as programs.

Such a package has a module `__getattr__`. Type checkers and editors see the imports under `if TYPE_CHECKING:` of its
`__init__.py`, programs see `__all__`; a name in only one of them is an error in half of the tools. Each name of
`__all__` can be imported.

Usage: check_exports.py [ROOT]
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def names_for_type_checkers(tree: ast.Module, package: str) -> set[str]:
    """The names that `if TYPE_CHECKING:` imports from the package's own modules."""
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    own = [node for node in imports if node.level or (node.module or "").partition(".")[0] == package]
    return {alias.asname or alias.name for node in own for alias in node.names}


def exported(tree: ast.Module) -> set[str]:
    """The names of `__all__`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def missing(root: Path, package: str, names: set[str]) -> list[str]:
    """Names that cannot be imported from the package."""
    code = f"import {package} as package; print(*(name for name in {sorted(names)} if not hasattr(package, name)))"
    tool = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root / 'src')!r}); {code}"]
    done = subprocess.run(tool, capture_output=True, text=True, check=False)
    return done.stdout.split() if done.returncode == 0 else [done.stderr.strip().rpartition("\n")[2]]


def problems(root: Path = ROOT) -> list[str]:
    """One line for each name."""
    lines = []
    for path in sorted((root / "src").rglob("__init__.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body):
            continue
        package = ".".join(path.parent.relative_to(root / "src").parts)
        typed, names = names_for_type_checkers(tree, package.partition(".")[0]), exported(tree)
        lines += [f"{package}: {name} is in __all__ and not under TYPE_CHECKING" for name in sorted(names - typed)]
        lines += [f"{package}: {name} is under TYPE_CHECKING and not in __all__" for name in sorted(typed - names)]
        lines += [f"{package}: {name} of __all__ cannot be imported" for name in missing(root, package, names)]
    return lines


def main() -> int:
    found = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    everything = "exports: type checkers and programs see the same names"
    print("\n".join(found) or everything, file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
