"""`mstoken completion`, and the completions themselves. They never report an error, because you are still typing."""

from __future__ import annotations

import contextlib

import click

from mstoken.cli.command import command
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_service(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 - click's signature
    """Return names of services, with their titles for shells that show them; aliases if no name matches."""
    from click.shell_completion import CompletionItem

    with contextlib.suppress(Exception):
        from mstoken.services import catalogue

        typed = incomplete.lower()
        all_services = catalogue()
        found = [(service.name, service.title) for service in all_services if service.name.startswith(typed)]
        found = found or [
            (alias, service.title) for service in all_services for alias in service.aliases if alias.startswith(typed)
        ]
        return [CompletionItem(name, help=title) for name, title in found]
    return []


def complete_profile(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 - click's signature
    """Return names of the profiles in your configuration."""
    from click.shell_completion import CompletionItem

    with contextlib.suppress(Exception):
        from mstoken.config.profiles import names

        return [CompletionItem(name) for name in names() if name.startswith(incomplete)]
    return []


def complete_cloud(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 - click's signature
    """Return names of the clouds."""
    from click.shell_completion import CompletionItem

    with contextlib.suppress(Exception):
        from mstoken.clouds import CLOUDS

        return [CompletionItem(cloud.name, help=cloud.title) for cloud in CLOUDS if cloud.name.startswith(incomplete)]
    return []


@command(short_help="Print the completion script for your shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
def completion(shell: str) -> None:
    """Print the script that lets your shell complete mstoken's commands, options, services and profiles.

    \b
      bash, in ~/.bashrc:   eval "$(mstoken completion bash)"
      zsh, in ~/.zshrc after compinit:
                            eval "$(mstoken completion zsh)"
      fish, once:           mstoken completion fish > ~/.config/fish/completions/mstoken.fish
      PowerShell, in $PROFILE:
                            mstoken completion powershell | Out-String | Invoke-Expression
    """
    from click.shell_completion import get_completion_class

    from mstoken.cli import output
    from mstoken.cli.app import COMPLETE_VARIABLE, app
    from mstoken.cli.completion_powershell import register

    register()
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - the choices above are click's and ours
    script = made(app, {}, "mstoken", COMPLETE_VARIABLE).source().strip("\n")
    # Click's script for fish splits at every comma and so cuts descriptions off at their first one.
    output.write(script.replace('string split ","', 'string split --max 1 ","'))
