"""The answers to queries: a page of a collection, one entity, a number.

Sources: learn.microsoft.com/graph/paging, learn.microsoft.com/graph/query-parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from entra_emulator.apis.graph.wire import Answer, Refusal, version

from .filters import filtered
from .options import Options, for_collection, for_entity
from .schema import EntityType, entity_type


@dataclass(frozen=True)
class Expansion:
    """What $expand puts beside an entity: the entities at the end of a navigation, and whether it has only one."""

    read: Callable[[Answer], Sequence[Answer]]
    single: bool = False


Expansions = Mapping[str, Expansion]


def collection(
    request: Request,
    path: str,
    kind: EntityType,
    items: Sequence[Answer],
    *,
    usual: int = 100,
    expansions: Expansions | None = None,
) -> Answer:
    """A page of the collection at `path`, after the query options, and a link to the next page if there is one.

    :param usual: entries of a page without $top.
    :raises Refusal: 400 for options that cannot be met.
    """
    options = for_collection(request, kind)
    found = _found(options, kind, items)
    size = options.top or usual
    body: Answer = {"@odata.context": f"{version(request)}/$metadata#{path}{_chosen(options)}"}
    if options.count and (options.advanced or not kind.directory):  # Graph ignores $count without the header
        body["@odata.count"] = len(found)
    if options.start + size < len(found):
        following = f"$top={size}&{options.repeated}&$skiptoken={options.start + size}".replace("&&", "&")
        body["@odata.nextLink"] = f"{version(request)}/{path}?{following}"
    page = found[options.start : options.start + size]
    return {**body, "value": [_shown(options, kind, item, expansions or {}) for item in page]}


def entity(
    request: Request, path: str, kind: EntityType, item: Answer, *, expansions: Expansions | None = None
) -> Answer:
    """One entity of the collection at `path`.

    :raises Refusal: 400 for options that cannot be met.
    """
    options = for_entity(request, kind)
    context = {"@odata.context": f"{version(request)}/$metadata#{path}{_chosen(options)}/$entity"}
    return {**context, **_shown(options, kind, kind.complete(item), expansions or {})}


def count(request: Request, kind: EntityType, items: Sequence[Answer]) -> int:
    """How many entities the collection has, after $filter and $search.

    :raises Refusal: 400 without the header that says that a count may be late.
    """
    options = for_collection(request, kind)
    if kind.directory and not options.advanced:
        raise Refusal(400, "Request_BadRequest", "$count is not currently supported.")
    return len(_found(options, kind, items))


def _found(options: Options, kind: EntityType, items: Sequence[Answer]) -> list[Answer]:
    found = filtered([kind.complete(item) for item in items], options.filter)
    if options.search is not None:
        found = options.search.found(found)
    for name, descending in reversed(options.order):
        found.sort(key=_by(name), reverse=descending)
    return found


def _by(name: str) -> Callable[[Answer], tuple[int, str]]:
    """The order by a property: null comes first, texts compare without letter case."""

    def rank(item: Answer) -> tuple[int, str]:
        value = item.get(name)
        return (0, "") if value is None else (1, str(value).lower())

    return rank


def _shown(options: Options, kind: EntityType, item: Answer, expansions: Expansions) -> Answer:
    wanted = set(options.select) or kind.own(item).usual
    shown = {name: value for name, value in item.items() if name in wanted or name.startswith("@")}
    for name, inner in options.expand.items():
        own = next((one for one in expansions if one.lower() == name), None)
        if own is None:
            message = f"Could not find a property named '{name}' on type 'microsoft.graph.{kind.name}'."
            raise Refusal(400, "BadRequest", f"Parsing OData Select and Expand failed: {message}")
        entries = [_nested(inner, one) for one in expansions[own].read(item)]
        shown[own] = next(iter(entries), None) if expansions[own].single else entries
    return shown


def _nested(options: Options, item: Answer) -> Answer:
    """An entity inside another, whose `@odata.type` says which properties it has."""
    kind = entity_type("directoryObject").own(item)
    wanted = {kind.spelling.get(name.lower(), "") for name in options.select} or kind.usual
    return {name: value for name, value in kind.complete(item).items() if name in wanted or name.startswith("@")}


def _chosen(options: Options) -> str:
    return f"({','.join(options.select)})" if options.select else ""
