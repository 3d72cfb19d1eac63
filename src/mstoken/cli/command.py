"""The differences between our commands and click's.

An unexpected argument may be a secret, so errors do not repeat it. An option with an empty value is refused.
"""

from __future__ import annotations

import click
from click.core import ParameterSource

from mstoken.cli.options import DEBUG
from mstoken.cli.shell_slips import refuse_slip
from mstoken.errors import UsageError
from mstoken.texts import is_encodable
from mstoken.typed import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMAND_LINE = ParameterSource.COMMANDLINE

C = TypeVar("C", bound="Callable[..., Any]")


class Command(click.Command):
    """A click command. `input_hint` shows how to pipe in the token, for a command that reads it from standard input."""

    def __init__(self, *args: Any, input_hint: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.input_hint = input_hint
        self.params.append(debug_option())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            for extra in ctx.args:
                refuse_slip(extra, "An argument")
            if ctx.args:
                raise _too_many(ctx, self.input_hint)
            for parameter in self.params:
                _refuse_empty(ctx, parameter)
                _refuse_unusable(ctx, parameter)
        return rest


class WholeNumber(click.IntRange):
    """A whole number from `low` to `high`; `of` is its unit. Click's own message speaks of an "integer range"."""

    def __init__(self, low: int, high: int | None = None, *, of: str = "") -> None:
        super().__init__(low, high)
        self.name = f"whole number of {of}" if of else "whole number"


def debug_option() -> click.Option:
    """Return `--debug`, which takes effect as soon as it is parsed, wherever it stands."""
    return click.Option(
        DEBUG.flags, is_flag=True, is_eager=True, expose_value=False, help=DEBUG.help_text, callback=_debug
    )


def _debug(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from mstoken.cli.error_handling import show_steps

        show_steps()


def command(*, short_help: str, input_hint: str = "") -> Callable[[Callable[..., Any]], Command]:
    """Return the decorator that makes a function a `Command`, in place of `click.command`."""
    return click.command(cls=Command, short_help=short_help, input_hint=input_hint)


def _refuse_empty(ctx: click.Context, parameter: click.Parameter) -> None:
    """Refuse an empty option: `--tenant "$CUSTOMER"` with the variable unset must not select another tenant."""
    value = ctx.params.get(parameter.name or "")
    empty = "" in value if isinstance(value, tuple) else value == "" == parameter.default
    if (
        empty
        and isinstance(parameter, click.Option)
        and ctx.get_parameter_source(parameter.name or "") is _COMMAND_LINE
    ):
        raise click.UsageError(f"{parameter.opts[0]} is empty: omit it, or give it a value.", ctx)


def _refuse_unusable(ctx: click.Context, parameter: click.Parameter) -> None:
    """Refuse what could be neither sent nor stored, and what a shell made by mistake.

    Bytes that are not UTF-8 may name a file or be data. The command itself checks its data.
    """
    value = ctx.params.get(parameter.name or "")
    if isinstance(parameter.type, click.Path) or parameter.name == "data":
        return
    for text in value if isinstance(value, tuple) else (value,):
        if not isinstance(text, str):
            continue
        label = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.make_metavar(ctx)
        if not is_encodable(text):
            raise click.UsageError(f"{label} is not UTF-8 text.", ctx)
        refuse_slip(text, label)


_CHOICE_TEXTS = {"text": "words", "table": "columns", "json": "JSON", "names": "names only"}


def form_option(*choices: str) -> Callable[[C], C]:
    """Declare `--output`, passed as `form`; the first of `choices` is the default."""
    choice_texts = [_CHOICE_TEXTS[choice] for choice in choices]
    return click.option(
        "--output",
        "-o",
        "form",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help=f"Output format: {', '.join(choice_texts[:-1])} or {choice_texts[-1]}.",
    )


def _too_many(ctx: click.Context, input_hint: str) -> Exception:
    if input_hint:
        return UsageError(
            "Do not put a token on the command line, where other users and the shell history can see it.",
            f"Pipe it in: {input_hint}",
        )
    count = len(ctx.args)
    return click.UsageError(
        f"There {'is one unexpected argument' if count == 1 else f'are {count} unexpected arguments'}.", ctx
    )
