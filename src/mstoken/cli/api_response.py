"""Print an API's response: the body on standard output, and what an error means on standard error."""

from __future__ import annotations

import json
import time
from math import ceil

from mstoken.cli import exit_codes, output
from mstoken.messages import printable
from mstoken.protocol.retry_after import retry_after
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.aadsts import Cause
    from mstoken.protocol.http import HttpResponse

_MAX_MESSAGE = 300


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


def explain_response(response: HttpResponse, request_line: str, context: Mapping[str, str]) -> int:
    """Print what an error response means and what to do next, and return the exit code for the status.

    `request_line` is the request in words; `context` fills the remedies (`aadsts.fill`). Statuses below 300 print
    nothing. 408, 429 and 5xx may succeed later (exit code 5). Other errors return 3 if the body contains a code that
    asks for a sign-in, else 4. A redirect is reported but not followed, and is not an error.
    """
    if response.status < 300:
        return exit_codes.DONE
    if response.status < 400:
        where = response.headers.get("location", "")
        target = f" It redirects to {where.partition('?')[0]}; mstoken does not send a token there." if where else ""
        output.message(f"{request_line} returned {response.status}.{target}")
        return exit_codes.DONE
    code, message = parse_api_error(response.body)
    cause = _cause(f"{code} {message} {_challenge_error(response)}", code, context)
    name = f" ({code})" if code else ""
    meaning = cause.cause if cause else message[:_MAX_MESSAGE]
    output.error(
        f"{request_line} returned {response.status}{name}.{f' {meaning}' if meaning else ''}",
        _remedy(response, cause, context),
    )
    if response.status in {408, 429} or response.status >= 500:
        return exit_codes.LATER
    if cause and cause.kind == "sign_in_required" and cause.code.isdigit():
        return exit_codes.SIGN_IN
    return exit_codes.REFUSED


def parse_api_error(body: bytes) -> tuple[str, str]:
    """Return code and message of an API's error body, '' for a missing part.

    It reads OData's and Azure's `{"error": {"code", "message"}}`, Partner Center's `{"code", "description"}` and
    OAuth's `{"error", "error_description"}`.
    """
    try:
        document = json.loads(body[:1_000_000])
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    inner = document.get("error", document.get("odata.error", document))
    if not isinstance(inner, dict):
        return _one_line(inner), _one_line(document.get("error_description", ""))
    message = inner.get("message", inner.get("description", ""))
    return _one_line(inner.get("code", "")), _one_line(
        message.get("value", "") if isinstance(message, dict) else message
    )


def _one_line(value: Any) -> str:
    """Return a text or number on one line; '' for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return " ".join(printable(str(value)[:2000]).split())


def _cause(text: str, code: str, context: Mapping[str, str]) -> Cause | None:
    """Return the known cause of an API's error, with its remedy filled; None for an unknown one.

    A number counts only as a code; an HTTP status in the text adds nothing.
    """
    from mstoken import aadsts

    labelled = f"code: {text}" if code.isdigit() else text
    causes = (cause for cause in aadsts.explain(labelled, **context) if aadsts.lookup(cause.code))
    return next((cause for cause in causes if not cause.code.startswith("http_")), None)


def _challenge_error(response: HttpResponse) -> str:
    """Return the `error` of a Bearer challenge (RFC 6750 section 3)."""
    from mstoken.protocol.challenge import bearer_challenge

    return bearer_challenge(response.headers.get("www-authenticate", "")).get("error", "")


def _remedy(response: HttpResponse, cause: Cause | None, context: Mapping[str, str]) -> str:
    """Return the remedy of the cause, or general advice for the status."""
    from mstoken import aadsts

    if response.status == 429 or (response.status >= 500 and "retry-after" in response.headers):
        wait = retry_after(response.headers.get("retry-after", ""), time.time())
        return "Wait a moment, then try again." if wait is None else f"Try again in {ceil(wait)} seconds."
    if cause:
        return cause.remedy
    by_status = {
        401: "The API rejected the token. See which service it is for and when it expires: `{get} | mstoken inspect`",
        403: "The API knows the caller but denies the request. See what the token allows: `{get} | mstoken inspect`",
        404: "Check the URL; some APIs also return 404 if the permission to see the resource is missing.",
        405: "Check the method; the API does not support it for this URL.",
    }
    later = "Try again in a moment." if response.status == 408 or response.status >= 500 else ""
    return aadsts.fill(by_status.get(response.status, later), **context)
