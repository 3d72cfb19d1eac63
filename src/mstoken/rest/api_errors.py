"""Convert an API's error response into one of mstoken's errors, with its meaning and a remedy."""

from __future__ import annotations

import base64
import json
import re
import time
from math import ceil

from mstoken import aadsts
from mstoken.errors import ApiRefused, MstokenError, Refusal, ServiceUnavailable, SignInRequired, Throttled
from mstoken.messages import advice, printable
from mstoken.protocol.challenge import REFUSED, challenged_tenant
from mstoken.protocol.retry_after import requested_wait
from mstoken.texts import decode_text
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.aadsts import Cause
    from mstoken.protocol.http import HttpResponse
    from mstoken.rest.why_403 import Explanation

_MAX_MESSAGE = 300
_WRONG_TENANT = "InvalidAuthenticationTokenTenant"
"""Azure Resource Manager's code for the token of another tenant; its challenge names the right one."""
_STEP_UP = "Sign in as the API requires, with MFA for example: `{login}`"
_MAX_BODY = 1_000_000
_MAX_XML = 10_000
_MAX_INNER = 5
_LACKS_PERMISSION = frozenset(
    {
        "Authorization_RequestDenied",
        "AuthorizationFailed",
        "AuthorizationPermissionMismatch",
        "ForbiddenByRbac",
        "LinkedAuthorizationFailed",
        "PermissionScopeNotGranted",
        "insufficient_scope",
    }
)
"""Codes that say no more than that a permission or a role is missing."""


def api_error(
    response: HttpResponse,
    request_line: str,
    context: Mapping[str, str],
    attempts: int = 1,
    claims: Mapping[str, Any] | None = None,
) -> MstokenError:
    """Return the error for a response with a status of 400 or more.

    `request_line` is the request in words, `context` completes the remedy's commands (`aadsts.fill`); `attempts` is how
    often the request was sent. With the token's `claims`, a 403 says what it carries, beside what the call needs.
    """
    code, message = parse_api_error(response.body)
    code = code or _one_line(response.headers.get("x-ms-error-code", ""))
    inner = inner_codes(response.body)
    cause = _cause(" ".join([*inner, code, message, _challenge_error(response)]), code, context)
    name = f" ({': '.join([code, *inner[-1:]])})" if code else ""
    meaning = cause.cause if cause else message[:_MAX_MESSAGE]
    often = f" after {attempts} attempts" if attempts > 1 else ""
    head = f"{request_line} returned {response.status}{name}{often}."
    text, remedy = f"{head}{f' {meaning}' if meaning else ''}", _remedy(response, code, cause, context)
    refusal = Refusal(error=code, status=response.status)
    if response.status == 429:
        return Throttled(text, remedy, _wait_in(response), refusal)
    if response.status == 408 or response.status >= 500:
        return ServiceUnavailable(text, remedy, _wait_in(response), refusal)
    if cause and cause.kind == "sign_in_required" and cause.code.isdigit():
        return SignInRequired(text, remedy, refusal)
    if response.status in REFUSED and context.get("claims"):
        wanted = base64.urlsafe_b64decode(context["claims"]).decode()
        step_up = aadsts.fill(_STEP_UP, **context)
        return SignInRequired(text, step_up, Refusal(error=code, status=response.status, claims=wanted))
    why = _explained(response, request_line, cause, context, claims) if claims else None
    if why:
        return ApiRefused(f"{head} {why.needs} {why.has}", why.remedy, response.status, code, why.record)
    return ApiRefused(text, remedy, response.status, code)


def _explained(
    response: HttpResponse,
    request_line: str,
    cause: Cause | None,
    context: Mapping[str, str],
    claims: Mapping[str, Any],
) -> Explanation | None:
    """Return which permission is missing; None if the response names a reason that no permission mends.

    Some workloads of Graph return 401 for a missing permission. Then only the names in the response count.
    """
    if response.status not in {401, 403} or (cause and cause.code not in _LACKS_PERMISSION):
        return None
    from mstoken.rest.token_rights import token_rights
    from mstoken.rest.why_403 import explain_refusal

    method, _, url = request_line.partition(" ")
    body, rights = decode_text(response.body[:_MAX_BODY], "replace"), token_rights(claims, time.time())
    return explain_refusal(method, url, body, rights, context, named_only=response.status == 401)


def parse_api_error(body: bytes) -> tuple[str, str]:
    """Return code and message of an API's error body, '' for a missing part.

    It reads OData's and Azure's `{"error": {"code", "message"}}`, Partner Center's `{"code", "description"}`, OAuth's
    `{"error", "error_description"}` and Azure Storage's XML.
    """
    try:
        document = json.loads(body[:_MAX_BODY])
    except (ValueError, RecursionError):
        return _parse_storage_error(body)
    if not isinstance(document, dict):
        return "", ""
    inner = document.get("error", document.get("odata.error", document))
    if not isinstance(inner, dict):
        return _one_line(inner), _one_line(document.get("error_description", ""))
    message = inner.get("message", inner.get("description", ""))
    return _one_line(inner.get("code", "")), _one_line(
        message.get("value", "") if isinstance(message, dict) else message
    )


def _parse_storage_error(body: bytes) -> tuple[str, str]:
    """Return code and message of `<Error><Code>…</Code><Message>…</Message></Error>`, '' for a missing part.

    Source: learn.microsoft.com/rest/api/storageservices/status-and-error-codes2. Its message ends with lines that only
    identify the request.
    """
    text = decode_text(body[:_MAX_XML], "replace")
    code = re.search(r"<Error>\s*<Code>([A-Za-z0-9]{1,100})</Code>", text)
    message = re.search(r"<Message>([^<]*)", text)
    return (code[1], _one_line(message[1].split("\nRequestId:")[0])) if code and message else ("", "")


def inner_codes(body: bytes) -> list[str]:
    """Return the codes of the inner errors, the most specific one last: `{"error": {"innererror": {"code"}}}`.

    Source: github.com/microsoft/api-guidelines, section 7.10.2. Graph writes `innerError`.
    """
    try:
        found = json.loads(body[:_MAX_BODY])
    except (ValueError, RecursionError):
        return []
    error, codes = found.get("error") if isinstance(found, dict) else None, list[str]()
    while isinstance(error, dict) and len(codes) < _MAX_INNER:
        error = error.get("innererror", error.get("innerError"))
        code = _one_line(error.get("code", "")) if isinstance(error, dict) else ""
        if code:
            codes.append(code)
    return codes


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
    return requested_wait(response.headers, time.time())


def _remedy(response: HttpResponse, code: str, cause: Cause | None, context: Mapping[str, str]) -> str:
    """Return the remedy of the cause, or general advice for the status."""
    wait = _wait_in(response)
    if response.status == 429 or (response.status >= 500 and wait is not None):
        return "Wait a moment, then try again." if wait is None else f"Try again in {ceil(wait)} seconds."
    tenant = challenged_tenant(response.headers.get("www-authenticate", "")) if response.status == 401 else ""
    if tenant and code == _WRONG_TENANT and tenant != context.get("tenant", "").lower():
        option = advice(options=f"--tenant {tenant}", python=f"tenant {tenant!r}, or follow_tenant=True")
        return f"The subscription belongs to another tenant. Use that one: {option}"
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
