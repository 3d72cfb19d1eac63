"""The storage behind an upload session, at an origin of its own."""

from __future__ import annotations

import re
from typing import Any

from tests.support.token_service import RecordedRequest, Reply, TokenService


class Storage:
    """The sessions of a drive at an origin of its own: parts in order, each refused if it leaves a gap."""

    def __init__(self, size: int) -> None:
        self.service, self.size, self.gone = TokenService(), size, False
        self.content = b""
        self.faults: list[Any] = []
        self.wants_token = False
        self.service.script = [self.reply]

    def reply(self, request: RecordedRequest) -> Reply:
        if self.faults and (fault := self.faults.pop(0)) is not None:
            return fault(request) if callable(fault) else fault  # type: ignore[no-any-return]
        if self.wants_token != ("Authorization" in request.headers):
            return Reply(401, {"error": {"code": "unauthenticated"}})
        if self.gone:
            return Reply(404, {"error": {"code": "itemNotFound"}})
        if request.method == "GET":
            return Reply(200, {"nextExpectedRanges": [f"{len(self.content)}-{self.size - 1}"]})
        return self.take(request)

    def take(self, request: RecordedRequest) -> Reply:
        first, last, total = map(int, re.findall(r"\d+", request.headers["Content-Range"]))
        assert (total, last - first + 1) == (self.size, len(request.body))
        if first != len(self.content):
            return Reply(416, {"error": {"code": "invalidRange"}})
        assert last + 1 == total or len(request.body) % 327_680 == 0
        self.content += request.body
        if len(self.content) < self.size:
            return Reply(202, {"nextExpectedRanges": [f"{len(self.content)}-"]})
        self.gone = True
        return Reply(201, {"id": "item-1"})

    def take_and_cut(self, request: RecordedRequest) -> Reply:
        """The part arrives, its response does not."""
        self.take(request)
        return Reply(raw=b"")
