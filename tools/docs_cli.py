"""Write docs/cli.md from the commands' own help and the table of exit codes; with --check, only compare.

Exit code 1 with --check when the page is not what this program would write, and when a command is in no section.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mstoken.cli import exit_codes
from mstoken.cli.app import COMMANDS, SECTIONS, app

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
WIDTH = 100
HEAD = """\
# Command line

<!-- written by tools/docs_cli.py from the program's own help; do not edit -->

Results go to standard output, everything else to standard error. [Configuration](configuration.md) says which
identity is used and where it comes from; [errors and exit codes](errors.md) says what an error means.

## Exit codes

| code | meaning |
|---|---|
"""


def help_of(command: click.Command, parent: click.Context) -> Iterator[str]:
    """The command's help as a block, then its own commands', if it has any."""
    context = click.Context(command, parent, command.name, terminal_width=WIDTH, max_content_width=WIDTH)
    yield f"\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield f"\n### {context.command_path} {name}\n"
                yield from help_of(inner, context)


def page() -> str:
    """The whole page."""
    parts = [HEAD, *(f"| {code} | {meaning} |\n" for code, meaning in exit_codes.MEANING.items())]
    root = click.Context(app, info_name="mstoken", help_option_names=app.context_settings["help_option_names"])
    for names in SECTIONS.values():
        for name in names:
            command = app.get_command(root, name)
            if command is not None:
                parts += [f"\n## mstoken {name}\n", *help_of(command, root)]
    return "".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    if absent := COMMANDS.keys() - {name for names in SECTIONS.values() for name in names}:
        print(f"docs/cli.md would lack {', '.join(sorted(absent))}: add it to SECTIONS of cli/app.py", file=sys.stderr)
        return 1
    if parser.parse_args().check:
        fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()
        print("docs/cli.md is fresh" if fresh else "docs/cli.md is stale: python tools/docs_cli.py")
        return 0 if fresh else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
