"""Long-running operations: where a response says that one began, what a poll says, and where the result is.

The facts are in operations.toml. Sources: learn.microsoft.com/azure/azure-resource-manager/management/async-operations,
learn.microsoft.com/graph/long-running-actions-overview, and azure-core's pollers for `Operation-Location`.
"""

from __future__ import annotations

import json

from mstoken.errors import UnreadableAnswer, UsageError
from mstoken.rest.facts import facts
from mstoken.rest.redirects import resolved
from mstoken.typed import TYPE_CHECKING, Any, Literal
from mstoken.urls import encoded_url, origin_of
from mstoken.values import field, value

if TYPE_CHECKING:
    from mstoken.rest.response import ApiResponse

    Kind = Literal["status", "location", "resource", "resumed"]

_STATUS_HEADERS = ("azure-asyncoperation", "operation-location")
_REPLACED = ("PUT", "PATCH")
"""Methods whose result is the resource itself."""
_BEGIN = (*_REPLACED, "POST", "DELETE")


@value
class Operation:
    """An operation that `method` on `resource` began.

    `url` is polled. `kind`: its response is a status, is 202 until the result is there, or is the resource with its
    provisioningState; `resumed`: whichever of the first two it looks like. `result` is where a POST's result is.
    `service` is the name of the API's service in the catalogue.
    """

    method: str
    resource: str = field(repr=False)
    url: str = field(repr=False)
    kind: Kind
    result: str = field(default="", repr=False)
    service: str = ""

    def is_own(self, url: str) -> bool:
        """Return whether `url` is at the API's origin, which alone gets the token."""
        return origin_of(url, "The URL") == origin_of(self.resource, "The URL")


@value
class Progress:
    """What a poll says. `word` is the service's own, `percent` is None if it does not say."""

    state: Literal["running", "succeeded", "failed"]
    word: str = ""
    percent: float | None = None


def operation_of(response: ApiResponse) -> Operation | None:
    """Return the operation that the response says it began; None if it is final.

    Raises UntrustedOrigin for a URL in clear, or that is none.
    """
    if response.status not in (200, 201, 202):
        return None
    method, resource, service = response.method, response.url, response.context.get("service", "")
    location = response.headers.get("location", "")
    for name in _STATUS_HEADERS:
        if where := response.headers.get(name, ""):
            result = resolved(resource, location)[0] if location else ""
            return Operation(method, resource, resolved(resource, where)[0], "status", result, service)
    if response.status == 202 and location:
        return Operation(method, resource, resolved(resource, location)[0], "location", "", service)
    if method in _REPLACED and _of_resource(response).state == "running":
        return Operation(method, resource, resource, "resource", "", service)
    return None


def resumed(method: str, resource: str, url: str) -> Operation:
    """Return the operation at `url`, which `method` on `resource` began earlier. Raises UsageError.

    The URL is to be secure, and the method one that begins operations.
    """
    if method not in _BEGIN:
        raise UsageError(f"{method} begins no operation.", "Use the method and URL of the request that began it.")
    origin_of(url, "The operation")
    return Operation(method, resource, encoded_url(url), "resumed")


def progress_of(operation: Operation, response: ApiResponse) -> Progress:
    """Return what the response to a poll says. Raises UnreadableAnswer for a status without one."""
    if operation.kind == "resource":
        return _of_resource(response)
    body = _object(response)
    word, states = body.get("status"), facts("operations")["states"]
    if not isinstance(word, str):
        if operation.kind == "status":
            raise UnreadableAnswer("The status of the operation has no member 'status'.", "Look at its URL yourself.")
        return Progress("running" if response.status == 202 else "succeeded")
    lower, percent = word.lower(), body.get("percentComplete", body.get("percentageComplete"))
    share = float(percent) if isinstance(percent, int | float) and not isinstance(percent, bool) else None
    if operation.kind == "location" and operation.service == "arm":  # the body is the result's, whose status is its own
        return Progress("running" if response.status == 202 else "succeeded", word, share)
    if lower in states["succeeded"]:
        return Progress("succeeded", word, share)
    if lower in states["failed"]:
        return Progress("failed", word, share)
    continues = operation.kind != "location" or response.status == 202 or lower in states["running"]
    return Progress("running" if continues else "succeeded", word, share)


def result_url(operation: Operation, response: ApiResponse) -> str:
    """Return where the result is after the poll `response` said that the operation succeeded; '' if that is it.

    A resource that was created or changed is the result; else the URL that the status names, else a POST's Location.
    """
    where = _object(response).get("resourceLocation")
    if isinstance(where, str) and where and operation.kind != "resource":
        return resolved(response.url, where)[0]
    if operation.method in _REPLACED:
        return "" if operation.kind == "resource" else operation.resource
    if operation.method == "POST" and operation.kind == "status":
        return operation.result
    return ""


def _of_resource(response: ApiResponse) -> Progress:
    """Return the progress of a resource by its provisioningState; without one, only 202 means that it continues."""
    properties, states = _object(response).get("properties"), facts("operations")["states"]
    word = properties.get("provisioningState") if isinstance(properties, dict) else None
    if not isinstance(word, str):
        return Progress("running" if response.status == 202 else "succeeded")
    known = [name for name in ("succeeded", "failed") if word.lower() in states[name]]
    return Progress("failed" if known == ["failed"] else "succeeded" if known else "running", word)


def _object(response: ApiResponse) -> dict[str, Any]:
    try:
        document = json.loads(response.body or b"null")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
