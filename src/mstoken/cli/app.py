"""The commands of `mstoken`, by name. A command's module is imported only when the command runs."""

from __future__ import annotations

import importlib
import os
import re

import click

from mstoken.cli import exit_codes, output
from mstoken.cli.command import debug_option
from mstoken.redaction import shown
from mstoken.texts import closest_match, did_you_mean
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

SECTIONS = {
    "Tokens": ("get", "request"),
    "Sign-ins": ("login", "accounts", "logout", "whoami"),
    "Stored tokens": ("cache", "keepalive"),
    "Understand": ("services", "permissions", "inspect", "explain", "doctor"),
    "Settings": ("config",),
    "Partners (CSP)": ("partner",),
    "Testing": ("emulator",),
    "Shell": ("completion", "powershell", "help", "version"),
    "For other tools": ("git-credential", "docker-credential", "kube", "mail-token", "serve", "exec", "mcp"),
    "For programs": ("session",),
}
"""The sections of `mstoken --help`; every command belongs to one."""

COMMANDS = {
    "get": "mstoken.cli.get:get",
    "login": "mstoken.cli.login:login",
    "accounts": "mstoken.cli.accounts:accounts",
    "logout": "mstoken.cli.logout:logout",
    "whoami": "mstoken.cli.whoami:whoami",
    "request": "mstoken.cli.request:request",
    "cache": "mstoken.cli.cache:cache",
    "keepalive": "mstoken.cli.keepalive:keepalive",
    "services": "mstoken.cli.services:services",
    "permissions": "mstoken.cli.permissions:permissions",
    "inspect": "mstoken.cli.inspect:inspect",
    "explain": "mstoken.cli.explain:explain",
    "partner": "mstoken.cli.partner:partner",
    "doctor": "mstoken.cli.doctor:doctor",
    "config": "mstoken.cli.config:config",
    "emulator": "mstoken.cli.emulator:emulator",
    "completion": "mstoken.cli.completion:completion",
    "powershell": "mstoken.cli.powershell:powershell",
    "git-credential": "mstoken.cli.git_credential:git_credential",
    "docker-credential": "mstoken.cli.docker_credential:docker_credential",
    "kube": "mstoken.cli.kube:kube",
    "mail-token": "mstoken.cli.mail_token:mail_token",
    "serve": "mstoken.cli.serve:serve",
    "mcp": "mstoken.cli.mcp:mcp",
    "exec": "mstoken.cli.exec_command:exec_command",
    "session": "mstoken.cli.session:session",
    "help": "mstoken.cli.help:help_command",
    "version": "mstoken.cli.help:version",
}
"""Command -> module:object of its click command."""

COMPLETE_VARIABLE = "_MSTOKEN_COMPLETE"
"""The variable with which a shell's script requests completions; click derives it from the program's name."""

# Click 8.1 prints the help of a group without a command itself, and has no such exception.
_HELP: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())

_SECRET_OPTION = re.compile("secret|password|refresh-?token|access-?token|^--token", re.IGNORECASE)


class LazyGroup(click.Group):
    """A group that loads its commands from COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        where = COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table is ours
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = did_you_mean(closest_match(args[0], COMMANDS))
            raise click.UsageError(f"There is no command {shown(args[0])!r}. {hint}".rstrip(), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, names in SECTIONS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(section):
                formatter.write_dl([(name, command.get_short_help_str(80)) for name, command in commands if command])


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from mstoken.cli.help import version_line

        output.write(version_line())
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 unexpected, 2 "
    "usage, 3 sign-in required, 4 refused, 5 try later, 6 some of many failed.",
)
@click.option(
    "--version", "-V", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version."
)
def app() -> None:
    """Access tokens for Microsoft services, in one line.

    \b
      mstoken get graph              a token for Microsoft Graph
      mstoken services vault         find the service you need
      mstoken emulator -- COMMAND    try it with a local Entra ID
    """


app.params.append(debug_option())


def main(arguments: Sequence[str]) -> int:
    """Run the command line `arguments` (without the program's name), and return its exit code.

    Raises MstokenError, and OSError if standard output cannot be written. Click's own runner would exit with 1 if the
    reader has gone, as in `mstoken services | head`.
    """
    if COMPLETE_VARIABLE in os.environ:
        from mstoken.cli.completion_powershell import register

        register()
        app.main(list(arguments), prog_name="mstoken")
    try:
        return invoke(arguments)
    except click.ClickException as error:
        if isinstance(error, _HELP):  # for a group without a command, click shows the help, as an error
            error.show()
        else:
            output.error(*usage_problem(error), exit_code=exit_codes.USAGE)
        return exit_codes.USAGE


def invoke(arguments: Sequence[str]) -> int:
    """Run the command line `arguments` as `main` does. Raises click's exceptions too."""
    try:
        with app.make_context("mstoken", list(arguments)) as context:
            result: Any = app.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    return result if isinstance(result, int) else exit_codes.DONE


def usage_problem(error: click.ClickException) -> tuple[str, str]:
    """Return what is wrong on one line, and the help that explains it; for a secret option, the place for secrets."""
    if isinstance(error, click.NoSuchOption) and _SECRET_OPTION.search(error.option_name):
        message = f"There is no option {error.option_name}: other users and the shell history can see the command line."
        remedy = (
            "Set AZURE_CLIENT_SECRET, or name the secret's location in a profile. For a refresh token: "
            "cat file | mstoken login"
        )
        return message, remedy
    where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "mstoken"
    if isinstance(error, _HELP):  # its message is the whole help
        return "Missing command.", f"{where} --help"
    return " ".join(error.format_message().split()), f"{where} --help"
