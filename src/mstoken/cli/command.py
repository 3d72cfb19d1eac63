"""How our commands differ from click's.

An argument that was not expected may be a secret, so it is not repeated. An option that is there and empty is refused.
"""

from __future__ import annotations

import click
from click.core import ParameterSource

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPED = ParameterSource.COMMANDLINE

C = TypeVar("C", bound="Callable[..., Any]")


class Command(click.Command):
    """A click command. `piped` is the way to bring a token, for one that reads it from standard input."""

    def __init__(self, *args: Any, piped: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.piped = piped

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            if ctx.args:
                raise _too_many(ctx, self.piped)
            for parameter in self.params:
                _refuse_empty(ctx, parameter)
        return rest


def command(*, short_help: str, piped: str = "") -> Callable[[Callable[..., Any]], Command]:
    """The decorator that makes a function a `Command`, in place of `click.command`."""
    return click.command(cls=Command, short_help=short_help, piped=piped)


def _refuse_empty(ctx: click.Context, parameter: click.Parameter) -> None:
    """`--tenant "$CUSTOMER"` with the variable unset must not mean another tenant than the one that was meant."""
    given = ctx.params.get(parameter.name or "")
    empty = "" in given if isinstance(given, tuple) else given == "" == parameter.default
    if empty and isinstance(parameter, click.Option) and ctx.get_parameter_source(parameter.name or "") is _TYPED:
        raise click.UsageError(f"{parameter.opts[0]} is empty: leave it out, or give it a value.", ctx)


_SHOWN = {"text": "words", "table": "columns", "json": "JSON", "names": "names only"}


def form_option(*choices: str) -> Callable[[C], C]:
    """`--output`, handed over as `form`. The first of `choices` is for people, and is taken when none is named."""
    told = [_SHOWN[choice] for choice in choices]
    return click.option(
        "--output",
        "-o",
        "form",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help=f"What to print: {', '.join(told[:-1])} or {told[-1]}.",
    )


def _too_many(ctx: click.Context, piped: str) -> Exception:
    if piped:
        return UsageError(
            "A token does not belong on the command line, where other users and the shell's history can see it.",
            f"Pipe it in: {piped}",
        )
    count = len(ctx.args)
    return click.UsageError(f"There {'is an argument' if count == 1 else f'are {count} arguments'} too many.", ctx)
