"""Parse a stream of server-sent events (html.spec.whatwg.org, section 9.2.6, "Interpreting an event stream")."""

from __future__ import annotations

import codecs

from mstoken.errors import UnreadableAnswer
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EVENT = 64 * 1024 * 1024
"""Characters of one event: more is refused rather than filling the memory."""


@value
class Event:
    """One event. `last_id` is the stream's last event ID so far, '' for none; `data` may be empty."""

    data: str = field(repr=False)
    kind: str = "message"
    last_id: str = ""


class EventStream:
    """Turns the bytes of a stream into events, however they are cut.

    `last_id` is what `Last-Event-ID` carries after a reconnection, `retry_in` the pause before it, in seconds, None if
    the server names none.
    """

    def __init__(self) -> None:
        self.last_id = ""
        self.retry_in: float | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = [""]
        self._data: list[str] = []
        self._size = 0
        self._kind = ""

    def feed(self, data: bytes) -> Iterator[Event]:
        """Return the events that `data` completes. Raises UnreadableAnswer for one that is too large."""
        text = self._decoder.decode(data)
        if "\n" not in text and "\r" not in text and not self._rest[-1].endswith("\r"):
            self._rest.append(text)  # joined once, however many parts a long line has
            self._size += len(text)
            self._limit(self._size)
            return
        text, self._rest = "".join((*self._rest, text)), [""]
        held = text.endswith("\r")  # half of a line's end, perhaps
        lines = (text[:-1] if held else text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = [lines.pop() + ("\r" if held else "")]
        for line in lines:
            if line:
                self._field(line)
            elif event := self._dispatched():
                yield event

    def _field(self, line: str) -> None:
        name, _, text = line.partition(":")
        text = text.removeprefix(" ")
        if name == "data":
            self._data.append(text)
            self._size += len(text)
            self._limit(self._size)
        elif name == "event":
            self._kind = text
        elif name == "id" and "\0" not in text:
            self.last_id = text
        elif name == "retry" and text.isascii() and text.isdecimal() and len(text) < 10:
            self.retry_in = int(text) / 1000

    def _dispatched(self) -> Event | None:
        data, kind = "\n".join(self._data), self._kind or "message"
        found = bool(self._data)
        self._data, self._size, self._kind = [], 0, ""
        return Event(data, kind, self.last_id) if found else None

    def _limit(self, size: int) -> None:
        if size > MAX_EVENT:
            raise UnreadableAnswer(f"An event of the server has more than {MAX_EVENT} characters.")
