"""Server-sent events: the same ones, however the bytes are cut."""

from __future__ import annotations

import pytest

from mstoken.errors import UnreadableAnswer
from mstoken.protocol import event_stream
from mstoken.protocol.event_stream import EventStream

STREAM = (
    "\ufeff: a comment\r\nretry: 250\r\n\r\n"
    "id: 1\ndata: grün\ndata\ndata:  two\n\n"
    "event: ping\rdata: x\r\r"
    "data:\nid: 2\n\nevent: lost\n\nid: a\0b\nunknown: y\ndata: z\n\ndata: cut off\n"
).encode()
EVENTS = [("grün\n\n two", "message", "1"), ("x", "ping", "1"), ("", "message", "2"), ("z", "message", "2")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events(size: int) -> None:
    stream, found = EventStream(), []
    for at in range(0, len(STREAM), size):
        found += [(one.data, one.kind, one.last_id) for one in stream.feed(STREAM[at : at + size])]
    assert found == EVENTS
    assert (stream.last_id, stream.retry_in) == ("2", 0.25)


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 50 + b"\n", b"x" * 50])
def test_a_huge_event_is_refused(monkeypatch: pytest.MonkeyPatch, piece: bytes) -> None:
    monkeypatch.setattr(event_stream, "MAX_EVENT", 1000)
    stream = EventStream()
    with pytest.raises(UnreadableAnswer):
        [list(stream.feed(piece)) for _ in range(30)]
