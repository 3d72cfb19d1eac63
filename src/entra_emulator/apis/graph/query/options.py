"""Parse the query options of a request to Graph: each option has its effect, or the request is refused.

Source: learn.microsoft.com/graph/query-parameters; for the options that need the header ConsistencyLevel,
learn.microsoft.com/graph/aad-advanced-queries. In beta, the `$` of an option is optional.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from entra_emulator.apis.graph.wire import Refusal

from .filters import Filter, parse_filter
from .schema import EntityType
from .search import Search, parse_search

LARGEST_PAGE = 999
_EFFECTIVE = frozenset(
    {"$select", "$filter", "$orderby", "$expand", "$search", "$top", "$count", "$skip", "$skiptoken", "$format"}
)
_UNSUPPORTED = frozenset({"$apply", "$compute", "$deltatoken", "$index", "$levels", "$schemaversion"})
_ORDER = re.compile(r"([A-Za-z][\w/]*)(?:\s+(asc|desc))?", re.IGNORECASE)
_EXPANDED = re.compile(r"(\w+)(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?")


@dataclass(frozen=True)
class Options:
    """The options of one request. `expand`: the options inside the parentheses, by the name of the navigation."""

    select: tuple[str, ...] = ()
    filter: Filter | None = None
    order: tuple[tuple[str, bool], ...] = ()
    expand: Mapping[str, "Options"] = field(default_factory=dict)
    search: Search | None = None
    top: int | None = None
    start: int = 0
    count: bool = False
    advanced: bool = False
    repeated: str = ""
    """The options that a link to the next page repeats, as a query string without $top and $skiptoken."""


def for_collection(request: Request, kind: EntityType) -> Options:
    """Return the options of a request for a collection of a type.

    :raises Refusal: 400 for an option that is unknown, malformed, or not possible for the type or in this query mode.
    """
    parameters = _parameters(request)
    advanced = request.headers.get("consistencylevel", "").lower() == "eventual"
    options = _parse(parameters, kind, advanced=advanced)
    _check_mode(parameters, options, kind)
    return options


def for_entity(request: Request, kind: EntityType) -> Options:
    """Return the options of a request for one entity: $select and $expand.

    :raises Refusal: 400 as `for_collection`, and for options that only a collection supports.
    """
    parameters = _parameters(request)
    for name in parameters:
        if name not in ("$select", "$expand", "$format"):
            raise Refusal(400, "BadRequest", f"The query specified in the URI is not valid: {name} needs a collection.")
    return _parse(parameters, kind, advanced=False)


def _parameters(request: Request) -> dict[str, str]:
    """Return the options by name in lower case with `$`; other parameters of the query are custom ones (OData)."""
    beta, parameters = request.path_params.get("version", "").lower() == "beta", dict[str, str]()
    for name, value in parse_qsl(request.url.query, keep_blank_values=True):
        option = name.lower()
        if beta and f"${option}" in _EFFECTIVE | _UNSUPPORTED:
            option = f"${option}"
        if not option.startswith("$"):
            continue
        if option not in _EFFECTIVE:
            raise Refusal(400, "BadRequest", f"The query parameter '{name}' is not supported.")
        if option in parameters:
            raise Refusal(400, "BadRequest", f"Query option '{name}' was specified more than once.")
        parameters[option] = value
    if (form := parameters.get("$format", "json")).split(";")[0].lower() not in ("json", "application/json"):
        raise Refusal(400, "BadRequest", f"The format '{form}' is not supported.")
    return parameters


def _parse(parameters: Mapping[str, str], kind: EntityType, *, advanced: bool) -> Options:
    if "$skip" in parameters:
        raise Refusal(400, "Request_BadRequest", "'$skip' is not supported by the service.")
    repeated = {name: value for name, value in parameters.items() if name not in ("$top", "$skiptoken", "$format")}
    return Options(
        select=tuple(kind.named(name) for name in _listed(parameters.get("$select", ""))),
        filter=parse_filter(parameters["$filter"], kind) if parameters.get("$filter") else None,
        order=tuple(_order(part, kind) for part in _listed(parameters.get("$orderby", ""))),
        expand=_expansions(parameters.get("$expand", "")),
        search=parse_search(parameters["$search"], kind) if "$search" in parameters else None,
        top=_top(parameters.get("$top")),
        start=_number("$skiptoken", parameters.get("$skiptoken", "0")),
        count=_flag("$count", parameters.get("$count", "false")),
        advanced=advanced,
        repeated=urlencode(repeated, safe="$"),
    )


def _check_mode(parameters: Mapping[str, str], options: Options, kind: EntityType) -> None:
    """Refuse options that need the advanced query mode, unless the request selects that mode."""
    if not kind.directory:
        if "$search" in parameters:
            raise Refusal(400, "Request_UnsupportedQuery", "$search is not supported for this collection.")
        return
    counted = options.advanced and options.count
    if options.search is not None and not options.advanced:
        raise Refusal(
            400,
            "Request_UnsupportedQuery",
            "Request with $search query parameter only works through MSGraph with "
            "a special request header: 'ConsistencyLevel: eventual'",
        )
    if options.filter and options.filter.advanced and not counted:
        used = ", ".join(sorted(options.filter.advanced))
        raise Refusal(400, "Request_UnsupportedQuery", f"The filter operators {used} need {_ADVICE}.")
    if options.order and options.filter and not counted:
        raise Refusal(400, "Request_UnsupportedQuery", f"Sorting together with a filter needs {_ADVICE}.")


_ADVICE = "the query parameter $count=true and the header ConsistencyLevel:eventual"


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _order(text: str, kind: EntityType) -> tuple[str, bool]:
    match = _ORDER.fullmatch(text)
    if match is None:
        raise Refusal(400, "BadRequest", f"Syntax error in the $orderby clause '{text}'.")
    return kind.named(match[1]), (match[2] or "").lower() == "desc"


def _expansions(text: str) -> dict[str, Options]:
    """Parse `members($select=id,displayName),owners`. The caller, which knows the navigations, checks the names."""
    expansions: dict[str, Options] = {}
    at, rest = 0, text.replace(" ", "")
    while at < len(rest):
        match = _EXPANDED.match(rest, at)
        if match is None or (match.end() < len(rest) and rest[match.end()] != ","):
            raise Refusal(400, "BadRequest", f"Syntax error in the $expand clause '{text}'.")
        expansions[match[1].lower()] = Options(select=tuple(_nested(match[2] or "")))
        at = match.end() + 1
    return expansions


def _nested(text: str) -> Sequence[str]:
    names: list[str] = []
    for part in filter(None, text.split(";")):
        option, _, value = part.partition("=")
        if option.lower() != "$select":
            raise Refusal(400, "BadRequest", f"The option '{option}' is not supported inside $expand.")
        names += _listed(value)
    return names


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    size = _number("$top", text)
    if not 0 < size <= LARGEST_PAGE:
        message = f"Invalid page size specified: '{size}'. Must be between 1 and {LARGEST_PAGE} inclusive."
        raise Refusal(400, "Request_UnsupportedQuery", message)
    return size


def _number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Refusal(400, "BadRequest", f"Invalid value '{text}' for the query option {name}.")
    return int(text)


def _flag(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Refusal(400, "BadRequest", f"Invalid value '{text}' for the query option {name}.")
    return text.lower() == "true"
