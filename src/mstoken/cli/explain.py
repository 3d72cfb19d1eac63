"""`mstoken explain`: explain an error and what to do next, offline."""

from __future__ import annotations

import click

from mstoken.cli import exit_codes, output
from mstoken.cli.command import command, form_option
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mstoken.aadsts import Cause

_MAX_INPUT_BYTES = 1024 * 1024  # bytes of standard input; a longer log is cut
_KNOWN_CODES = "Known codes: mstoken explain --list"


@command(short_help="Explain an error, and what to do next.")
@click.argument("text", nargs=-1, metavar="[CODE|TEXT]...")
@click.option("--list", "listing", is_flag=True, help="List the known codes, or those that match TEXT.")
@form_option("text", "json")
def explain(text: tuple[str, ...], listing: bool, form: str) -> None:
    """Explain an error of Entra, Graph, Azure or Partner Center, and what to do next. Nothing is sent.

    CODE is a number such as 50076 or AADSTS50076, a name such as invalid_grant, or an HTTP status. TEXT is a message, a
    log line or a whole response. Without arguments, or with -, mstoken reads standard input. The commands in the advice
    contain the values of your environment and profile.

    \b
      mstoken explain 700082
      mstoken get graph 2>&1 | mstoken explain
      mstoken explain --list consent
    """
    if listing:
        _list(" ".join(text), form)
        return
    error_text = _read_input() if text in {(), ("-",)} else " ".join(text)
    _explain(error_text, form)


def _read_input() -> str:
    from mstoken.cli import standard_input
    from mstoken.errors import UsageError
    from mstoken.texts import decode_text

    if standard_input.at_terminal():
        raise UsageError("There is nothing to explain.", "mstoken explain 50076")
    text = decode_text(standard_input.read_bytes(_MAX_INPUT_BYTES), "replace")
    if not text.strip():
        raise UsageError("Standard input is empty.", f"mstoken explain 50076\n{_KNOWN_CODES}")
    return text


def _explain(error_text: str, form: str) -> None:
    """Print what is known about the text. Raises UsageError if nothing is."""
    from mstoken import aadsts
    from mstoken.cli.known_settings import known_settings

    causes = aadsts.explain(error_text, **known_settings())
    known = [cause for cause in causes if not _is_unknown(cause)]
    unknown = [cause.code for cause in causes if _is_unknown(cause)]
    if not known:
        raise _unknown_error(unknown)
    if form == "json":
        output.write_json([_fields(cause) for cause in known])
    else:
        output.write("\n\n".join(_as_text(cause) for cause in known))
    for code in unknown:
        output.message(f"{code} is unknown; see Microsoft's page: {aadsts.page_of(code)}")


def _is_unknown(cause: Cause) -> bool:
    from mstoken import aadsts

    unknown_cause = aadsts.lookup("_unknown")
    return unknown_cause is not None and cause.cause == unknown_cause.cause


def _unknown_error(codes: Sequence[str]) -> Exception:
    from mstoken import aadsts
    from mstoken.errors import UsageError

    if codes:
        pages = "\n".join(f"Microsoft's page: {aadsts.page_of(code)}" for code in codes)
        return UsageError(f"Unknown code: {', '.join(codes)}.", pages)
    return UsageError(
        "The text contains no known code, error name or message.",
        f"{_KNOWN_CODES}\nMicrosoft's list: {aadsts.REFERENCE}",
    )


def _as_text(cause: Cause) -> str:
    name = f" {cause.name}" if cause.name else ""
    code = _exit_code(cause)
    lines = [
        ("Cause", cause.cause),
        ("Next", cause.remedy),
        ("Kind", f"{_class_name(cause)}, exit code {code} ({exit_codes.MEANING[code].partition(':')[0]})"),
        ("Retry", "the same request may succeed a little later" if cause.retry else ""),
        ("Grant", "the refresh token is no longer valid; mstoken does not use it again" if cause.kills_grant else ""),
        ("Doubt", "" if cause.verified else "this explanation has a single or weak source"),
        ("Source", cause.source),
    ]
    return "\n".join([f"{_label(cause)}{name}", *(f"  {label:<7}{text}" for label, text in lines if text)])


def _label(cause: Cause) -> str:
    """Return the code as errors show it: `AADSTS50076`, `HTTP 429`, a name; Partner Center's numbers have no prefix."""
    if cause.code.startswith("http_"):
        return f"HTTP {cause.code.removeprefix('http_')}"
    number = cause.code.partition("+")[0]
    entra = number.isdigit() and "partner-center" not in cause.source.lower()
    return f"AADSTS{cause.code.replace('+', ' with ')}" if entra else cause.code


def _class_name(cause: Cause) -> str:
    """Return the exception class of a kind: `sign_in_required` is `SignInRequired` in `mstoken.errors`."""
    return "".join(part.capitalize() for part in cause.kind.split("_"))


def _exit_code(cause: Cause) -> int:
    from mstoken import errors

    return exit_codes.exit_code_of(getattr(errors, _class_name(cause))(""))


def _fields(cause: Cause) -> dict[str, Any]:
    from mstoken.values import as_dict

    return {**as_dict(cause), "exception": _class_name(cause), "exit_code": _exit_code(cause)}


def _list(text: str, form: str) -> None:
    """Print the entries that match. Raises UsageError if none does."""
    from mstoken import aadsts
    from mstoken.errors import UsageError

    words = text.casefold().split()
    found = [
        cause
        for cause in aadsts.entries()
        if cause.code != "_unknown" and all(word in _line(cause).casefold() for word in words)
    ]
    if not found:
        raise UsageError(f"No code matches {text!r}.", "List all codes: mstoken explain --list")
    if form == "json":
        output.write_json([_fields(cause) for cause in found])
    else:
        rows = [(_label(cause), _class_name(cause), aadsts.fill(cause.cause)) for cause in found]
        output.write_table(("CODE", "KIND", "CAUSE"), rows)


def _line(cause: Cause) -> str:
    return f"{_label(cause)} {cause.code} {cause.name} {_class_name(cause)} {cause.kind} {cause.cause}"
