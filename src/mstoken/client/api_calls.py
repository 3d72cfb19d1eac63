"""A call of `Client.request` and its relatives, checked and complete: nothing is sent yet."""

from __future__ import annotations

from mstoken import steps
from mstoken.hidden import HiddenDict
from mstoken.rest.api_request import ApiRequest
from mstoken.rest.graph_queries import HEADER, advanced_query
from mstoken.rest.operations import Operation
from mstoken.rest.retry import retry_policy
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.client.base import ClientBase
    from mstoken.model import TokenRequest
    from mstoken.rest.response import ApiResponse
    from mstoken.rest.retry import RetryPolicy


@value
class ApiCall:
    """The request, its token's request, and the values for the remedies' commands."""

    api: ApiRequest
    token_request: TokenRequest
    context: Mapping[str, str] = field(default_factory=dict)


def api_call(client: ClientBase, method: str, url: str, options: Mapping[str, Any]) -> ApiCall:
    """Return the call for the options of `Client.request`, by their names there. Raises what it documents."""
    policy = retry_policy(options["retries"], options["max_wait"], unsafe=options["retry_unsafe"])
    timeout, headers = options["timeout"], options["headers"] or {}
    url, token_request, context = client._call(url, options["params"], options["scope"], options["origin"], timeout)  # noqa: SLF001 - the other half of the client
    service = context.get("service", "")
    if service == "graph" and str(method).upper() == "GET":
        url, needed = advanced_query(url, map(str, headers))
        if needed:
            headers = HiddenDict({**headers, HEADER: "eventual"})
            steps.added(f"{HEADER}: eventual", "an advanced query of Microsoft Graph")
    api = ApiRequest(
        method, url, headers, options["body"], options["json"], timeout, service, policy, options["follow_tenant"]
    )
    return ApiCall(api, token_request, context)


def waiting_call(
    client: ClientBase,
    began: ApiResponse | Operation,
    scope: str,
    origin: str,
    timeout: float | None,
    retries: int | None,
) -> tuple[ApiResponse | Operation, TokenRequest, RetryPolicy]:
    """Return what a wait needs: an operation that is resumed knows its service, and the token's request its tenant."""
    policy = retry_policy(retries, None, unsafe=False)
    url = began.resource if isinstance(began, Operation) else began.url
    _, token_request, context = client._call(url, None, scope, origin, timeout)  # noqa: SLF001 - the other half
    if isinstance(began, Operation):
        return replace(began, service=context.get("service", "")), token_request, policy
    if (tenant := began.context.get("tenant", "")) and tenant != token_request.authority.tenant:
        token_request = replace(token_request, authority=token_request.authority.for_tenant(tenant))
    return began, token_request, policy
