"""`mstoken emulator`: run the local Entra ID. This is the only file of mstoken that imports the emulator."""

from __future__ import annotations

import click

from mstoken.cli import exit_codes
from mstoken.cli.command import Command, WholeNumber, debug_option
from mstoken.errors import UsageError
from mstoken.shells import joined, reader_shell
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMAND_KEY = "mstoken.command"  # the key in the context under which the words after -- are stored


class _EmulatorGroup(click.Group):
    """A group whose own arguments end at `--`; the command line after it is not parsed."""

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
            command = joined(args)
            raise UsageError(
                f"The emulator has no command {args[0]!r}.",
                f"To run your own command, put -- before it: mstoken emulator -- {command}",
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
    help="TOML file with tenants, applications and users that replace the built-in ones.",
)
@click.option(
    "--port",
    metavar="N",
    type=WholeNumber(0, 65_535),
    default=0,
    help="HTTPS port on 127.0.0.1; by default any free one.",
)
@click.option(
    "--until-stdin-closes", is_flag=True, help="End when standard input closes, for a program that starts the emulator."
)
@click.pass_context
def emulator(ctx: click.Context, config: str | None, port: int, until_stdin_closes: bool) -> int | None:
    """Run a local Entra ID with a few Microsoft APIs, to develop and test without a tenant.

    With -- COMMAND, the command runs in an environment that points to the emulator: authority, certificate authority,
    tenant, client ID, secret, and a separate token cache. mstoken returns the command's exit code, 125 if the emulator
    could not start, and 126 or 127 if the command could not start. Without a command, the emulator prints those
    settings and runs until Ctrl-C.

    \b
      mstoken emulator -- mstoken get graph
      mstoken emulator --config tenants.toml -- pytest
      mstoken emulator --port 8443
    """
    if ctx.invoked_subcommand:
        return None
    command: Sequence[str] | None = ctx.meta.get(_COMMAND_KEY)
    if command is not None and not command:
        raise click.UsageError("No command follows --.", ctx)
    _check_installed()
    from entra_emulator.command import OWN_FAILURE, run, serve

    if command is not None:
        return run(list(command), config, port)
    # If the shell is unknown, the settings are printed for both kinds. For cmd too they are PowerShell's.
    shells = {"posix": ["bash"], "fish": ["fish"], "": ["powershell", "bash"]}.get(reader_shell(), ["powershell"])
    chosen = [word for shell in shells for word in ("--shell", shell)]
    until = ["--until-stdin-closes"] if until_stdin_closes else []
    code = serve([*(["--config", config] if config else []), "--port", str(port), *chosen, *until])
    return exit_codes.USAGE if code == OWN_FAILURE else code


_SHELLS = ("bash", "fish", "powershell", "dotenv", "json", "python", "node", "go", "java", "dotnet")


emulator.params.append(debug_option())


@emulator.command("env", cls=Command, short_help="Print the settings of a running emulator.")
@click.option(
    "--shell",
    "--output",
    "-o",
    "shell",
    type=click.Choice(_SHELLS),
    default="bash",
    help="Shell or language of the output.",
)
@click.option("--port", metavar="N", type=WholeNumber(1, 65_535), help="Port of the emulator, if several are running.")
@click.option("--undo", is_flag=True, help="Print what takes the settings back; needs no running emulator.")
def environment(shell: str, port: int | None, undo: bool) -> int:
    """Print the settings that point programs to an emulator that runs in another terminal.

    A PowerShell session that has already sent requests is redirected too, and --undo restores it. Node, Go, .NET and
    Java read their settings when they start.

    \b
      eval "$(mstoken emulator env)"
      mstoken emulator env -o powershell | Invoke-Expression
      mstoken emulator env -o powershell --undo | Invoke-Expression
      mstoken emulator env --shell dotenv > .env
    """
    _check_installed()
    from entra_emulator.command import env

    return exit_codes.USAGE if env(shell, port or 0, undo=undo) else exit_codes.DONE


@emulator.command("sign-in", cls=Command, short_help="Complete a browser sign-in as a user, without a browser.")
@click.argument("url")
@click.option("--user", required=True, metavar="UPN", help="The user; any of the emulator's.")
@click.option("--port", metavar="N", type=WholeNumber(1, 65_535), help="Port of the emulator, if several are running.")
def sign_in(url: str, user: str, port: int | None) -> int:
    """Sign in as a user at URL, which a program opens in a browser, and send the response to the program.

    It enters the password, approves the second factor and consents. As the browser of a program, it lets sign-ins run
    in CI.

    \b
      BROWSER="mstoken emulator sign-in --user nadia@northwind-partner.example %s" az login
    """
    _check_installed()
    from entra_emulator.command import sign_in

    return exit_codes.USAGE if sign_in(url, user, port or 0) else exit_codes.DONE


def _check_installed() -> None:
    """Raise UsageError if the emulator's own packages are not installed."""
    try:
        import entra_emulator.emulator  # noqa: F401 - importing it is the question
    except ImportError as error:
        missing = (error.name or "one").partition(".")[0]
        raise UsageError(
            f"The emulator needs packages that are not installed ({missing} is missing).",
            "pip install 'mstoken[emulator]'",
        ) from None
