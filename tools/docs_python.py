"""Write the methods of the clients in docs/python.md, with their signatures, from the code; with --check, only compare.

Exit code 1 with --check when the page is not what this program would write.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path

from mstoken import AsyncClient, Client

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
BEGIN = "<!-- methods: written by tools/docs_python.py, do not edit -->"
END = "<!-- end of methods -->"
FOR_TOOLS = {"target", "token_request"}
"""Methods that show what a call would request; they have no place on the page."""


def methods(client: type[Client | AsyncClient] = Client) -> dict[str, inspect.Signature]:
    """The public methods for programs, in the order of the source, with their signatures without `self`."""
    found = {}
    for name, function in vars(client).items():
        if inspect.isfunction(function) and not name.startswith("_") and name not in FOR_TOOLS:
            signature = inspect.signature(function)
            found[name] = signature.replace(parameters=list(signature.parameters.values())[1:])
    return found


def shown(name: str, signature: inspect.Signature) -> str:
    """The signature as people write it, over several lines when it is long. Annotations are text already."""
    parameters = [parameter_text(parameter) for parameter in signature.parameters.values()]
    star = next((n for n, p in enumerate(signature.parameters.values()) if p.kind is p.KEYWORD_ONLY), None)
    if star is not None and not any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
        parameters.insert(star, "*")
    returned = signature.return_annotation
    line = f"{name}({', '.join(parameters)}) -> {returned}"
    if len(line) <= 100:
        return line
    return f"{name}(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + f") -> {returned}"


def parameter_text(parameter: inspect.Parameter) -> str:
    star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{star}{parameter.name}: {parameter.annotation}{default}"


def section(name: str, signature: inspect.Signature) -> str:
    text = inspect.getdoc(getattr(Client, name)) or ""
    return f"### `{name}`\n\n```text\n{shown(name, signature)}\n```\n\n{text}\n"


def page(text: str) -> str:
    """The page with the methods as they are now."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{PAGE} has no place for the methods: {BEGIN} … {END}")
    body = "\n".join(section(name, signature) for name, signature in methods().items())
    return f"{head}{BEGIN}\n\n{body}\n{END}{tail}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = PAGE.read_text("utf-8")
    wanted = page(text)
    if check:
        return int(text != wanted)
    PAGE.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
