"""The blocking transport: one complete request at a time, over persistent connections."""

from __future__ import annotations

from time import monotonic

from mstoken import steps
from mstoken.forks import ForkSafe
from mstoken.protocol.http import DEFAULT_POLICY
from mstoken.transports.connecting import Route
from mstoken.transports.connection import ClosedWhileIdle
from mstoken.transports.deadline import TIMEOUT_IN, Deadline
from mstoken.transports.failures import cut_off
from mstoken.transports.outgoing import outgoing
from mstoken.transports.pool import Pool
from mstoken.typed import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.protocol.http import ConnectionPolicy, HttpRequest, HttpResponse
    from mstoken.transports.body_stream import BodyStream
    from mstoken.transports.connection import Connection
    from mstoken.transports.outgoing import Outgoing

R = TypeVar("R")
SWEEP_EVERY_IN = 10.0
"""Seconds between two looks at connections of servers that are not asked any more."""


class HttpTransport(ForkSafe):
    """Sends requests over persistent connections. Threads and forked children may share it.

    It never follows a redirect: a secret goes only where it was sent. Proxies and certificate authorities of the
    environment are read before the first request to a server.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pools: dict[str | tuple[str, ConnectionPolicy], Pool] = {}
        self._swept = monotonic()

    def send(self, request: HttpRequest, deadline: Deadline | None = None) -> HttpResponse:
        """Send `request` and read the whole response, whatever its status.

        Raises TransportError if there is no response, UnreadableAnswer for one over `max_response_bytes`, and
        UsageError, before anything is sent, for an invalid request or setting.
        """
        deadline = deadline or Deadline(request.timeout_in or TIMEOUT_IN, renews=request.renews_timeout)
        ready = outgoing(request)
        if not steps.wanted(steps.INFO):
            return self._answer(request, ready, deadline)
        result: int | BaseException = 0
        began = monotonic()
        try:
            response = self._answer(request, ready, deadline)
            result = response.status
        except BaseException as error:
            result = error
            raise
        finally:
            path = "/…" if request.hides_path else ready.target.partition("?")[0]
            address = f"{ready.origin.host_header}{path}"
            steps.exchanged(ready.method, address, result, monotonic() - began, request.request_id)
            del result  # an error's traceback refers to this frame
        return response

    def open(self, request: HttpRequest, deadline: Deadline) -> BodyStream:
        """Send `request` and return the response with a body that is read in parts, such as a stream of events.

        `deadline` limits the call up to the head, and is the one of each part. A body that is compressed stays so: the
        request must not accept that. Raises as `send` does.
        """
        return self._sent(request, outgoing(request), deadline, _opened)

    def _answer(self, request: HttpRequest, ready: Outgoing, deadline: Deadline) -> HttpResponse:
        return self._sent(request, ready, deadline, _exchanged)

    def _sent(
        self,
        request: HttpRequest,
        ready: Outgoing,
        deadline: Deadline,
        use: Callable[[Pool, Connection, Outgoing, Deadline], R],
    ) -> R:
        pool = self._pool(ready, request.policy)
        connection = pool.take(deadline, surely_open=not request.repeatable)
        try:
            return use(pool, connection, ready, deadline)
        except ClosedWhileIdle:
            if not request.repeatable:
                raise cut_off(pool.route.peer) from None
        # RFC 9112 section 9.3.1: no byte of a response arrived, so the request is sent once more, on a new connection.
        return use(pool, pool.fresh(deadline), ready, deadline)

    def close(self) -> None:
        """Close all connections. The next request opens new ones and reads the settings again."""
        with self._lock:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.close()

    def _pool(self, ready: Outgoing, policy: ConnectionPolicy) -> Pool:
        key = ready.base if policy is DEFAULT_POLICY else (ready.base, policy)
        with self._lock:
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = Pool(Route(ready.origin, policy))
            if monotonic() - self._swept > SWEEP_EVERY_IN:
                self._swept = monotonic()
                for key, other in list(self._pools.items()):
                    if not other.close_expired() and other is not pool:
                        del self._pools[key]
            return pool


def _opened(pool: Pool, connection: Connection, request: Outgoing, deadline: Deadline) -> BodyStream:
    stream = _attached(pool, connection, request, deadline, connection.open)
    stream.belongs_to(deadline, lambda: pool.give_back(connection))
    return stream


def _exchanged(pool: Pool, connection: Connection, request: Outgoing, deadline: Deadline) -> HttpResponse:
    response = _attached(pool, connection, request, deadline, connection.exchange)
    deadline.detach()
    pool.give_back(connection)
    return response


def _attached(
    pool: Pool, connection: Connection, request: Outgoing, deadline: Deadline, send: Callable[[Outgoing, Deadline], R]
) -> R:
    """Send under the deadline, which stays attached to the connection; a failure drops the connection."""
    deadline.attach(connection.socket)
    try:
        result = send(request, deadline)
    except BaseException:
        deadline.detach()
        pool.drop(connection)
        raise
    if connection.exchanges == 1:
        pool.route.keep_session(connection)
    return result
