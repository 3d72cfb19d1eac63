"""An API's answer: its body on standard output, and what an error means on standard error."""

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
    """Status and headers, on standard error so that standard output stays what the API sent."""
    output.stderr_line(f"HTTP {response.status}")
    for name, value in response.headers.items():
        output.stderr_line(f"{name}: {value}")
    output.stderr_line("")


def show_body(body: bytes) -> None:
    """The bytes as they came; at a terminal JSON indented, and nothing that is not text."""
    if not body:
        return
    if not output.at_terminal():
        output.write_bytes(body)
        return
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        output.message(f"The answer is not text ({len(body)} bytes); send it to a file: … > FILE")
        return
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        output.write(printable(text.replace("\r\n", "\n").replace("\t", "    ")).rstrip("\n"))
    else:
        output.write(printable(json.dumps(document, indent=2, ensure_ascii=False)))


def explain_response(response: HttpResponse, request_line: str, context: Mapping[str, str]) -> int:
    """Say what an error answer means and what to do next; the exit code for the status.

    `asked` is the request in words, `known` what remedies are filled with (`aadsts.fill`). Below 300 nothing is said.
    408, 429 and 5xx may work later (5); of the other errors one whose body names a code that asks for a sign-in is 3,
    the rest 4. A redirect is told and not followed, and is no error.
    """
    if response.status < 300:
        return exit_codes.DONE
    if response.status < 400:
        where = response.headers.get("location", "")
        target = f" It points to {where.partition('?')[0]}; a token is not sent on." if where else ""
        output.message(f"{request_line} answered {response.status}.{target}")
        return exit_codes.DONE
    code, message = parse_api_error(response.body)
    cause = _cause(f"{code} {message} {_challenge_error(response)}", code, context)
    name = f" ({code})" if code else ""
    meaning = cause.cause if cause else message[:_MAX_MESSAGE]
    output.error(
        f"{request_line} answered {response.status}{name}.{f' {meaning}' if meaning else ''}",
        _remedy(response, cause, context),
    )
    if response.status in {408, 429} or response.status >= 500:
        return exit_codes.LATER
    if cause and cause.kind == "sign_in_required" and cause.code.isdigit():
        return exit_codes.SIGN_IN
    return exit_codes.REFUSED


def parse_api_error(body: bytes) -> tuple[str, str]:
    """Code and message of an API's error body, '' for what it does not have.

    Understood are OData's and Azure's `{"error": {"code", "message"}}`, Partner Center's `{"code", "description"}` and
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
    """A text or number on one line; '' for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return " ".join(printable(str(value)[:2000]).split())


def _cause(text: str, code: str, context: Mapping[str, str]) -> Cause | None:
    """The cause known for what the API said, with its remedy filled; None when nothing of it is known.

    A number counts only where it is a code; a status that stands in the text says nothing new.
    """
    from mstoken import aadsts

    labelled = f"code: {text}" if code.isdigit() else text
    causes = (cause for cause in aadsts.explain(labelled, **context) if aadsts.lookup(cause.code))
    return next((cause for cause in causes if not cause.code.startswith("http_")), None)


def _challenge_error(response: HttpResponse) -> str:
    """The `error` of a Bearer challenge (RFC 6750 section 3)."""
    from mstoken.protocol.challenge import bearer_challenge

    return bearer_challenge(response.headers.get("www-authenticate", "")).get("error", "")


def _remedy(response: HttpResponse, cause: Cause | None, context: Mapping[str, str]) -> str:
    """The remedy of the cause, or what usually helps with that status."""
    from mstoken import aadsts

    if response.status == 429 or (response.status >= 500 and "retry-after" in response.headers):
        wait = retry_after(response.headers.get("retry-after", ""), time.time())
        return "Wait a moment, then ask again." if wait is None else f"Ask again in {ceil(wait)} seconds."
    if cause:
        return cause.remedy
    by_status = {
        401: "The API did not accept the token. See whom it is for and until when: `{get} | mstoken inspect`",
        403: "The API knows who asks and does not allow it. See what the token allows: `{get} | mstoken inspect`",
        404: "Check the address; some APIs also answer so when the permission to see the thing is missing.",
        405: "Check the method; the API does not take this one here.",
    }
    later = "Ask again in a moment." if response.status == 408 or response.status >= 500 else ""
    return aadsts.fill(by_status.get(response.status, later), **context)
