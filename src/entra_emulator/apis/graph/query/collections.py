"""The responses to queries: a page of a collection, one entity, a count.

Sources: learn.microsoft.com/graph/paging, learn.microsoft.com/graph/query-parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from entra_emulator.apis.graph.wire import JsonObject, Refusal, version

from .filters import filtered
from .options import Options, for_collection, for_entity
from .schema import EntityType, entity_type


@dataclass(frozen=True)
class Expansion:
    """The entities that $expand adds to an entity: those of a navigation, and whether it has only one."""

    expand: Callable[[JsonObject], Sequence[JsonObject]]
    single: bool = False


Expansions = Mapping[str, Expansion]


def collection(
    request: Request,
    path: str,
    kind: EntityType,
    items: Sequence[JsonObject],
    *,
    usual: int = 100,
    expansions: Expansions | None = None,
) -> JsonObject:
    """Return a page of the collection at `path`, after the query options, with a link to the next page if any.

    :param usual: the number of entries of a page without $top.
    :raises Refusal: 400 for options that cannot be applied.
    """
    options = for_collection(request, kind)
    found = _found(options, kind, items)
    size = options.top or usual
    body: JsonObject = {"@odata.context": f"{version(request)}/$metadata#{path}{_chosen(options)}"}
    if options.count and (options.advanced or not kind.directory):  # Graph ignores $count without the header
        body["@odata.count"] = len(found)
    if options.start + size < len(found):
        following = f"$top={size}&{options.repeated}&$skiptoken={options.start + size}".replace("&&", "&")
        body["@odata.nextLink"] = f"{version(request)}/{path}?{following}"
    page = found[options.start : options.start + size]
    return {**body, "value": [_shown(options, kind, item, expansions or {}) for item in page]}


def entity(
    request: Request, path: str, kind: EntityType, item: JsonObject, *, expansions: Expansions | None = None
) -> JsonObject:
    """Return one entity of the collection at `path`.

    :raises Refusal: 400 for options that cannot be applied.
    """
    options = for_entity(request, kind)
    context = {"@odata.context": f"{version(request)}/$metadata#{path}{_chosen(options)}/$entity"}
    return {**context, **_shown(options, kind, kind.complete(item), expansions or {})}


def count(request: Request, kind: EntityType, items: Sequence[JsonObject]) -> int:
    """Return the number of entities in the collection, after $filter and $search.

    :raises Refusal: 400 without the header ConsistencyLevel: eventual.
    """
    options = for_collection(request, kind)
    if kind.directory and not options.advanced:
        raise Refusal(400, "Request_BadRequest", "$count is not currently supported.")
    return len(_found(options, kind, items))


def _found(options: Options, kind: EntityType, items: Sequence[JsonObject]) -> list[JsonObject]:
    found = filtered([kind.complete(item) for item in items], options.filter)
    if options.search is not None:
        found = options.search.found(found)
    for name, descending in reversed(options.order):
        found.sort(key=_by(name), reverse=descending)
    return found


def _by(name: str) -> Callable[[JsonObject], tuple[int, str]]:
    """Return the sort key for a property: null comes first, and text is compared without letter case."""

    def rank(item: JsonObject) -> tuple[int, str]:
        value = item.get(name)
        return (0, "") if value is None else (1, str(value).lower())

    return rank


def _shown(options: Options, kind: EntityType, item: JsonObject, expansions: Expansions) -> JsonObject:
    wanted = set(options.select) or kind.own(item).usual
    shown = {name: value for name, value in item.items() if name in wanted or name.startswith("@")}
    for name, inner in options.expand.items():
        own = next((expansion for expansion in expansions if expansion.lower() == name), None)
        if own is None:
            message = f"Could not find a property named '{name}' on type 'microsoft.graph.{kind.name}'."
            raise Refusal(400, "BadRequest", f"Parsing OData Select and Expand failed: {message}")
        entries = [_nested(inner, entry) for entry in expansions[own].expand(item)]
        shown[own] = next(iter(entries), None) if expansions[own].single else entries
    return shown


def _nested(options: Options, item: JsonObject) -> JsonObject:
    """Return an entity inside another one; its `@odata.type` determines its properties."""
    kind = entity_type("directoryObject").own(item)
    wanted = {kind.spelling.get(name.lower(), "") for name in options.select} or kind.usual
    return {name: value for name, value in kind.complete(item).items() if name in wanted or name.startswith("@")}


def _chosen(options: Options) -> str:
    return f"({','.join(options.select)})" if options.select else ""
