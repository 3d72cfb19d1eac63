"""A TCP relay in a process of its own that delays every byte, as a long line does, and counts round trips.

Run by `service.py`, which talks to it over stdin and stdout. One thread and one poll loop, so that it costs little CPU.

A round trip is what a client waits for: it sent something and then receives something. Opening a TCP connection is one
too (RFC 9293 section 3.5); the kernel answers it at once, so the relay holds the first bytes back for as long.
The server's session tickets (RFC 8446 section 4.6.1) cross the client's request on the line and add no round trip.
"""

from __future__ import annotations

import heapq
import json
import resource
import select
import socket
import sys
import time
from collections import Counter

_CHUNK = 65536
_LONGEST_WAIT_IN = 3600.0


class End:
    """One end of a relayed connection: its socket, the other end, and bytes that the socket has not taken yet."""

    def __init__(self, sock: socket.socket, open_on: float, *, client: bool) -> None:
        self.sock, self.open_on, self.client = sock, open_on, client
        self.peer: End = self
        self.unsent, self.events = b"", select.EPOLLIN
        self.waits_for_answer = False
        self.ended = False


class Relay:
    """Relays connections to `port` on loopback until stdin ends, with `delay` seconds each way.

    Commands on stdin, a line each: `reset` prints the counts as JSON (`connections`, `round_trips`) and starts again.
    """

    def __init__(self, port: int, delay: float) -> None:
        self._target, self._delay = ("127.0.0.1", port), delay
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._poll.register(sys.stdin, select.EPOLLIN)
        self._ends: dict[int, End] = {}
        self._on_the_way: list[tuple[float, int, End, bytes]] = []
        self._sent = 0
        self._counts: Counter[str] = Counter()

    def serve(self) -> None:
        """Relay until stdin ends."""
        print(self._listener.getsockname()[1], flush=True)
        while True:
            wait_in = max(0.0, self._on_the_way[0][0] - time.monotonic()) if self._on_the_way else _LONGEST_WAIT_IN
            for number, event in self._poll.poll(wait_in):
                if number == self._listener.fileno():
                    self._accept()
                elif number == sys.stdin.fileno():
                    if not sys.stdin.readline():
                        return
                    print(json.dumps(self._counts), flush=True)
                    self._counts.clear()
                elif number in self._ends:
                    self._serve(self._ends[number], event)
            now = time.monotonic()
            while self._on_the_way and self._on_the_way[0][0] <= now:
                _, _, end, data = heapq.heappop(self._on_the_way)
                self._deliver(end, data)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            self._counts["connections"] += 1
            self._counts["round_trips"] += 1
            open_on = time.monotonic() + 2 * self._delay
            client, server = (
                End(sock, open_on, client=True),
                End(socket.create_connection(self._target), 0, client=False),
            )
            client.peer, server.peer = server, client
            for end in (client, server):
                end.sock.setblocking(False)  # noqa: FBT003
                end.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._ends[end.sock.fileno()] = end
                self._poll.register(end.sock, select.EPOLLIN)

    def _serve(self, end: End, event: int) -> None:
        if event & select.EPOLLOUT:
            self._send(end, b"")
        if not event & ~select.EPOLLOUT:
            return
        try:
            data = end.sock.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if end.client:
            end.waits_for_answer = bool(data)
        if not data:
            end.ended = True
            self._poll.unregister(end.sock)
        self._sent += 1
        due_on = max(time.monotonic(), end.open_on) + self._delay
        heapq.heappush(self._on_the_way, (due_on, self._sent, end.peer, data))

    def _deliver(self, end: End, data: bytes) -> None:
        if end.sock.fileno() < 0:
            return
        if not data:
            self._close(end)
            return
        if end.client and end.waits_for_answer:
            end.waits_for_answer = False
            self._counts["round_trips"] += 1
        self._send(end, data)

    def _send(self, end: End, data: bytes) -> None:
        end.unsent += data
        try:
            while end.unsent:
                end.unsent = end.unsent[end.sock.send(end.unsent) :]
            events = select.EPOLLIN
        except BlockingIOError:
            events = select.EPOLLIN | select.EPOLLOUT
        except OSError:
            self._close(end)
            return
        if not end.ended and events != end.events:
            end.events = events
            self._poll.modify(end.sock, events)

    def _close(self, end: End) -> None:
        """The other end has closed, and so do we; what comes from this end now reaches nobody."""
        for one in (end, end.peer):
            if self._ends.pop(one.sock.fileno(), None) is not None:
                if not one.ended:
                    self._poll.unregister(one.sock)
                one.sock.close()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Relay(int(sys.argv[1]), float(sys.argv[2])).serve()
