"""Requests to APIs as JSON objects: the lines of `mstoken request --stdin`, and the requests of a session."""

from __future__ import annotations

import json
import sys

from mstoken.cli import exit_codes, output, standard_input
from mstoken.cli.api_requests import body_fields, check_save, responses, selected_fields
from mstoken.cli.options import IdentityArguments, RequestArguments
from mstoken.cli.request_output import compiled
from mstoken.cli.request_transfer import check_upload
from mstoken.errors import UsageError
from mstoken.hidden import HiddenDict
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mstoken.cli.clients import Clients

MAX_LINE = 16 * 1024 * 1024
"""Bytes. Microsoft's APIs take requests of a few megabytes; a longer line is refused rather than filling the memory."""

_OF_THE_COMMAND = frozenset(
    [
        "data", "fields", "raw_fields", "stdin", "batch", "include", "output", "every_page", "slurp", "max_pages",
        "wait", "operation", "delta", "tenants", "concurrency", "resume",
    ]
)  # fmt: skip
"""Arguments that say how the command line reads a body or prints: a JSON object has its `body`, and gets an object."""

FIELDS = {
    name: kind
    for name, kind in (RequestArguments.__annotations__ | IdentityArguments.__annotations__).items()
    if name not in _OF_THE_COMMAND
}
"""The fields of a request and the kind of each: an argument of `mstoken request` becomes a field by itself."""

OF_A_COLLECTION = {"max_pages": "int"}
"""Further fields of a request for the items of every page."""


def serve_lines(defaults: RequestArguments) -> int:
    """Send the requests on standard input one after the other; print a line with the result of each, in their order.

    A field that a line does not have is that of `defaults`. A line that is not a request, a request that cannot be
    sent and an API's error are results with an `error`; the next line follows. Returns 6 if there were any, else 0.
    """
    from mstoken.cli.clients import Clients

    if standard_input.at_terminal():
        output.message("Type requests as lines of JSON. Ctrl-D ends the input.")
    clients, total, failed = Clients(), 0, 0
    for number, line in input_lines():
        result = _result(line, number, defaults, clients)
        output.write(json.dumps(result))
        total, failed = total + 1, failed + ("error" in result)
    if failed:
        output.message(f"{failed} of {total} requests failed.")
    return exit_codes.SOME_FAILED if failed else exit_codes.DONE


def _result(line: bytes | None, number: int, defaults: RequestArguments, clients: Clients) -> dict[str, Any]:
    """Return the result of one line: `line` and `id`, then the response or `error`, or both."""
    from mstoken.cli.error_handling import record_of

    found: dict[str, Any] = {"line": number}
    try:
        document = parse_line(line, number)
        if "id" in document:
            found["id"] = document.pop("id")
        arguments = parse(document, defaults)
        [(response, _)] = responses(clients.get(arguments.flags()).client, arguments)
        found |= {"status": response.status, "headers": dict(response.headers)}
        if not response.ok or not arguments.save:
            found |= selected_fields(response, arguments.query) if response.ok else body_fields(response)
        response.raise_for_status()
    except Exception as error:  # noqa: BLE001 - each line has a result, whatever happens to it
        found["error"] = record_of(error)
    return found


def parse(document: Mapping[str, Any], defaults: RequestArguments) -> RequestArguments:
    """Return the arguments of a request that a JSON object describes. Raises UsageError for what it cannot mean.

    Without a method, it is GET, POST with a body, and PUT with a file to upload. A field that is null or empty is
    refused, since it was to say something: a missing tenant must not become another one. Only a body may be null, for
    none.
    """
    kinds = FIELDS | OF_A_COLLECTION if defaults.every_page else FIELDS
    unknown = [name for name in document if name not in kinds]
    if unknown:
        raise UsageError(f"A request has no field {shown(unknown[0], 100)!r}.", f"One of {', '.join(kinds)}.")
    values: dict[str, Any] = dict(vars(defaults))
    parsers = {"str": _text, "int": _whole_number, "bool": _flag}
    for name, value in document.items():
        if kinds[name] in parsers:
            values[name] = parsers[kinds[name]](name, value)
    if not values.get("url"):
        raise UsageError("The request has no url.", 'Write {"url": "graph:/users"}.')
    if "body" in document:
        values["body"] = _body(document["body"])
    values["params"] = _params(document.get("params", {}))
    values["headers"] = (*values.get("headers", ()), *_headers(document.get("headers", {})))
    usual = "PUT" if values.get("upload") else "POST" if values.get("body") else "GET"
    values["method"] = values.get("method") or usual
    arguments = RequestArguments(**values)
    check_save(arguments)
    check_upload(arguments)
    compiled(arguments.query)  # a mistake in it is found before anything is sent
    return arguments


