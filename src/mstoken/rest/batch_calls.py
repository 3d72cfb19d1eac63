"""Send many requests to Microsoft Graph in batches, and return one result for each, in their order.

A window of requests is in memory at a time. Its parts for v1.0 and beta are batches of their own. Parts that were
throttled are sent again after the largest wait that one of them names, and nothing else with them, except what failed
because it depends on them (learn.microsoft.com/graph/json-batching, .../graph/throttling).
"""

from __future__ import annotations

import json

from mstoken import steps
from mstoken.errors import MstokenError, UnreadableAnswer, UntrustedOrigin, UsageError
from mstoken.messages import advice, warn
from mstoken.protocol.challenge import REFUSED, challenged_claims
from mstoken.protocol.http import REDIRECTS, HttpRequest, HttpResponse
from mstoken.rest.api_request import MAX_API_ANSWER, ApiRequest
from mstoken.rest.batch import MAX_PARTS, BatchPart, BatchResult, document_of, json_value, relative_url, responses_in
from mstoken.rest.call import call
from mstoken.rest.paced_calls import LONG_WAIT_IN, note_pace
from mstoken.rest.pacing import paced
from mstoken.rest.response import ApiResponse, Headers
from mstoken.rest.retry import wait_before_retry
from mstoken.stores.memory import BoundedDict
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.urls import redacted_url
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

    from mstoken.flows.port import Port

_MAX_WINDOW = 5 * MAX_PARTS
_MAX_NAMES = 100_000
"""Names of requests that later ones may depend on; of more, the oldest are forgotten."""
_FAILED_DEPENDENCY, _UNAUTHORIZED = 424, 401


class _Entry:
    """A part of the window, and what is known of it so far."""

    def __init__(self, part: BatchPart) -> None:
        self.part, self.path = part, part.path
        self.response: ApiResponse | None = None
        self.error: MstokenError | None = None
        self.attempt, self.challenged = 1, False
        self.claims: Mapping[str, Any] = {}
        self.first: dict[str, Any] = {}
        self.items: list[Any] = []
        self.seen: set[int] = set()

    @property
    def ok(self) -> bool:
        return self.response is not None and self.response.ok

    @property
    def open(self) -> bool:
        return self.response is None and self.error is None

    def finish(self, response: HttpResponse, url: str = "") -> None:
        method, address = self.part.http.method, url or self.part.base + self.path
        line, context = f"{method} {address.partition('?')[0]}", dict(self.part.context)
        claims = self.claims if response.status in REFUSED else {}
        headers, body = Headers(response.headers), response.body
        self.response = ApiResponse(
            response.status, headers, body, line, context, self.attempt, method, address, claims
        )

    def result(self) -> BatchResult:
        return BatchResult(self.part.request, self.response, None if self.response else self.error)


async def batches(
    parts: Iterable[BatchPart | BatchResult], port: Port, *, every_page: bool = False, max_pages: int | None = None
) -> AsyncGenerator[BatchResult, None]:
    """Send the parts; yield the result of each in order. A BatchResult among them is yielded in its place.

    `parts` is read no further than needed. With `every_page`, a part that is a collection has the items of all its
    pages. An error that prevents a batch, such as no connection, is the result of each of its parts.
    """
    window = _Window(port, every_page=every_page, max_pages=max_pages)
    for part in parts:
        if window.must_be_sent_before(part):
            for result in await window.send():
                yield result
        window.add(part)
        if window.is_full():
            for result in await window.send():
                yield result
    for result in await window.send():
        yield result


