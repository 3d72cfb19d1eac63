"""Print an API's response: the body on standard output, and what an error means on standard error."""

from __future__ import annotations

import json

from mstoken.cli import exit_codes, output
from mstoken.messages import printable
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.protocol.http import HttpResponse
    from mstoken.rest.response import ApiResponse


def show_head(response: HttpResponse) -> None:
    """Print status and headers on standard error, so that standard output contains only the API's body."""
    output.stderr_line(f"HTTP {response.status}")
    for name, value in response.headers.items():
        output.stderr_line(f"{name}: {value}")
    output.stderr_line("")


def show_body(body: bytes) -> None:
    """Print the bytes unchanged; at a terminal, indent JSON and do not print binary content."""
    if not body:
        return
    if not output.at_terminal():
        output.write_bytes(body)
        return
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        output.message(f"The response is not text ({len(body)} bytes); redirect it to a file: … > FILE")
        return
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        output.write(printable(text.replace("\r\n", "\n").replace("\t", "    ")).rstrip("\n"))
    else:
        output.write(printable(json.dumps(document, indent=2, ensure_ascii=False)))


def explain_response(response: ApiResponse) -> int:
    """Print what an error response means and what to do next, and return the exit code for the status.

    Statuses below 300 print nothing. 408, 429 and 5xx may succeed later (exit code 5). Other errors return 3 if the
    body contains a code that asks for a sign-in, else 4. A redirect of a write is reported, is not followed, and is no
    error.
    """
    if response.status < 300:
        return exit_codes.DONE
    if response.ok:
        where = response.headers.get("location", "")
        target = f" It redirects to {where.partition('?')[0]}; mstoken does not send a token there." if where else ""
        output.message(f"{response.request_line} returned {response.status}.{target}")
        return exit_codes.DONE
    error = response.error()
    code = exit_codes.exit_code_of(error)
    output.start_line(response.body)
    output.failure(error, code)
    return code
