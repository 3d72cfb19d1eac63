"""Wait for a long-running operation: poll it, and fetch its result. A URL elsewhere is polled without the token."""

from __future__ import annotations

from mstoken.errors import ApiRefused, ServiceUnavailable
from mstoken.messages import advice
from mstoken.protocol.retry_after import requested_wait
from mstoken.rest.api_errors import parse_api_error
from mstoken.rest.api_request import ApiRequest
from mstoken.rest.call import call
from mstoken.rest.operations import Operation, operation_of, progress_of, result_url
from mstoken.rest.redirects import resolved
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.rest.operations import Progress
    from mstoken.rest.response import ApiResponse
    from mstoken.rest.retry import RetryPolicy

    OnProgress = Callable[[Operation, Progress | None], None]
    """Called with None before the first poll, and then after each."""

_FIRST_PAUSE_IN, _LONGEST_PAUSE_IN = 1.0, 30.0
"""Seconds between two polls if the service names none: doubled from the first to the longest, which is
azure-mgmt-core's."""


async def await_operation(
    began: ApiResponse | Operation,
    token_request: TokenRequest,
    port: Port,
    policy: RetryPolicy,
    *,
    within_in: float | None = None,
    on_progress: OnProgress | None = None,
) -> ApiResponse:
    """Return the result of an operation, or of that which the response `began` says it began; else `began` itself.

    An error response to a poll is returned. An operation that was given is polled at once. Raises ApiRefused, with the
    operation's error, if it failed; ServiceUnavailable if it continues after `within_in` seconds; otherwise what `call`
    raises.
    """
    if isinstance(began, Operation):
        return await _result(began, None, _Poller(token_request, port, policy, within_in, on_progress))
    operation = operation_of(began) if began.ok else None
    if operation is None:
        return began
    return await _result(operation, began, _Poller(token_request, port, policy, within_in, on_progress))


async def _result(operation: Operation, last: ApiResponse | None, poller: _Poller) -> ApiResponse:
    """Poll the operation until it ends; `last` is the response that says how long to wait first, None for not at all.

    Behind a Location, each response may name the next URL.
    """
    polls, port = 0, poller.port
    context, since = last.context if last else {}, port.now()
    poller.report(operation, None)
    while True:
        if last is not None:
            wait = _pause(last, polls, port.now())
            if poller.within_in is not None and port.now() - since + wait > poller.within_in:
                raise ServiceUnavailable(f"The operation continues after {port.now() - since:.0f} seconds.", _later())
            await port.sleep(wait)
        last = await poller.get(operation, operation.url, context)
        polls += 1
        if not last.ok:
            return last
        progress = progress_of(operation, last)
        poller.report(operation, progress)
        if progress.state == "failed":
            raise _failure(operation, last, progress)
        if progress.state == "succeeded":
            break
        if operation.kind == "location" and (moved := last.headers.get("location", "")):
            operation = replace(operation, url=resolved(operation.url, moved)[0])
    where = result_url(operation, last)
    return await poller.get(operation, where, context) if where else last


class _Poller:
    """Sends the requests of one wait."""

    def __init__(
        self,
        token_request: TokenRequest,
        port: Port,
        policy: RetryPolicy,
        within_in: float | None,
        on_progress: OnProgress | None,
    ) -> None:
        self.port, self.within_in = port, within_in
        self._token_request, self._policy, self._on_progress = token_request, policy, on_progress

    def report(self, operation: Operation, progress: Progress | None) -> None:
        """Report the progress to whoever waits."""
        if self._on_progress:
            self._on_progress(operation, progress)

    async def get(self, operation: Operation, url: str, context: Mapping[str, str]) -> ApiResponse:
        """GET the URL: with the token at the API's origin, without it elsewhere."""
        own = operation.is_own(url)
        service = operation.service if own else ""
        api = ApiRequest("GET", url, service=service, retry=self._policy, follow_tenant=own, anonymous=not own)
        return await call(api, self._token_request, self.port, context)


def _pause(response: ApiResponse, polls: int, now: float) -> float:
    """Return the seconds until the next poll: as the service says, else growing to the longest usual one."""
    wait = requested_wait(response.headers, now)
    return min(_FIRST_PAUSE_IN * 2.0 ** min(polls, 10), _LONGEST_PAUSE_IN) if wait is None else wait


def _failure(operation: Operation, response: ApiResponse, progress: Progress) -> ApiRefused:
    code, message = parse_api_error(response.body)
    named = f" ({code})" if code else ""
    began = f"{operation.method} {operation.resource.partition('?')[0]}"
    text = f"The operation that {began} began ended as {progress.word}{named}.{f' {message}' if message else ''}"
    return ApiRefused(text, "Correct the request, and send it again.", response.status, code)


def _later() -> str:
    return advice(options="Wait for it again.", python="Call wait with the same response again.")
