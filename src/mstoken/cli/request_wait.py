"""`mstoken request --wait`: wait for the long-running operation that a request began, and show its progress."""

from __future__ import annotations

from time import monotonic

from mstoken.cli import output
from mstoken.cli.status_line import StatusLine
from mstoken.errors import UsageError
from mstoken.messages import printable
from mstoken.shells import joined
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.cli.options import RequestArguments
    from mstoken.client import Client
    from mstoken.rest.operations import Operation, Progress
    from mstoken.rest.response import ApiResponse


def check_wait(arguments: RequestArguments) -> None:
    """Refuse options that exclude each other. Raises UsageError."""
    if arguments.operation and not arguments.wait:
        raise UsageError("--operation names the operation to wait for.", "Add --wait.")
    if arguments.wait and arguments.every_page:
        raise UsageError("--wait is for one response, --all reads several.", "Leave out one of them.")
    if arguments.operation and (arguments.data is not None or arguments.fields or arguments.raw_fields):
        raise UsageError("--operation sends no request, so there is no body.", "Leave out the body.")


def waited(client: Client, arguments: RequestArguments, began: ApiResponse | Operation) -> ApiResponse:
    """Return the result of the operation that began; the response itself if it is final.

    At a terminal, a line shows the progress. ^C leaves the operation alone: the command that waits for it again is
    printed. Raises what `Client.wait` raises.
    """
    shown = _Shown()
    try:
        with shown:
            return client.wait(
                began, scope=arguments.scope, origin=arguments.origin, retries=arguments.retries, on_progress=shown.show
            )
    except KeyboardInterrupt:
        if shown.operation is not None:
            tenant = getattr(began, "context", {}).get("tenant", "")
            command = joined(_again(arguments, shown.operation, tenant if tenant != client.authority.tenant else ""))
            output.message(f"The operation goes on. Wait for it again: {command}")
        raise


def operation_at(client: Client, arguments: RequestArguments) -> Operation:
    """Return the operation of --operation, which METHOD and URL began earlier. Raises UsageError."""
    from mstoken.cli.request_placeholders import fill_in
    from mstoken.rest.operations import resumed

    url = client.api_url(fill_in(arguments.url, client, arguments.subscription))
    return resumed(arguments.method.upper(), url, arguments.operation)


def _again(arguments: RequestArguments, operation: Operation, tenant: str) -> list[str]:
    """Return the command that waits for the operation again. It sends nothing twice."""
    identity = {name: text for name, text in arguments.flags().items() if text}
    if tenant:
        identity["tenant"] = tenant
    more = {"scope": arguments.scope, "origin": arguments.origin, **identity}
    words = ["mstoken", "request", operation.method, operation.resource, "--wait", "--operation", operation.url]
    for name, text in more.items():
        words += [f"--{name.replace('_', '-')}", text] if text else []
    return words


class _Shown(StatusLine):
    """The line that shows the progress of an operation."""

    def __init__(self) -> None:
        super().__init__()
        self.operation: Operation | None = None
        self._began_on = monotonic()

    def show(self, operation: Operation, progress: Progress | None) -> None:
        """Show what the last poll said."""
        self.operation = operation
        word = printable(progress.word)[:30] if progress and progress.word else "running"
        share = f", {progress.percent:.0f} %" if progress and progress.percent is not None else ""
        self.draw(f"mstoken: {word}{share}, after {monotonic() - self._began_on:.0f} seconds")
