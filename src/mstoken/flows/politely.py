"""Ask, and again where asking again can help, within the patience of the request.

429 and 5xx wait what Retry-After says (RFC 9110 section 10.2.3), else back off with jitter:
learn.microsoft.com/azure/architecture/best-practices/retry-service-specific. A refusal that cannot get better is not
repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mstoken.errors import TryLater
from mstoken.protocol.token_endpoint import read_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.protocol.token_endpoint import Answer

T = TypeVar("T")

MOST_TRIES = 3
FIRST_PAUSE_IN = 0.5


async def ask(http: HttpRequest, request: TokenRequest, port: Port) -> Answer:
    """Send `http` to the token endpoint for `request` and read the answer.

    Raises what `read_answer` raises; the last TryLater when the tries or the patience are used up.
    """

    def read(response: HttpResponse) -> Answer:
        return read_answer(response, request, port.now(), port.random())

    return await patiently(http, read, request.patience_in, port)


async def patiently(http: HttpRequest, read: Callable[[HttpResponse], T], patience_in: float, port: Port) -> T:
    """Send `http` to any service and give what `read` makes of the answer; again when it or the sending says TryLater.

    Raises what `read` raises; the last TryLater when the tries or `patience_in` (seconds) are used up.
    """
    give_up_on = port.now() + patience_in
    pause = FIRST_PAUSE_IN
    for tries_left in reversed(range(MOST_TRIES)):
        try:
            return read(await port.send(http))
        except TryLater as error:
            wait = pause * (0.5 + port.random()) if error.retry_in is None else error.retry_in
            if not tries_left or port.now() + wait > give_up_on:
                raise
        await port.sleep(wait)
        pause *= 2
    raise AssertionError("the last try returns or raises")
