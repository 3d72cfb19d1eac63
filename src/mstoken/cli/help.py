"""`mstoken help` and `mstoken version`: what people type before they know the options."""

from __future__ import annotations

import click

from mstoken.cli import output
from mstoken.cli.command import command


@command(short_help="Show the help of a command.")
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Show the help of mstoken, or of COMMAND, as --help does.

    \b
      mstoken help
      mstoken help cache list
    """
    shown = ctx.find_root()
    for name in names:
        group = shown.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{shown.command_path} has no commands of its own.", shown)
        _, found, _ = group.resolve_command(shown, [name])
        assert found is not None  # noqa: S101 - resolve_command raises for an unknown name
        shown = click.Context(found, info_name=name, parent=shown)
    output.write(shown.get_help())


@command(short_help="Show the version.")
def version() -> None:
    """Show the version of mstoken, as -V and --version do."""
    output.write(version_line())


def version_line() -> str:
    """Return the program's name and version."""
    import mstoken

    return f"mstoken {mstoken.__version__}"
