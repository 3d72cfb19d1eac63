"""`mstoken emulator`: the local Entra ID. The only file of mstoken that knows the emulator."""

from __future__ import annotations

import shlex

import click

from mstoken.cli import exit_codes
from mstoken.cli.command import Command
from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMAND_KEY = "mstoken.command"  # where in the context's notes the words after -- are kept


class _EmulatorGroup(click.Group):
    """A command whose own arguments end at `--`; what follows is somebody else's command line and is not looked at."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            cut = args.index("--")
            ctx.meta[_COMMAND_KEY] = tuple(args[cut + 1 :])
            args = args[:cut]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            meant = shlex.join(args)
            raise UsageError(
                f"{args[0]!r} is no command of the emulator.",
                f"Put -- before one of yours: mstoken emulator -- {meant}",
            )
        return super().resolve_command(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


@click.group(
    cls=_EmulatorGroup, invoke_without_command=True, short_help="Run a local Entra ID, alone or around a command."
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Tenants, applications and users, as TOML, instead of the built-in ones.",
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65_535),
    default=0,
    help="HTTPS port on 127.0.0.1; any free one without it.",
)
@click.pass_context
def emulator(ctx: click.Context, config: str | None, port: int) -> int | None:
    """Run a local Entra ID with a few Microsoft APIs, to try and test things without a tenant.

    With -- COMMAND, the command runs in an environment that points it at the emulator: authority, certificate
    authority, tenant, client ID, secret, and a token cache of its own. Its exit code is passed on; 125 means that the
    emulator could not start, 126 and 127 that the command could not. Without a command, it prints those settings and
    runs until Ctrl-C.

    \b
      mstoken emulator -- mstoken get graph
      mstoken emulator --config tenants.toml -- pytest
      mstoken emulator --port 8443
    """
    if ctx.invoked_subcommand:
        return None
    command: Sequence[str] | None = ctx.meta.get(_COMMAND_KEY)
    if command is not None and not command:
        raise click.UsageError("There is no command after --.", ctx)
    _check_installed()
    from entra_emulator.command import OWN_FAILURE, run, serve

    if command is not None:
        return run(list(command), config, port)
    code = serve([*(["--config", config] if config else []), "--port", str(port)])
    return exit_codes.USAGE if code == OWN_FAILURE else code


_SHELLS = ("bash", "fish", "powershell", "dotenv", "json", "python", "node", "go", "java", "dotnet")


@emulator.command("env", cls=Command, short_help="Print the settings of a running emulator.")
@click.option("--shell", type=click.Choice(_SHELLS), default="bash", help="For which shell or language.")
@click.option("--port", metavar="N", type=click.IntRange(1, 65_535), help="Which emulator, if several run.")
def environment(shell: str, port: int | None) -> int:
    """Print the settings that point programs at an emulator you have running in another terminal.

    \b
      eval "$(mstoken emulator env)"
      mstoken emulator env --shell powershell | Invoke-Expression
      mstoken emulator env --shell dotenv > .env
    """
    _check_installed()
    from entra_emulator.command import env

    return exit_codes.USAGE if env(shell, port or 0) else exit_codes.DONE


def _check_installed() -> None:
    """Raises UsageError when the emulator's own packages are not there."""
    try:
        import entra_emulator.emulator  # noqa: F401 - importing it is the question
    except ImportError as error:
        missing = (error.name or "one").partition(".")[0]
        raise UsageError(
            f"The emulator needs packages that are not installed ({missing} is missing).",
            "pip install 'mstoken[emulator]'",
        ) from None
