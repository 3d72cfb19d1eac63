"""`mstoken request --delta FILE`: what has changed in a collection since the last run, as lines of JSON."""

from __future__ import annotations

from mstoken.cli import exit_codes
from mstoken.cli.api_requests import prepare
from mstoken.cli.request_output import Printer
from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.cli.options import RequestArguments
    from mstoken.client import Client


def print_changes(client: Client, arguments: RequestArguments) -> int:
    """Print each change when it comes. The file is written when all of them are printed.

    Raises UsageError for options that need something else than lines, and what `Client.delta` raises.
    """
    method, url, options = prepare(client, arguments)
    for name, given in (
        ("--all", arguments.every_page),
        ("--save", arguments.save),
        ("--include", arguments.include),
        (f"--output {arguments.output}", arguments.output not in {"", "ndjson"}),
        (method, method != "GET"),
        ("A body", options["body"]),
    ):
        if given:
            raise UsageError(f"{name} and --delta exclude each other: changes are lines of JSON.", "Leave out one.")
    printer = Printer("ndjson", arguments.query, whole=False)
    names = ("scope", "origin", "headers", "params", "timeout", "retries", "max_wait")
    for item in client.delta(url, arguments.delta, **{name: options[name] for name in names}):
        printer.page([item])
    printer.end()
    return exit_codes.DONE
