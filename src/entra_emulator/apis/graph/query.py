"""Collections and their entries: paging, $select, $filter, $count.

Source: learn.microsoft.com/graph/query-parameters, and for what asks for the header ConsistencyLevel
learn.microsoft.com/graph/aad-advanced-queries.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from starlette.requests import Request

from .wire import Answer, Refusal, version

LARGEST_PAGE = 999
_TEXT = r"'(?:[^']|'')*'"
_CLAUSE = re.compile(
    rf"(?P<path>[\w/]+)\s+eq\s+(?P<exact>{_TEXT}|true|false|null|\d+)"
    rf"|startswith\(\s*(?P<member>[\w/]+)\s*,\s*(?P<start>{_TEXT})\s*\)",
    re.IGNORECASE,
)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def collection(
    request: Request, path: str, items: Sequence[Answer], *, usual: int = 100, shown: Sequence[str] = ()
) -> Answer:
    """A page of a collection at `path`, after $filter, with $select, and a link to the next page if there is one.

    :param usual: entries of a page without $top.
    :param shown: the members of an entry without $select; empty for all.
    """
    query, found = request.query_params, filtered(items, request.query_params.get("$filter"))
    size = whole(query.get("$top"), usual, LARGEST_PAGE)
    start = whole(query.get("$skiptoken"), 0, len(found))
    body: Answer = {"@odata.context": f"{version(request)}/$metadata#{path}"}
    if query.get("$count", "").lower() == "true" and _advanced(request):  # without the header it is passed over
        body["@odata.count"] = len(found)
    if size and start + size < len(found):
        kept = {name: query[name] for name in ("$select", "$filter", "$count") if name in query}
        following = urlencode({"$top": size, **kept, "$skiptoken": start + size}, safe="$")
        body["@odata.nextLink"] = f"{version(request)}/{path}?{following}"
    return {**body, "value": [_selected(request, item, shown) for item in found[start : start + size]]}


def entity(request: Request, path: str, item: Answer, *, shown: Sequence[str] = ()) -> Answer:
    """One entry of a collection; `shown` as there."""
    return {"@odata.context": f"{version(request)}/$metadata#{path}/$entity", **_selected(request, item, shown)}


def count(request: Request, items: Sequence[Answer]) -> int:
    """How many a collection has, after $filter.

    :raises Refusal: 400 without the header that says that a count may be late.
    """
    if not _advanced(request):
        raise Refusal(400, "Request_BadRequest", "$count is not currently supported.")
    return len(filtered(items, request.query_params.get("$filter")))


def _advanced(request: Request) -> bool:
    return request.headers.get("consistencylevel", "").lower() == "eventual"


def _selected(request: Request, item: Answer, shown: Sequence[str]) -> Answer:
    named = [name.strip() for name in request.query_params.get("$select", "").split(",") if name.strip()]
    wanted = {name.lower() for name in named or shown}
    return {name: value for name, value in item.items() if not wanted or name.lower() in wanted}


def filtered(items: Sequence[Answer], text: str | None) -> list[Answer]:
    """What `member eq 'text'` or `startswith(member,'text')` leaves, or several of these with `and` between them.

    :raises Refusal: 400 for any other filter.
    """
    if not text:
        return list(items)
    clauses = list(_clauses(text.strip()))
    return [item for item in items if all(_fits(item, clause) for clause in clauses)]


def _clauses(text: str) -> Iterator[re.Match[str]]:
    position = 0
    while match := _CLAUSE.match(text, position):
        yield match
        position = match.end()
        if joint := _AND.match(text, position):
            position = joint.end()
        elif position == len(text):
            return
        else:
            break
    raise Refusal(400, "Request_UnsupportedQuery", f"The emulator's Graph does not understand the filter '{text}'.")


def _fits(item: Answer, clause: re.Match[str]) -> bool:
    value = _member(item, clause["path"] or clause["member"])
    if clause["start"]:
        return str(value or "").lower().startswith(_text(clause["start"]))
    wanted = clause["exact"]
    if wanted.startswith("'"):
        return isinstance(value, str) and value.lower() == _text(wanted)
    meant = _WORDS[wanted.lower()] if wanted.lower() in _WORDS else int(wanted)
    return type(value) is type(meant) and value == meant


def _text(literal: str) -> str:
    return literal[1:-1].replace("''", "'").lower()


def _member(item: Answer, path: str) -> object:
    value: object = item
    for step in path.split("/"):
        members = {name.lower(): one for name, one in value.items()} if isinstance(value, dict) else {}
        value = members.get(step.lower())
    return value


def whole(text: str | None, default: int, largest: int) -> int:
    """A whole number of the query.

    :raises Refusal: 400 for anything else.
    """
    if text is None:
        return default
    if not text.isascii() or not text.isdigit():
        raise Refusal(400, "BadRequest", f"Invalid value '{text}' for a number in the query.")
    return min(int(text), largest)
