"""The bridge: an MCP client's lines become requests to a streamable HTTP server, and its answers become lines.

Source: modelcontextprotocol.io/specification, Transports: stdio and Streamable HTTP, of 2025-03-26 to 2026-07-28.
"""

from __future__ import annotations

import threading
import time

from mstoken.errors import MstokenError, TransportError, UsageError
from mstoken.forks import call_lock
from mstoken.integrations.mcp import messages
from mstoken.integrations.mcp.http import Session
from mstoken.protocol.event_stream import EventStream
from mstoken.protocol.http import HttpResponse
from mstoken.redaction import shown
from mstoken.rest.api_errors import api_error
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import redacted_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.integrations.mcp.http import Server
    from mstoken.integrations.mcp.messages import Id, Message
    from mstoken.transports.body_stream import BodyStream
    from mstoken.transports.deadline import Abortable

MOST_REQUESTS = 256
"""Requests that wait for a response at the same time; more of them get an error at once."""
_RESUMPTIONS = 5
_PAUSE_IN = 1.0
_MOST_PAUSE_IN = 30.0
_INITIALIZE, _INITIALIZED, _CANCELLED = "initialize", "notifications/initialized", "notifications/cancelled"


class Bridge:
    """Passes messages on. `write` gets each line for the client, `log` what a person should know; both from any thread.

    `describe` makes the text and the data of an error for the client.
    """

    def __init__(
        self,
        server: Server,
        write: Callable[[bytes], None],
        log: Callable[[str], None],
        describe: Callable[[MstokenError], tuple[str, dict[str, object]]],
    ) -> None:
        self._server, self._write, self._log, self._describe = server, write, log, describe
        self._lock, self._renewal = call_lock(), call_lock()
        self._waiting: dict[Id, _Call] = {}
        self._idle = threading.Event()
        self._idle.set()
        self._initialize: Message | None = None

    def handle(self, line: bytes) -> None:
        """Pass a line of the client on. A request waits for its answer in a thread; all else is sent in its order."""
        try:
            message = messages.parse(line)
        except UsageError as error:
            self._write(messages.failure(None, error.message, messages.PARSE_ERROR))
            return
        if message.method == _CANCELLED and self._cancel(message.params.get("requestId")):
            return
        call = _Call(self._server.new_deadline(), message.ids, by_closing=bool(message.version))
        if message.method == _INITIALIZE:
            self._server.session, self._initialize = Session(), message
        if message.ids and message.method != _INITIALIZE:
            if not self._register(call):
                self._server.forget(call.deadline)
                self._fail(call, UsageError(f"{MOST_REQUESTS} requests are waiting.", "Wait for their answers."))
                return
            _start(self._call, message, call)
            return
        self._register(call)
        self._call(message, call)
        if message.method == _INITIALIZED and self._server.session.version:
            _start(self._listen)

    def wait(self) -> None:
        """Wait until every request has its answer."""
        self._idle.wait()

    def close(self) -> None:
        """End what still waits, and the server's session."""
        self._server.end()
        try:
            self._server.end_session()
        except MstokenError:
            return  # the server ends it itself one day

    def _register(self, call: _Call) -> bool:
        with self._lock:
            if len(self._waiting) >= MOST_REQUESTS:
                return False
            self._waiting.update(dict.fromkeys(call.open, call))
            if self._waiting:
                self._idle.clear()
        return True

    def _cancel(self, of: object) -> bool:
        """Return whether closing the response was the cancellation: since 2026-07-28 there is no message for it."""
        with self._lock:
            call = self._waiting.get(of) if isinstance(of, str | int | float) else None
        if call is None or not call.by_closing:
            return False
        call.cancelled = True
        call.deadline.abort()
        return True

    def _call(self, message: Message, call: _Call) -> None:
        try:
            self._exchange(message, call)
        except MstokenError as error:
            self._fail(call, error)
        except Exception as error:  # noqa: BLE001 - a bug must not leave the client without an answer
            self._fail(call, UsageError(f"This is a bug in mstoken: {type(error).__name__}."))
        finally:
            self._server.forget(call.deadline)
            with self._lock:
                for one in call.ids:
                    if self._waiting.get(one) is call:
                        del self._waiting[one]
                if not self._waiting:
                    self._idle.set()

    def _exchange(self, message: Message, call: _Call) -> None:
        session = self._server.session.id
        stream = self._server.post(message.line, message.headers, call.deadline)
        if stream.status == 404 and session and message.method != _INITIALIZE:
            stream.close()
            with self._renewal:
                if self._server.session.id == session:
                    self._begin_again()
            stream = self._server.post(message.line, message.headers, call.deadline)
        with stream:
            self._receive(stream, message, call)

    def _begin_again(self) -> None:
        """Begin a new session in place of one that the server has ended (404), as the client began the first."""
        first = self._initialize
        if first is None:
            return
        self._server.session = Session()
        deadline = self._server.new_deadline()
        try:
            call = _Call(deadline, first.ids, silent=True)
            with self._server.post(first.line, first.headers, deadline) as stream:
                self._receive(stream, first, call)
            line = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
            self._server.post(line, {}, deadline).close()
        finally:
            self._server.forget(deadline)
        self._log("The server had ended the session; a new one has begun.")
        _start(self._listen)

    def _receive(self, stream: BodyStream, message: Message, call: _Call) -> None:
        """Pass the answers of one response on. Raises MstokenError if it lacks one."""
        if message.method == _INITIALIZE and stream.status == 200:
            self._server.session = Session(stream.headers.get("mcp-session-id", ""))
        kind = stream.headers.get("content-type", "").partition(";")[0].strip().lower()
        if stream.status == 200 and kind == "text/event-stream":
            self._follow(stream, call)
        else:
            body = b"".join(iter(stream.read, b""))
            found = messages.answered(body) if kind == "application/json" else None
            if found and (stream.status == 200 or call.open.intersection(found[1])):
                self._pass_on(body, call)
            elif stream.status not in (200, 202, 204):
                raise _refusal(stream, body, self._server.url)
        if call.open:
            raise TransportError("The server ended its response without an answer.", "Try again.")

    def _follow(self, stream: BodyStream, call: _Call) -> None:
        """Pass on the events of a stream until the call is answered; resume it if it breaks and the server can."""
        events = EventStream()
        for attempt in range(_RESUMPTIONS + 1):
            try:
                with stream:
                    if self._events(stream, events, call):
                        return
            except TransportError:
                if not events.last_id or self._server.ended or call.cancelled:
                    raise
            if not events.last_id or not call.open or attempt == _RESUMPTIONS:
                return
            self._pause(_PAUSE_IN if events.retry_in is None else events.retry_in)
            stream = self._server.open_stream(events.last_id, call.deadline)
            if stream.status != 200:
                stream.close()
                return

    def _events(self, stream: BodyStream, events: EventStream, call: _Call) -> bool:
        """Return whether the call is answered; the rest of the stream is read, so that the connection serves again."""
        while part := stream.read():
            for event in events.feed(part):
                if event.kind == "message" and event.data:
                    self._pass_on(event.data, call)
        return bool(call.ids) and not call.open

    def _pass_on(self, text: bytes | str, call: _Call) -> None:
        found = messages.answered(text)
        if found is None:
            self._log("The server sent something that is not JSON-RPC; it was left out.")
            return
        line, ids, result = found
        call.open -= set(ids)
        version = result.get("protocolVersion")
        if isinstance(version, str) and version.isprintable() and self._is_initialize(ids):
            self._server.session = Session(self._server.session.id, version)
        if not (call.silent or call.cancelled):
            self._write(line)

    def _is_initialize(self, ids: tuple[Id, ...]) -> bool:
        return self._initialize is not None and ids == self._initialize.ids

    def _listen(self) -> None:
        """Pass on what the server sends unasked. A server without such a stream refuses (405), which is no error."""
        events, failures = EventStream(), 0
        while not self._server.ended and failures < _RESUMPTIONS:
            deadline = self._server.new_deadline()
            try:
                with self._server.open_stream(events.last_id, deadline) as stream:
                    if stream.status != 200 and stream.status < 500:
                        return
                    failures += stream.status != 200
                    self._events(stream, events, _Call(deadline, ()))
                    failures *= stream.status != 200
            except MstokenError:
                failures += 1
            finally:
                self._server.forget(deadline)
            pause = _PAUSE_IN if events.retry_in is None else events.retry_in
            self._pause(pause * 2**failures)

    def _pause(self, seconds: float) -> None:
        end_on = time.monotonic() + min(seconds, _MOST_PAUSE_IN)
        while not self._server.ended and (left := end_on - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    def _fail(self, call: _Call, error: MstokenError) -> None:
        """Answer the open requests with the error; that of a notification, which has no answer, is for a person."""
        if call.cancelled or self._server.ended:
            return
        text, data = self._describe(error)
        if not call.open:
            self._log(text)
        for one in sorted(call.open, key=str):
            self._write(messages.failure(one, text, data=data))


class _Call:
    """One exchange: its deadline, the IDs of its requests, and those that have no answer yet.

    `by_closing`: ending the response cancels it. `silent`: the client does not see it.
    """

    def __init__(
        self, deadline: Abortable, ids: tuple[Id, ...], *, by_closing: bool = False, silent: bool = False
    ) -> None:
        self.deadline, self.ids, self.open = deadline, ids, set(ids)
        self.by_closing, self.silent, self.cancelled = by_closing, silent, False


def _start(target: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=target, args=arguments, name="mstoken-mcp", daemon=True).start()


def _refusal(stream: BodyStream, body: bytes, url: str) -> MstokenError:
    """Return the error for a response that is none of success."""
    if 300 <= stream.status < 400:
        where = shown(redacted_url(stream.headers.get("location", "")), 200)
        return UsageError(
            f"The server redirects to {where}, and no token was sent there.", "Give that URL if it is meant."
        )
    return api_error(HttpResponse(stream.status, stream.headers, body), f"POST {redacted_url(url)}", {})