def input_lines() -> Iterator[tuple[int, bytes | None]]:
    """Yield the lines with content and their numbers, None for one that is too long. Reads no further than needed."""
    if sys.stdin is None:
        return
    number = 0
    while line := sys.stdin.buffer.readline(MAX_LINE + 1):
        number += 1
        too_long = len(line) > MAX_LINE
        while too_long and line and not line.endswith(b"\n"):
            line = sys.stdin.buffer.readline(MAX_LINE)
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line  # Windows writes a byte order mark
        if too_long or line.strip():
            yield number, None if too_long else line


def parse_line(line: bytes | None, number: int) -> dict[str, Any]:
    """Return the JSON object in a line. Raises UsageError, which does not repeat the line: it may contain a secret."""
    if line is None:
        raise UsageError(
            f"Line {number} is longer than {MAX_LINE // 1024**2} MB.", "Send a large file with -d '@FILE'."
        )
    try:
        document = json.loads(line, object_pairs_hook=_without_repeated_names, parse_constant=_not_json)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise UsageError(f"Line {number} is not a JSON object.", 'Write each request on one line: {"url": "graph:/me"}')
    return HiddenDict(document)


def _without_repeated_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object. Raises ValueError if it has a name twice: programs differ in which value counts (RFC 8259)."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _not_json(_: str) -> None:
    """Refuse NaN and Infinity, which Python reads though JSON has no such numbers (RFC 8259 section 6)."""
    raise ValueError


def _text(name: str, value: Any) -> str:
    from mstoken.cli.shell_slips import refuse_slip
    from mstoken.texts import is_encodable

    if not isinstance(value, str) or not value or not is_encodable(value):
        raise UsageError(f"The field {name} is not a text with content.", "Leave out the field, or give it a value.")
    refuse_slip(value, f"The field {name}")
    return value


def _whole_number(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        unit = " of seconds" if name in {"timeout", "max_wait"} else ""
        raise UsageError(f"The field {name} is not a whole number{unit}.", f'Write "{name}": 60.')
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"The field {name} is neither true nor false.", f'Write "{name}": true.')
    return value


def _params(value: Any) -> tuple[str, ...]:
    """Return `name=value` texts for an object whose values are texts, numbers, true, false, or lists of them."""
    pairs = value.items() if isinstance(value, dict) else [("", None)]
    found = []
    for name, given in pairs:
        for one in given if isinstance(given, list) else [given]:
            if not name or "=" in name or not isinstance(one, str | int | float):
                raise UsageError(
                    "The field params is not an object of texts, numbers and lists.", 'Write "params": {"top": 5}.'
                )
            text = one if isinstance(one, str) else json.dumps(one)
            found.append(f"{name}={_parameter(text)}")
    return tuple(found)


def _parameter(text: str) -> str:
    from mstoken.cli.shell_slips import refuse_slip

    refuse_slip(text, "A value of the field params")
    return text


def _body(value: Any) -> bytes | None:
    """Return the body: text as it is, in UTF-8, and any other value as JSON. Raises UsageError."""
    if value is None:
        return None
    try:
        return value.encode() if isinstance(value, str) else json.dumps(value, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise UsageError("The field body cannot be sent as JSON in UTF-8.", "Check its texts and numbers.") from None


def _headers(value: Any) -> tuple[str, ...]:
    if (
        not isinstance(value, dict)
        or not all(isinstance(text, str) for text in value.values())
        or ":" in "".join(value)
    ):
        raise UsageError("The field headers is not an object of texts.", 'Write "headers": {"Prefer": "…"}.')
    return tuple(f"{name}: {text}" for name, text in value.items())
