"""What an API's error response means, and what to do next, as one of mstoken's errors."""

from __future__ import annotations

import json
import time
from math import ceil

from mstoken import aadsts
from mstoken.errors import ApiRefused, MstokenError, Refusal, ServiceUnavailable, SignInRequired, Throttled
from mstoken.messages import printable
from mstoken.protocol.retry_after import retry_after
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.aadsts import Cause
    from mstoken.protocol.http import HttpResponse

_MAX_MESSAGE = 300


def api_error(response: HttpResponse, request_line: str, context: Mapping[str, str]) -> MstokenError:
    """Return the error for a response with a status of 400 or more.

    `request_line` is the request in words, `context` completes the remedy's commands (`aadsts.fill`).
    """
    code, message = parse_api_error(response.body)
    cause = _cause(f"{code} {message} {_challenge_error(response)}", code, context)
    name = f" ({code})" if code else ""
    meaning = cause.cause if cause else message[:_MAX_MESSAGE]
    told = f"{request_line} returned {response.status}{name}.{f' {meaning}' if meaning else ''}"
    remedy = _remedy(response, cause, context)
    refusal = Refusal(error=code, status=response.status)
    if response.status == 429:
        return Throttled(told, remedy, _wait_in(response), refusal)
    if response.status == 408 or response.status >= 500:
        return ServiceUnavailable(told, remedy, _wait_in(response), refusal)
    if cause and cause.kind == "sign_in_required" and cause.code.isdigit():
        return SignInRequired(told, remedy, refusal)
    return ApiRefused(told, remedy, response.status, code)


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
    labelled = f"code: {text}" if code.isdigit() else text
    causes = (cause for cause in aadsts.explain(labelled, **context) if aadsts.lookup(cause.code))
    return next((cause for cause in causes if not cause.code.startswith("http_")), None)


def _challenge_error(response: HttpResponse) -> str:
    """Return the `error` of a Bearer challenge (RFC 6750 section 3)."""
    from mstoken.protocol.challenge import bearer_challenge

    return bearer_challenge(response.headers.get("www-authenticate", "")).get("error", "")


def _wait_in(response: HttpResponse) -> float | None:
    """Return how many seconds the API asks to wait; None if it does not say."""
    return retry_after(response.headers.get("retry-after", ""), time.time())


def _remedy(response: HttpResponse, cause: Cause | None, context: Mapping[str, str]) -> str:
    """Return the remedy of the cause, or general advice for the status."""
    wait = _wait_in(response)
    if response.status == 429 or (response.status >= 500 and wait is not None):
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
