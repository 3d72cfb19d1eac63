"""Graph: the changes of users and groups (learn.microsoft.com/graph/delta-query-overview, .../api/user-delta)."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.deltas import LIFETIME_IN, Round, changes, checksums
from entra_emulator.routing import Route, route

from .directory import READ_GROUPS, READ_USERS
from .objects import group_view, user_view
from .wire import JsonObject, Refusal, endpoint, require, version

if TYPE_CHECKING:
    from entra_emulator.world import World

_PAGE = 100
_PAGE_SIZE = re.compile(r"odata\.maxpagesize=([1-9][0-9]{0,3})", re.IGNORECASE)


def routes() -> list[Route]:
    """Return the routes; a delta function has a short and a full name, with or without brackets."""

    def users(caller: Caller) -> list[JsonObject]:
        require(caller, READ_USERS)
        return [user_view(user) for user in caller.tenant.users]

    def groups(caller: Caller) -> list[JsonObject]:
        require(caller, READ_GROUPS)
        return [group_view(group) for group in caller.tenant.groups]

    return [
        route("GET", f"/{{version}}/{name}/{function}", endpoint(_reader(name, listed)))
        for name, listed in (("users", users), ("groups", groups))
        for function in ("delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()")
    ]


def _reader(name: str, listed: Callable[[Caller], list[JsonObject]]) -> Callable[[Request, Caller], JsonObject]:
    def answer(request: Request, caller: Caller) -> JsonObject:
        world: World = request.state.world
        items, names, now = listed(caller), (name, caller.tenant.id), world.clock.now()
        query = {key.lower(): text for key, text in request.query_params.items()}
        token, skip = query.get("$deltatoken", ""), query.get("$skiptoken", "")
        entry = Round(names, now, checksums(items), query.get("$select", ""), items)
        if token == "latest":
            entry.left = []
        elif token or skip:
            before = world.deltas.get(token or skip, names)
            if before is None:
                raise Refusal(400, "syncStateNotFound", "The sync state generation is not found.")
            if now - before.at > LIFETIME_IN:
                again = f"{version(request)}/{name}/delta?$deltatoken="
                message = "The delta token is expired and data must be synchronized again."
                raise Refusal(410, "resyncRequired", message, [("Location", again)])
            entry = Round(names, now, entry.seen, before.select, changes(items, before.seen)) if token else before
        return _page(request, name, entry)

    return answer


def _page(request: Request, name: str, entry: Round) -> JsonObject:
    world: World = request.state.world
    wanted = _PAGE_SIZE.search(request.headers.get("prefer", ""))
    size = int(wanted[1]) if wanted else _PAGE
    items, left = entry.left[:size], entry.left[size:]
    following = world.deltas.put(Round(entry.names, entry.at, entry.seen, entry.select, left))
    link, parameter = ("@odata.nextLink", "$skiptoken") if left else ("@odata.deltaLink", "$deltatoken")
    base = version(request)
    return {
        "@odata.context": f"{base}/$metadata#{name}",
        link: f"{base}/{name}/delta?{urlencode({parameter: following}, safe='$')}",
        "value": [_selected(item, entry.select) for item in items],
    }


def _selected(item: JsonObject, select: str) -> JsonObject:
    names: Sequence[str] = [name.strip().lower() for name in select.split(",") if name.strip()]
    if not names or "@removed" in item:
        return item
    return {name: text for name, text in item.items() if name.lower() in {"id", *names}}
