"""`mstoken request --save FILE` and `--upload FILE`: a file comes or goes, and a line shows how far it is."""

from __future__ import annotations

from mstoken.cli import output
from mstoken.cli.api_requests import responses
from mstoken.errors import TransportError, UsageError
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.cli.options import RequestArguments
    from mstoken.client import Client
    from mstoken.rest.response import ApiResponse


def check_upload(arguments: RequestArguments) -> None:
    """Refuse options that exclude --upload. Raises UsageError."""
    if not arguments.upload:
        return
    if arguments.method.upper() not in {"PUT", "POST", "PATCH"}:
        raise UsageError(f"--upload sends a file, which {arguments.method.upper()} does not.", "Use PUT or POST.")
    for name, given in {
        "--all": arguments.every_page,
        "--delta": arguments.delta,
        "--save": arguments.save,
        "--tenants": arguments.tenants,
        "--operation": arguments.operation,
    }.items():
        if given:
            raise UsageError(f"--upload and {name} exclude each other.", "Leave out one of them.")


def transferred(client: Client, arguments: RequestArguments) -> ApiResponse:
    """Send the request. At a terminal, a line shows how far the file of --save or --upload is."""
    if not arguments.upload and (arguments.wait or not arguments.save):
        return next(responses(client, arguments))[0]
    from pathlib import Path

    from mstoken.cli.status_line import Transfer
    from mstoken.rest.partial_file import part_of

    try:
        with Transfer() as shown:
            return next(responses(client, arguments, shown.show))[0]
    except (KeyboardInterrupt, TransportError):
        if arguments.upload:
            output.message("The same command continues the upload, if it was in parts.")
        elif part_of(Path(arguments.save).expanduser()).exists():
            output.message("The same command continues the download.")
        raise
