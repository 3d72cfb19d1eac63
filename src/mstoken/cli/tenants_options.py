"""The options of the commands that work in many tenants."""

from __future__ import annotations

import click

from mstoken.cli.command import WholeNumber
from mstoken.fleet.schedule import CONCURRENCY, MOST_AT_ONCE
from mstoken.typed import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

C = TypeVar("C", bound="Callable[..., Any]")


def tenants_options(command: C) -> C:
    """Give a click command --tenants and --concurrency."""
    for option in (
        _concurrency("With --tenants: how many tenants are in progress at once."),
        click.option(
            "--tenants",
            default="",
            metavar="FILE|-|all-customers",
            help="Do it in each of these tenants: the lines of FILE or standard input, or a partner's customers.",
        ),
    ):
        command = option(command)
    return command


def concurrency_option(command: C) -> C:
    """Give a click command --concurrency."""
    return _concurrency("How many tenants are in progress at once.")(command)


def _concurrency(help_text: str) -> Callable[[C], C]:
    return click.option(
        "--concurrency",
        type=WholeNumber(1, MOST_AT_ONCE),
        default=CONCURRENCY,
        show_default=True,
        metavar="N",
        help=help_text,
    )
