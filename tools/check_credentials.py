"""Check that every credential class has answered every question, in the code and in the table of flows.

- It states each answer of `mstoken.credentials.base` (importing a class that does not raises TypeError).
- It is part of the union `mstoken.credentials.Credential`, so that mypy sees a `match` that leaves it out.
- `mstoken.flows.table` has a row for it, whose flow exists and takes this credential.
- `mstoken.credentials` exports it, and `mstoken` too where programs construct it.
- It is a `@value`: frozen, without its secrets in the repr.
- The cache partition of a credential that acts for a user depends on the credential, so that no two users share one.
- The tests that look for secrets in messages, tracebacks and files have one of each.
- A `match` over credentials ends in `case _: assert_never(...)`, so that none falls into a case for all others; and no
  `isinstance` lists several credential classes, since what they have in common is an answer of the classes themselves.

tools/check_secrets.py checks its fields, tools/check_flows.py the documentation and the tests that it names.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import sys
import textwrap
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))  # this tree, also when another one is installed

import mstoken  # noqa: E402
from mstoken import credentials  # noqa: E402
from mstoken.credentials import AssertionSource, BaseCredential, ClientCredential, Credential, SignIn  # noqa: E402
from mstoken.flows.table import FLOWS  # noqa: E402

NOT_CONSTRUCTED = {"Chain"}
"""Credentials that mstoken constructs and programs do not."""

SECRECY_TESTS = (
    "tests/mstoken/flows/test_nothing_secret_shows.py",
    "tests/mstoken/flows/test_local_variables.py",
    "tests/integration/test_no_secret_leaks.py",
)
"""The tests that look for secrets where they must not be. Each has a list of credentials."""

ALIASES = {
    "ClientCredential": {kind.__name__ for kind in get_args(ClientCredential)},
    "SignIn": {kind.__name__ for kind in get_args(SignIn)},
}


def credential_classes() -> dict[str, type[BaseCredential]]:
    """Every concrete credential class of the package, by name."""
    modules = [
        import_module(found.name) for found in pkgutil.iter_modules(credentials.__path__, "mstoken.credentials.")
    ]
    return {
        name: thing
        for module in modules
        for name, thing in vars(module).items()
        if isinstance(thing, type) and issubclass(thing, BaseCredential) and not isabstract(thing)
    }


def isabstract(kind: type[BaseCredential]) -> bool:
    """Whether the class only gathers what several credentials share."""
    return hasattr(kind.interactive, "__isabstractmethod__") and kind.interactive.__isabstractmethod__


def class_problems(classes: dict[str, type[BaseCredential]]) -> list[str]:
    """What a class has forgotten outside its own body."""
    union = {kind.__name__ for kind in get_args(Credential)}
    lines = []
    for name, kind in sorted(classes.items()):
        if "__value_fields__" not in vars(kind):
            lines.append(f"{name} is not a @value (mstoken.values)")
        if vars(kind)["acts_for_user"] is True and not reads_self(kind.cache_partition):
            lines.append(f"{name}: the cache partition is the same for all users")
        if name not in union:
            lines.append(f"{name} is not part of mstoken.credentials.Credential")
        if name not in credentials.__all__:
            lines.append(f"{name} is not exported by mstoken.credentials")
        if name not in mstoken.__all__ and name not in NOT_CONSTRUCTED:
            lines.append(f"{name} is not exported by mstoken")
        if name not in FLOWS:
            lines.append(f"{name} has no row in mstoken.flows.table")
        elif problem := row_problem(name, FLOWS[name]):
            lines.append(f"the row of {name} in mstoken.flows.table: {problem}")
    return lines


def reads_self(method: Callable[..., str]) -> bool:
    """Whether the method's result can depend on its credential: it reads a field or another method of `self`."""
    function = ast.parse(textwrap.dedent(inspect.getsource(method))).body[0]
    assert isinstance(function, ast.FunctionDef)  # noqa: S101 - inspect.getsource returns a definition
    read = {node.id for part in function.body for node in ast.walk(part) if isinstance(node, ast.Name)}
    return function.args.args[0].arg in read


def untested(path: Path, classes: Iterable[str]) -> list[str]:
    """Credentials that a test of secrecy does not use."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return [f"{path}: no test of secrecy with {name}" for name in sorted(set(classes) - used)]


def row_problem(name: str, row: str) -> str:
    """What is wrong with the flow that a row names; '' if nothing is."""
    module, _, function = row.partition(":")
    try:
        flow = getattr(import_module(f"mstoken.flows.{module}"), function)
    except (ImportError, AttributeError) as error:
        return str(error)
    parameters = list(inspect.signature(flow).parameters.values())
    names = [parameter.name for parameter in parameters[:3]]
    if not inspect.iscoroutinefunction(flow) or names != ["request", "credential", "port"]:
        return f"{row} is not `async def {function}(request, credential, port)`"
    named = {node.id for node in ast.walk(ast.parse(parameters[1].annotation)) if isinstance(node, ast.Name)}
    taken = named.union(*(ALIASES[alias] for alias in named & set(ALIASES)))
    return "" if name in taken else f"{row} does not take {name}"


def code_problems(path: Path, classes: set[str]) -> list[str]:
    """Every `match` and `isinstance` of a file that would let a new credential pass unnoticed."""
    lines = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Match) and matched(node) & classes and not ends_in_assert_never(node):
            lines.append(f"{path}:{node.lineno}: this match over credentials does not end in assert_never")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            named = [last_name(part) for part in ast.walk(node.args[1]) if last_name(part) in classes]
            if len(named) > 1:
                lines.append(f"{path}:{node.lineno}: isinstance lists {', '.join(named)}; state it in their classes")
    return lines


def matched(match: ast.Match) -> set[str]:
    """The classes that the cases of a match name."""
    patterns = [node for case in match.cases for node in ast.walk(case.pattern)]
    return {last_name(node.cls) for node in patterns if isinstance(node, ast.MatchClass)}


def last_name(node: ast.AST) -> str:
    """`Chain` of both `Chain` and `credentials.Chain`; '' for anything else."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def ends_in_assert_never(match: ast.Match) -> bool:
    last = match.cases[-1]
    everything = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and last.guard is None
    call = last.body[0].value if len(last.body) == 1 and isinstance(last.body[0], ast.Expr) else None
    return everything and isinstance(call, ast.Call) and ast.unparse(call.func) == "assert_never"


def problems(root: Path = ROOT) -> list[str]:
    """One line for each."""
    classes = credential_classes()
    names = set(classes) | {kind.__name__ for kind in get_args(AssertionSource)}
    lines = class_problems(classes)
    for path in sorted((root / "src" / "mstoken").rglob("*.py")):
        lines += code_problems(path, names)
    for name in SECRECY_TESTS:
        lines += untested(root / name, classes)
    return lines


def main() -> int:
    found = problems()
    print("\n".join(found) or "credentials: every class has answered", file=sys.stderr if found else sys.stdout)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
