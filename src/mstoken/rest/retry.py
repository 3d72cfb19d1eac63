"""Whether a request to an API is sent again, and after which wait. The facts are in retry.toml.

A request is repeated only if that does nothing twice: a method that is idempotent after every temporary failure, any
other method only if the API says that it did not execute the request (429, or 503 with Retry-After), or if the request
has an idempotency key. An API that throttles counts the requests that it refuses
(learn.microsoft.com/graph/throttling), so the whole requested wait is kept.
"""

from __future__ import annotations

from mstoken.errors import TransportError, UntrustedCertificate, UsageError
from mstoken.protocol.retry_after import requested_wait
from mstoken.rest.facts import facts
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.protocol.http import HttpResponse

RETRIES = 3
MAX_WAIT_IN = 180.0
"""Longest wait before a repeated request, in seconds: a longer one is for the caller to decide."""
FIRST_PAUSE_IN = 1.0
"""The wait, if the API requests none, before the second attempt; doubled each time, with jitter of one half."""


@value
class RetryPolicy:
    """How a call repeats its request.

    `retries`: how often at most. `max_wait_in`: the longest wait in seconds; if the API asks for more, its response is
    returned at once. `unsafe`: repeat every method as if it were idempotent, which may do something twice.
    """

    retries: int = RETRIES
    max_wait_in: float = MAX_WAIT_IN
    unsafe: bool = False


@value
class ApiHeaders:
    """What a service needs in the headers of a request: see retry.toml."""

    idempotency_key: str = ""
    ids: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def retry_policy(retries: int | None, max_wait: float | None, *, unsafe: bool) -> RetryPolicy:
    """Return the policy for the arguments of a call; None for the usual value. Raises UsageError for a negative one."""
    given: tuple[object, object] = (retries, max_wait)  # without a type checker, the caller may pass any value
    number, wait = given
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
        raise UsageError("retries is the number of repeated requests, 0 or more.", "Leave it out for the usual 3.")
    if wait is not None and not (isinstance(wait, int | float) and wait >= 0):
        raise UsageError("max_wait is a number of seconds, 0 or more.", "Leave it out for the usual 180.")
    return RetryPolicy(
        RETRIES if retries is None else retries, MAX_WAIT_IN if max_wait is None else float(max_wait), unsafe
    )


def is_idempotent(method: str) -> bool:
    """Return whether the method (in capitals) does no more when it is done twice."""
    return method in facts("retry")["methods"]["idempotent"]


def api_headers(service: str) -> ApiHeaders:
    """Return what the service with this name in the catalogue needs in the headers."""
    return ApiHeaders(**facts("retry").get(f"service.{service}", {}))


def wait_before_retry(
    outcome: HttpResponse | TransportError, attempt: int, *, repeatable: bool, now: float, random: float
) -> float | None:
    """Return the seconds to wait before the request is repeated; None if it is not.

    `attempt` is the number of attempts so far, `repeatable` whether doing the request twice does no more than once,
    `random` a number in [0, 1).
    """
    pause = FIRST_PAUSE_IN * 2.0 ** (attempt - 1) * (0.5 + random)
    if isinstance(outcome, TransportError):
        return pause if repeatable and not isinstance(outcome, UntrustedCertificate) else None
    wait, status, rules = requested_wait(outcome.headers, now), str(outcome.status), facts("retry")["statuses"]
    executed = status not in rules["not_executed"] and not (
        wait is not None and status in rules["not_executed_with_wait"]
    )
    if status not in rules["temporary"] or (executed and not repeatable):
        return None
    return pause if wait is None else wait
