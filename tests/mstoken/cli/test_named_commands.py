"""Every mstoken command in a remedy, a message, a help text or a page is one that the program accepts."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mstoken import aadsts
from mstoken.cli.app import app

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted((ROOT / "src" / "mstoken").rglob("*.py"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
KNOWN = {"tenant": "contoso.com", "client_id": "c", "resource": "graph", "profile": "work", "claims": "e30"}

# Words that follow the program's name if it is the subject of a sentence, or a module's name in Python.
VERBS = (
    "adds|does|explains|has|import|inside|keeps|knows|makes|on|opens|prints|raises|reads|returns|sends|sets|starts|stores|takes|that|the"
    "|then|waits|will|would"
)
# The start of a command: the name, then an option or a word; not in a synopsis, and not as a value of another program.
BEGINS = re.compile(rf"(?<![\w./'\"\[=-])(?<!Usage: )(?<!--display-name )mstoken (?!(?:{VERBS})\b)(?=-|[a-z]+\b)")
# The end of a command in a sentence or a shell: the closing quotation, a pipe, a redirection, or what follows it.
QUOTED = r"(?<= )'[^'\n]*'(?= |\n|`|$)"
"""An argument in quotation marks: what would end a command does not do so inside it."""
ENDS = re.compile(r"`|\n|…|'(?= |$)| [|<>#]| 2>|[;,:.](?:\s|$)|\)(?=[\s;:,.]|$)| \(|\s{2,}| \.\.\.")


def commands_in(text: str) -> Iterator[str]:
    """Yield the commands that a text names, without the program's name."""
    text = text.replace("\\\n", " ").replace("\\|", "|")
    for begin in BEGINS.finditer(text):
        substituted = text.endswith("$(", 0, begin.start())  # in a shell: `$(mstoken completion bash)`
        helper = text.endswith("'!", 0, begin.start())  # in a setting of Git: '!mstoken git-credential'
        closing = ")" if substituted else "'" if helper else ""
        ends = re.escape(closing) if closing else f"{QUOTED}|(?P<end>{ENDS.pattern})"
        found = re.compile(ends).finditer(text, begin.end())
        end = next((one for one in found if closing or one["end"] is not None), None)
        yield text[begin.end() : end.start() if end else len(text)].strip()


def texts_of(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of a module, with X for each placeholder; docstrings and adjacent pieces as one."""
    formatted = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inside = {id(part) for node in formatted for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def of_messages() -> Iterator[tuple[str, str]]:
    for path in SOURCES:
        for text in texts_of(ast.parse(path.read_text("utf-8"))):
            yield from ((path.name, command) for command in commands_in(text))


def of_remedies() -> Iterator[tuple[str, str]]:
    for cause in aadsts.entries():
        for context in ({}, KNOWN):
            filled = aadsts.fill(cause.remedy, **context)
            yield from ((cause.code, command) for command in commands_in(re.sub("<[a-z-]+>", "X", filled)))


def of_pages() -> Iterator[tuple[str, str]]:
    for path in PAGES:
        for quoted in re.findall(r"```(?:\w+)?\n.*?```|`[^`\n]+`", path.read_text("utf-8"), re.DOTALL):
            yield from ((path.name, command) for command in commands_in(re.sub("\\\\?<[a-z-]+>", "X", quoted)))


def check(line: str) -> None:
    """Raise click's own error unless the program accepts the line; the values of choices are checked too."""
    words, _, rest = line.partition(" -- ")
    context, arguments = click.Context(app), shlex.split(words)
    command: click.Command = app
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        inner = command.get_command(context, arguments[0])
        bare = command.get_command(context, "show")
        if inner is None and bare is not None and bare.hidden:  # its name is left out: mstoken permissions METHOD URL
            command = bare
            context = click.Context(command, context)
            break
        if inner is None:
            raise click.UsageError(f"no command {arguments[0]}")
        context = click.Context(inner, context, arguments.pop(0))
        command = inner
    given, extra, _ = command.make_parser(context).parse_args(arguments)
    assert not extra, extra
    for parameter in command.params:
        value = given.get(parameter.name)
        if isinstance(value, str) and isinstance(parameter.type, click.Choice) and not value.isupper():
            parameter.type.convert(value, parameter, context)
    if rest.startswith("mstoken "):
        check(rest.removeprefix("mstoken "))


@pytest.mark.usefixtures("shell_reader")
@pytest.mark.parametrize("source", [of_messages, of_remedies, of_pages])
def test_every_named_command_is_accepted(source: object) -> None:
    """Command, options, choices and the number of arguments are those of the program."""
    assert callable(source)
    wrong, seen = [], set()
    for where, line in source():
        seen.add(line.split()[0])
        try:
            check(line)
        except (click.ClickException, AssertionError, ValueError) as error:
            wrong.append(f"{where}: mstoken {line}: {error}")
    assert not wrong, "\n".join(sorted(set(wrong)))
    assert {"get", "login"} <= seen