class _Window:
    """The parts that are in memory, and how the named ones before them ended."""

    def __init__(self, port: Port, *, every_page: bool, max_pages: int | None) -> None:
        self._port, self._every_page, self._max_pages = port, every_page, max_pages
        self._entries: list[_Entry | BatchResult] = []
        self._groups: dict[str, list[_Entry]] = {}
        self._named: dict[str, _Entry] = {}
        self._done: BoundedDict[str, bool] = BoundedDict(_MAX_NAMES)

    def must_be_sent_before(self, part: BatchPart | BatchResult) -> bool:
        """Return whether the part depends on one in the window that goes into another batch."""
        if isinstance(part, BatchResult):
            return False
        needed = [self._named.get(name.lower()) for name in part.depends_on]
        return any(one.part.base != part.base for one in needed if one)

    def is_full(self) -> bool:
        return len(self._entries) >= _MAX_WINDOW or any(len(group) >= MAX_PARTS for group in self._groups.values())

    def add(self, part: BatchPart | BatchResult) -> None:
        entry = part if isinstance(part, BatchResult) else _Entry(part)
        self._entries.append(entry)
        if isinstance(entry, BatchResult) or isinstance(part, BatchResult):
            return
        name = part.id.lower()
        if name and (name in self._named or self._done.get(name) is not None):
            entry.error = UsageError(f"Two requests have the id {part.id!r}.", "Ids are compared without case.")
            return
        for needed in map(str.lower, part.depends_on):
            ended, parent = self._done.get(needed), self._named.get(needed)
            if parent is None and ended is None:
                entry.error = UsageError(
                    "A request depends on an id of no request that was sent before it.", "Put that request before it."
                )
            elif ended is False or (parent is not None and not parent.open):
                entry.finish(_failed_dependency())
        if name:
            self._named[name] = entry
        if entry.open:
            self._groups.setdefault(part.base, []).append(entry)

    async def send(self) -> list[BatchResult]:
        for group in self._groups.values():
            await self._send_group(group)
        for name, entry in self._named.items():
            self._done.put(name, entry.ok)
        results = [one if isinstance(one, BatchResult) else one.result() for one in self._entries]
        self._entries, self._groups, self._named = [], {}, {}
        return results

    async def _send_group(self, group: Sequence[_Entry]) -> None:
        """Send the batch again and again until each of its parts has a result."""
        while pending := [entry for entry in group if entry.open]:
            try:
                wait = await self._send_once(pending)
            except MstokenError as error:
                for entry in pending:
                    entry.error = error
                return
            if wait:
                again = [entry for entry in pending if entry.open]
                _say_waiting(again, wait)
                await self._port.sleep(wait)

    async def _send_once(self, pending: Sequence[_Entry]) -> float:
        """Send one batch, and give a response to each part that needs no other attempt. Return how long to wait."""
        numbers = {id(entry): str(number) for number, entry in enumerate(pending, 1)}
        documents = [
            document_of(entry.part, entry.path, numbers[id(entry)], self._numbers_needed(entry, numbers))
            for entry in pending
        ]
        outer = await self._call(pending, documents)
        if not outer.ok:
            for entry in pending:
                entry.response = outer
            return 0
        responses, again, waits = responses_in(outer.json()), set[int](), [0.0]
        for entry in pending:
            entry.claims, response = outer.token_claims, responses.get(numbers[id(entry)])
            if response is None:
                entry.error = UnreadableAnswer(
                    "The batch's answer lacks the response to this request.", "It may have been executed."
                )
                continue
            if response.status == _FAILED_DEPENDENCY and self._parents(entry) & again:
                again.add(id(entry))
                continue
            await self._note_pace(entry.part, response)
            wait = self._wait(entry, response)
            if wait is None:
                await self._accept(entry, response)
            else:
                again.add(id(entry))
                entry.attempt += 1
                waits.append(wait)
        return max(waits)

    async def _note_pace(self, part: BatchPart, response: HttpResponse) -> None:
        limits = paced(part.http.method, part.http.url, part.api.service, part.token_request)
        if limits:
            await note_pace(limits, response, self._port)

    def _parents(self, entry: _Entry) -> set[int]:
        return {id(self._named[name]) for name in map(str.lower, entry.part.depends_on) if name in self._named}

    def _numbers_needed(self, entry: _Entry, numbers: dict[int, str]) -> list[str]:
        """Return the numbers of the parts in this batch that this one depends on; the others have succeeded."""
        return [numbers[one] for one in self._parents(entry) if one in numbers]

    async def _call(self, pending: Sequence[_Entry], documents: list[dict[str, Any]]) -> ApiResponse:
        """Send a batch, with the token that has the claims that a part was challenged for."""
        part = next((entry.part for entry in pending if entry.challenged), pending[0].part)
        repeatable = all(entry.part.http.repeatable for entry in pending)
        policy = replace(part.api.retry, unsafe=part.api.retry.unsafe or repeatable)
        api = ApiRequest(
            "POST",
            f"{part.base}/$batch",
            {"Accept": "application/json"},
            json={"requests": documents},
            timeout=part.api.timeout,
            service=part.api.service,
            retry=policy,
        )
        return await call(api, part.token_request, self._port, part.context, with_claims=True)

    def _wait(self, entry: _Entry, response: HttpResponse) -> float | None:
        """Return the seconds to wait before the part is sent again; None if its response is the result."""
        part, policy, port = entry.part, entry.part.api.retry, self._port
        if response.status == _UNAUTHORIZED and not entry.challenged:
            claims = challenged_claims(response.headers.get("www-authenticate", ""))
            if claims and claims != part.token_request.claims:
                entry.challenged = True
                entry.part = replace(part, token_request=replace(part.token_request, claims=claims))
                return 0.0
        wait = wait_before_retry(
            response, entry.attempt, repeatable=part.http.repeatable, now=port.now(), random=port.random()
        )
        return None if wait is None or entry.attempt > policy.retries or wait > policy.max_wait_in else wait

    async def _accept(self, entry: _Entry, response: HttpResponse) -> None:
        """Take the response as the part's result, unless another page follows."""
        if response.status in REDIRECTS and response.headers.get("location") and entry.part.http.method == "GET":
            await self._follow(entry, response.headers["location"])
        elif self._every_page and response.status < 300 and entry.part.http.method == "GET":
            self._add_page(entry, response)
        else:
            entry.finish(response)

    async def _follow(self, entry: _Entry, location: str) -> None:
        """Fetch a pre-authenticated URL, such as that of a file's content, without the token."""
        request = HttpRequest("GET", location, {}, b"", MAX_API_ANSWER, timeout_in=entry.part.api.timeout)
        try:
            entry.finish(await self._port.send(request), redacted_url(location))
        except MstokenError as error:
            entry.error = error

    def _add_page(self, entry: _Entry, response: HttpResponse) -> None:
        document = json_value(response.body)
        items = document.get("value") if isinstance(document, dict) else None
        if not isinstance(document, dict) or not isinstance(items, list):
            entry.finish(response)
            return
        entry.first = entry.first or document
        entry.items += items
        entry.seen.add(hash(entry.path))
        link = document.get("@odata.nextLink")
        if link and len(entry.seen) == self._max_pages:
            option = advice(options="--max-pages", python="max_pages")
            warn(f"Stopped after {len(entry.seen)} pages of a request; the collection has more ({option}).")
            link = None
        if isinstance(link, str) and link:
            path = relative_url(link, entry.part.base)
            if path is None:
                entry.error = UntrustedOrigin(
                    f"The next page is at {redacted_url(link)}; nothing was sent there.",
                    "If it is meant, request that URL yourself.",
                )
            elif hash(path) in entry.seen:
                entry.error = UnreadableAnswer(
                    "The API's pages lead back to a page that was read.", "Request fewer items, for example by filter."
                )
            else:
                entry.path, entry.attempt = path, 1
            return
        whole = {name: text for name, text in entry.first.items() if name != "@odata.nextLink"} | {"value": entry.items}
        if delta := document.get("@odata.deltaLink"):
            whole["@odata.deltaLink"] = delta
        headers = {**response.headers, "content-type": "application/json"}
        entry.finish(replace(response, headers=headers, body=json.dumps(whole).encode()))


def _failed_dependency() -> HttpResponse:
    """Return what Graph answers for a part whose dependency failed; here the dependency was in an earlier batch."""
    error = {"code": "FailedDependency", "message": "A request that this one depends on failed; it was not sent."}
    return HttpResponse(_FAILED_DEPENDENCY, {"content-type": "application/json"}, json.dumps({"error": error}).encode())


def _say_waiting(again: Sequence[_Entry], wait: float) -> None:
    attempt = max(entry.attempt for entry in again)
    most = again[0].part.api.retry.retries + 1
    steps.waiting(wait, attempt, most)
    if wait >= LONG_WAIT_IN:
        which = f"{len(again)} requests of a batch are" if len(again) > 1 else "A request of a batch is"
        warn(f"{which} repeated in {wait:.0f} seconds (attempt {attempt} of {most}).")
