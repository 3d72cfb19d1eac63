"""`mstoken request --batch`: lines of JSON on standard input, sent to Microsoft Graph twenty at a time."""

from __future__ import annotations

import json
from collections import deque

from mstoken.cli import exit_codes, output, standard_input
from mstoken.cli.api_requests import body_fields, check_save, prepare
from mstoken.cli.error_handling import record_of
from mstoken.cli.identity import client_for
from mstoken.cli.request_lines import input_lines, parse, parse_line
from mstoken.errors import MstokenError, UsageError
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mstoken.cli.options import RequestArguments
    from mstoken.client import Client
    from mstoken.rest.batch import BatchResult

_FIELDS = ("url", "method", "headers", "body", "id", "dependsOn")


def serve_batch(defaults: RequestArguments) -> int:
    """Send the requests on standard input in batches; print a line with the result of each, in their order.

    A line that is not a request, a request that cannot be sent and an API's error are results with an `error`. Returns
    6 if there were any, else 0.
    """
    check_save(defaults)
    if standard_input.at_terminal():
        output.message("Type requests as lines of JSON; twenty are sent at a time. Ctrl-D ends the input.")
    total = failed = 0
    heads: deque[dict[str, Any]] = deque()  # of the lines that are read, whose results are still to come
    with client_for(defaults.flags()) as client:
        results = client.batch(
            _requests(client, defaults, heads),
            scope=defaults.scope,
            origin=defaults.origin,
            timeout=defaults.timeout or None,
            retries=defaults.retries,
            max_wait=defaults.max_wait,
            retry_unsafe=defaults.retry_unsafe,
            every_page=defaults.every_page,
            max_pages=defaults.max_pages or None,
        )
        for result in results:
            record = heads.popleft() | _record(result)
            output.write(json.dumps(record))
            total, failed = total + 1, failed + ("error" in record)
    if failed:
        output.message(f"{failed} of {total} requests failed.")
    return exit_codes.SOME_FAILED if failed else exit_codes.DONE


def _requests(client: Client, defaults: RequestArguments, heads: deque[dict[str, Any]]) -> Iterator[Any]:
    """Yield the request of each line for `Client.batch`, or its error; add the line's number and id to `heads`."""
    for number, line in input_lines():
        head: dict[str, Any] = {"line": number}
        heads.append(head)
        try:
            document = parse_line(line, number)
            if "id" in document:
                head["id"] = document["id"]
            yield _request(client, document, defaults)
        except MstokenError as error:
            yield error


def _request(client: Client, document: dict[str, Any], defaults: RequestArguments) -> dict[str, Any]:
    from mstoken.cli.options import RequestArguments
    from mstoken.redaction import shown

    for name in document:
        if name not in _FIELDS:
            raise UsageError(
                f"A request of a batch has no field {shown(name, 100)!r}.",
                f"One of {', '.join(_FIELDS)}; everything else is the same for all of them: options of the command.",
            )
    fields = {name: document[name] for name in document if name not in {"id", "dependsOn"}}
    arguments = parse(fields, defaults)
    # Here a path alone is Microsoft Graph's, which has /subscriptions too.
    url = f"graph:{arguments.url}" if arguments.url.startswith("/") else arguments.url
    method, url, options = prepare(client, RequestArguments(**vars(arguments) | {"url": url}))
    request = {"method": method, "url": url, "headers": options["headers"], "body": options["body"]}
    names = {"id": document.get("id", ""), "depends_on": document.get("dependsOn")}
    return request | {"params": options["params"]} | names


def _record(result: BatchResult) -> dict[str, Any]:
    """Return the response or `error` of a result, or both, as `mstoken request --stdin` prints them."""
    found: dict[str, Any] = {}
    try:
        if result.response is not None:
            found |= {"status": result.response.status, "headers": dict(result.response.headers)}
            found |= body_fields(result.response)
        result.raise_for_status()
    except MstokenError as error:
        found["error"] = record_of(error)
    return found
