"""A readable collection of Graph: list, count and read its entities, with the required permissions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.routing import Route, route

from .query import Expansion, collection, count, entity, entity_type
from .wire import JsonObject, endpoint, not_found, require

Read = Callable[[Request, Caller], Sequence[JsonObject]]
Expand = Callable[[Request, Caller], Mapping[str, Expansion]]


def _nothing(_: Request, __: Caller) -> Mapping[str, Expansion]:
    return {}


@dataclass(frozen=True)
class Readable:
    """The entities of type `kind` at `path` (`{name}` stands for a part of the URL).

    `needs`: one of these permissions is required. `delegated`: further ones that suffice for a user. `keys`: the
    properties that name an entity in the path. `usual`: the number of entries of a page without $top.
    """

    path: str
    kind: str
    items: Read
    needs: frozenset[str]
    delegated: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ("id",)
    expand: Expand = field(default=_nothing)
    usual: int = 100

    def routes(self) -> list[Route]:
        """Return the routes of the collection, of its count, and of one entity by its key."""
        base = f"/{{version}}/{self.path}"
        return [
            route("GET", base, endpoint(self._list)),
            route("GET", f"{base}/$count", endpoint(self._count)),
            route("GET", f"{base}/{{key}}", endpoint(self._one)),
        ]

    def _read(self, request: Request, caller: Caller) -> Sequence[JsonObject]:
        require(caller, self.needs if caller.app_only else self.needs | self.delegated)
        return self.items(request, caller)

    def _list(self, request: Request, caller: Caller) -> JsonObject:
        items = self._read(request, caller)
        kind, expansions = entity_type(self.kind), self.expand(request, caller)
        return collection(request, self._where(request), kind, items, usual=self.usual, expansions=expansions)

    def _count(self, request: Request, caller: Caller) -> int:
        return count(request, entity_type(self.kind), self._read(request, caller))

    def _one(self, request: Request, caller: Caller) -> JsonObject:
        items = self._read(request, caller)
        found = named(items, request.path_params["key"], self.keys)
        expansions = self.expand(request, caller)
        return entity(request, self._where(request), entity_type(self.kind), found, expansions=expansions)

    def _where(self, request: Request) -> str:
        """Return the path with the values of the request."""
        return self.path.format(**request.path_params)


def objects(path: str, items: Read) -> list[Route]:
    """Return the routes of directory objects at `path`, which a cast (`/microsoft.graph.group`) limits to one type."""

    def path_and_objects(request: Request, caller: Caller) -> tuple[str, list[JsonObject]]:
        found, where, cast = list(items(request, caller)), path.format(**request.path_params), _cast(request)
        if cast:
            found = [item for item in found if str(item["@odata.type"]).lower() == f"#{cast}"]
        return where, found

    def listed(request: Request, caller: Caller) -> JsonObject:
        where, found = path_and_objects(request, caller)
        return collection(request, where, entity_type("directoryObject"), found)

    def counted(request: Request, caller: Caller) -> int:
        return count(request, entity_type("directoryObject"), path_and_objects(request, caller)[1])

    base = f"/{{version}}/{path}"
    return [
        route("GET", base, endpoint(listed)),
        route("GET", f"{base}/$count", endpoint(counted)),
        route("GET", f"{base}/{{cast}}", endpoint(listed)),
        route("GET", f"{base}/{{cast}}/$count", endpoint(counted)),
    ]


def _cast(request: Request) -> str:
    """Return the type that the path narrows the collection to, in lower case; empty without a cast.

    :raises Refusal: 404 for an unknown type.
    """
    cast = str(request.path_params.get("cast", "")).lower()
    known = {f"microsoft.graph.{name.lower()}" for name in ("user", "group", "servicePrincipal", "directoryRole")}
    if cast and cast not in known:
        raise not_found(cast)
    return cast


def named(items: Sequence[JsonObject], key: str, keys: tuple[str, ...] = ("id",)) -> JsonObject:
    """Return the entity that a key of the path names, in any letter case.

    :raises Refusal: 404.
    """
    wanted = key.lower()
    for item in items:
        if any(str(item.get(name, "")).lower() == wanted for name in keys):
            return item
    raise not_found(key)
