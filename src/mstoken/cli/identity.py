"""The identity options of a command, and the client that they configure."""

from __future__ import annotations

from mstoken.cli import output
from mstoken.cli.error_handling import interrupt_at_once
from mstoken.cli.options import IDENTITY
from mstoken.typed import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mstoken.cli.options import Option
    from mstoken.client import Client
    from mstoken.config.settings import Settings
    from mstoken.flows.store_port import Stores

C = TypeVar("C", bound="Callable[..., Any]")


def options(declared: Iterable[Option]) -> Callable[[C], C]:
    """Return a decorator that gives a click command the `declared` options, in their order."""
    import click

    from mstoken.cli import completion

    complete = {
        "profile": completion.complete_profile,
        "cloud": completion.complete_cloud,
        "scope": completion.complete_service,
    }

    def decorate(command: C) -> C:
        for option in reversed(tuple(declared)):
            command = click.option(
                *option.flags,
                option.name,
                help=option.help_text,
                shell_complete=complete.get(option.name),
                **_for_click(option),
            )(command)
        return command

    return decorate


def identity_options(command: C) -> C:
    """Give a click command --tenant, --client-id, --profile, --cloud and --authority; absent ones are ''."""
    return options(IDENTITY)(command)


def settings_for(flags: Mapping[str, str]) -> Settings:
    """Return the settings from flags, environment and profile, else of the default chain; print their notes.

    Raises UsageError.
    """
    from mstoken.config.chain import default_settings

    settings = default_settings(flags)
    for note in settings.notes:
        output.message(note)
    return settings


def client_for(flags: Mapping[str, str]) -> Client:
    """Return the client for a command's identity options, with the user's own stores. Raises UsageError."""
    from mstoken.client import Client

    settings = settings_for(flags)
    return Client.from_settings(settings, open_stores(settings.store))


def open_stores(store: str = "") -> Stores:
    """Return the user's stores, or those at the URL `store`; print the library's warnings from now on.

    ^C ends the process from now on. Raises UsageError for an invalid URL.
    """
    from mstoken.messages import set_handler
    from mstoken.stores.user_stores import user_stores

    interrupt_at_once()
    set_handler(_show_warning)
    return user_stores(store)


def _show_warning(text: str) -> None:
    """Print a warning; where that fails, as on a full disk, the command goes on."""
    import contextlib

    with contextlib.suppress(OSError):
        output.message(text)


def _for_click(option: Option) -> dict[str, Any]:
    import click

    from mstoken.cli.command import WholeNumber

    match option.kind:
        case "flag":
            return {"is_flag": True}
        case "choice":
            return {"type": click.Choice(option.choices), "default": option.choices[0], "show_default": True}
        case "seconds":
            return {"type": WholeNumber(0, of="seconds"), "default": 0, "metavar": option.metavar}
        case "multiple":
            return {"multiple": True, "metavar": option.metavar}
        case _:
            return {"default": "", "metavar": option.metavar}
