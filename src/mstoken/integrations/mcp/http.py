"""Requests to the MCP server: each with a valid token, repeated when the server asks for another one."""

from __future__ import annotations

from mstoken.forks import call_lock
from mstoken.hidden import HiddenText
from mstoken.protocol.http import HttpRequest
from mstoken.transports.deadline import Abortable
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.integrations.mcp.access import Access
    from mstoken.model import Token
    from mstoken.transports.blocking import HttpTransport
    from mstoken.transports.body_stream import BodyStream

LIMIT_IN = 86_400.0
"""Seconds for a response: a tool may take hours, and its client decides how long it waits."""
_END_IN = 5.0
_MAX_BODY = 256 * 1024 * 1024
_ACCEPT = "application/json, text/event-stream"


@value
class Session:
    """What the server has said of the connection: its session's ID and the protocol's version, '' for neither."""

    id: str = field(default="", secret=True)
    version: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of every request after the first."""
        named = {"Mcp-Session-Id": self.id, "MCP-Protocol-Version": self.version}
        return {name: text for name, text in named.items() if text}


class Server:
    """Sends requests to the server at `url`, in several threads. `end` ends those that wait for a response."""

    def __init__(self, url: str, access: Access, transport: HttpTransport) -> None:
        self.url, self._access, self._transport = url, access, transport
        self.session = Session()
        self._lock = call_lock()
        self._deadlines: set[Abortable] = set()
        self.ended = False

    def new_deadline(self) -> Abortable:
        """Return the deadline of one call, which `end` ends too; `forget` it afterwards."""
        deadline = Abortable(LIMIT_IN)
        with self._lock:
            self._deadlines.add(deadline)
            ended = self.ended
        if ended:
            deadline.abort()
        return deadline

    def forget(self, deadline: Abortable) -> None:
        """Let a call's deadline go."""
        with self._lock:
            self._deadlines.discard(deadline)

    def post(self, body: bytes, headers: Mapping[str, str], deadline: Abortable) -> BodyStream:
        """Send a message. Raises MstokenError."""
        kinds = {"Accept": _ACCEPT, "Content-Type": "application/json"}
        return self._open("POST", {**kinds, **self.session.headers, **headers}, body, deadline)

    def open_stream(self, last_id: str, deadline: Abortable) -> BodyStream:
        """Open a stream of the server's messages, after the event `last_id` if it is known. Raises MstokenError."""
        headers = {"Accept": "text/event-stream", **self.session.headers}
        if last_id:
            headers["Last-Event-ID"] = last_id
        return self._open("GET", headers, b"", deadline)

    def end(self) -> None:
        """End all calls, now and from now on."""
        with self._lock:
            self.ended, deadlines = True, list(self._deadlines)
        for deadline in deadlines:
            deadline.abort()

    def end_session(self) -> None:
        """Tell the server that its session is over, if it has one. Raises MstokenError."""
        if self.session.id:
            with self._open("DELETE", self.session.headers, b"", Abortable(_END_IN)):
                self.session = Session()

    def _open(self, method: str, headers: Mapping[str, str], body: bytes, deadline: Abortable) -> BodyStream:
        request = HttpRequest(method, self.url, headers, body, _MAX_BODY, repeatable=method == "GET")
        token = self._access.token()
        attempt = int(token is not None)
        while True:
            stream = self._transport.open(_with(request, token), deadline)
            if stream.status not in (401, 403):
                return stream
            try:
                challenge = stream.headers.get("www-authenticate", "")
                token = self._access.after_refusal(stream.status, challenge, token, attempt)
            except BaseException:
                stream.close()
                raise
            if token is None:
                return stream
            stream.close()
            attempt += 1


def _with(request: HttpRequest, token: Token | None) -> HttpRequest:
    if token is None:
        return request
    return replace(request, headers={**request.headers, "Authorization": HiddenText(f"Bearer {token.token}")})
