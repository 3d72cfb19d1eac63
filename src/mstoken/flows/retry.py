"""Send a request, with retries if they can help, within the timeout of the token request.

After 429 and 5xx, the wait is Retry-After (RFC 9110 section 10.2.3), else a backoff with jitter:
learn.microsoft.com/azure/architecture/best-practices/retry-service-specific. Permanent refusals and rejected server
certificates are not retried. A 429 applies to every caller that authenticates as the same client at the same authority:
the pause is saved in the store, and until it ends, nobody who shares the store sends a request there.
"""

from __future__ import annotations

from math import ceil

from mstoken import steps
from mstoken.errors import Identified, Throttled, TryLater, UntrustedCertificate
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.messages import warn
from mstoken.model import Note
from mstoken.protocol.cache_key import client_parts
from mstoken.protocol.retry_after import LONGEST_IN
from mstoken.protocol.token_endpoint import parse_token_response
from mstoken.typed import TYPE_CHECKING, TypeVar
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.port import HttpPort, Port
    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.protocol.token_endpoint import TokenResponse

T = TypeVar("T")

MOST_TRIES = 3
FIRST_PAUSE_IN = 0.5
SHORTEST_IN = 0.5
"""Minimum timeout of one attempt, in seconds, however little time is left."""
SPREAD = 0.1
"""Maximum extra wait of callers that learn of a pause from the store, as a fraction of it. It spreads their retries."""


async def send_token_request(http: HttpRequest, request: TokenRequest, port: Port) -> TokenResponse:
    """Send `http` to the token endpoint for `request` and parse the response.

    Raises what `parse_token_response` raises; the last TryLater if no attempts or no time are left.
    """

    def parse(response: HttpResponse) -> TokenResponse:
        if response.status != 200:
            from mstoken.protocol.quoted import unquoted

            response = unquoted(response, http)
        return parse_token_response(response, request, port.now(), port.random())

    pause_key = fingerprint_of_parts("pause", *client_parts(request))
    return warned(await send_with_retry(http, parse, time_left_in(request, port), port, pause_key))


def warned(answer: TokenResponse) -> TokenResponse:
    """Return the response, after a warning about each field that was left out of it."""
    for name in answer.unusable:
        warn(
            f"The token service sent a {name} that is not valid, which was left out. The access token is valid. "
            "RFC 6749 appendix A lists the allowed characters."
        )
    return answer


def time_left_in(request: TokenRequest, port: HttpPort) -> float:
    """Return how many seconds the response to `request` may still take."""
    if not request.deadline_on:
        return request.timeout_in
    return min(request.timeout_in, max(request.deadline_on - port.now(), SHORTEST_IN))


async def send_with_retry(
    http: HttpRequest, parse: Callable[[HttpResponse], T], timeout_in: float, port: Port, pause_key: str = ""
) -> T:
    """Send `http` to any service and return `parse(response)`; retry if sending or `parse` raises TryLater.

    The total time is at most `timeout_in` seconds, including the current attempt. A pause that a 429 requests is shared
    with all callers of the same `pause_key`. Raises what `parse` raises; the last TryLater if no attempts or no time
    are left.
    """
    request_id = port.request_id()  # one for all attempts: they are one request to Entra's logs
    deadline_on = port.now() + timeout_in
    pause = FIRST_PAUSE_IN
    for tries_left in reversed(range(MOST_TRIES)):
        note = await port.load_note(pause_key) if pause_key else None
        paused_in = pause_left_in(note, port.now()) if note else 0
        remaining_in = min(timeout_in, max(deadline_on - port.now(), SHORTEST_IN))
        try:
            if paused_in:
                raise _throttled_before(paused_in)
            with Identified(request_id):
                limit_in = min(http.timeout_in or remaining_in, remaining_in)
                return parse(await port.send(replace(http, request_id=request_id, timeout_in=limit_in)))
        except TryLater as error:
            wait = pause * (0.5 + port.random()) if error.retry_in is None else error.retry_in
            if paused_in:
                wait += SPREAD * port.random() * paused_in
            elif pause_key and isinstance(error, Throttled):
                await _share_pause(pause_key, error, port)
            permanent = isinstance(error, UntrustedCertificate)
            if permanent or not tries_left or wait > timeout_in or port.now() + wait > deadline_on:
                raise
        steps.waiting(wait, MOST_TRIES - tries_left + 1, MOST_TRIES)
        await port.sleep(wait)
        pause *= 2
    raise AssertionError("the last try returns or raises")


def pause_left_in(note: Note, now: float) -> float:
    """Return the seconds left of a shared pause; 0 if it is over or the clock was changed."""
    remaining_in = note.expires_on - now
    return remaining_in if note.written_on - 1 <= now and 0 < remaining_in <= LONGEST_IN + 1 else 0


def _throttled_before(remaining_in: float) -> Throttled:
    return Throttled(
        "The service asked this application to slow down before. No request was made.",
        f"Try again in {ceil(remaining_in)} seconds.",
        remaining_in,
    )


async def _share_pause(pause_key: str, error: Throttled, port: Port) -> None:
    if error.retry_in and error.retry_in > 0:
        now = port.now()
        await port.save_note(pause_key, Note("throttled", int(now), ceil(now + error.retry_in)))
