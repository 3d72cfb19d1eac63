"""$filter: the part of OData's filter language that Graph's directory objects support.

Sources: OData 4.01 part 2 section 5.1.1 (the language); learn.microsoft.com/graph/filter-query-parameter and
learn.microsoft.com/graph/aad-advanced-queries (which operators need ConsistencyLevel: eventual and $count=true).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entra_emulator.apis.graph.wire import JsonObject, Refusal

from .schema import EntityType

Predicate = Callable[[Any], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')"
    r"|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)|\d{4}-\d\d-\d\d(?![\w-]))"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<number>-?\d+(?:\.\d+)?(?![\w-]))"
    r"|(?P<word>[A-Za-z_@$][\w.@]*(?:/[A-Za-z_$][\w.$]*)*)"
    r"|(?P<mark>[(),:]))"
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: bool(value == wanted),
    "ne": lambda value, wanted: bool(value != wanted),
    "gt": lambda value, wanted: value > wanted,
    "ge": lambda value, wanted: value >= wanted,
    "lt": lambda value, wanted: value < wanted,
    "le": lambda value, wanted: value <= wanted,
}
_FUNCTIONS: Mapping[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
}
_ADVANCED = frozenset({"ne", "not", "endswith"})
_CONSTANTS = {"true": True, "false": False, "null": None}
_DEEPEST = 50


@dataclass(frozen=True)
class Filter:
    """A parsed filter. `advanced`: its operators that need the advanced query mode."""

    fits: Predicate
    advanced: frozenset[str]


def parse_filter(text: str, kind: EntityType) -> Filter:
    """Parse the filter `text` for entities of a type.

    :raises Refusal: 400 for syntax that Graph does not support, and for a property that the type does not have.
    """
    parser = _Parser(text, kind)
    fits = parser.disjunction(0)
    parser.end()
    return Filter(fits, frozenset(parser.advanced))


class _Parser:
    """A recursive descent parser: or, and, not, comparison. Its methods return predicates on one entity."""

    def __init__(self, text: str, kind: EntityType) -> None:
        self._text, self._kind = text, kind
        self._tokens = list(self._split(text))
        self._at = 0
        self._variable = ""
        self.advanced: set[str] = set()

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._refusal()
            yield match.lastgroup or "", match[match.lastgroup or 0]
            at = match.end()

    def disjunction(self, depth: int) -> Predicate:
        """`a or b`."""
        parts = [self._conjunction(depth)]
        while self._word("or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else lambda item: any(part(item) for part in parts)

    def end(self) -> None:
        """Check that the whole text is parsed.

        :raises Refusal: 400.
        """
        if self._at < len(self._tokens):
            raise self._refusal()

    def _conjunction(self, depth: int) -> Predicate:
        parts = [self._negation(depth)]
        while self._word("and"):
            parts.append(self._negation(depth))
        return parts[0] if len(parts) == 1 else lambda item: all(part(item) for part in parts)

    def _negation(self, depth: int) -> Predicate:
        if depth > _DEEPEST:
            raise self._refusal()
        if self._word("not"):
            self.advanced.add("not")
            inner = self._negation(depth + 1)
            return lambda item: not inner(item)
        if self._mark("("):
            inner = self.disjunction(depth + 1)
            self._expect(")")
            return inner
        return self._comparison(depth)

    def _comparison(self, depth: int) -> Predicate:
        kind, word = self._next()
        if kind != "word":
            raise self._refusal()
        if word.lower() in _FUNCTIONS and self._mark("("):
            return self._function(word.lower())
        if word.lower().endswith(("/any", "/all")) and self._mark("("):
            return self._lambda(word, depth)
        get_value = self._member(word)
        if self._word("in"):
            return self._among(get_value)
        operator = next((name for name in _COMPARE if self._word(name)), "")
        if not operator:
            raise self._refusal()
        if operator in _ADVANCED:
            self.advanced.add(operator)
        return _compared(get_value, operator, self._literal())

    def _function(self, name: str) -> Predicate:
        kind, word = self._next()
        if kind != "word":
            raise self._refusal()
        get_value = self._member(word)
        self._expect(",")
        wanted = self._literal()
        self._expect(")")
        if not isinstance(wanted, str) or (name == "contains" and self._kind.directory):
            raise self._refusal()  # learn.microsoft.com/graph/filter-query-parameter: directory objects lack contains
        if name in _ADVANCED:
            self.advanced.add(name)
        test = _FUNCTIONS[name]
        return lambda item: isinstance(value := get_value(item), str) and test(value, wanted)

    def _lambda(self, word: str, depth: int) -> Predicate:
        path, _, quantifier = word.rpartition("/")
        get_value = self._member(path)
        if self._mark(")"):  # `any()` is true if the collection is not empty
            return lambda item: bool(get_value(item))
        kind, variable = self._next()
        if kind != "word" or self._variable:
            raise self._refusal()
        self._expect(":")
        self._variable = variable
        inner = self.disjunction(depth + 1)
        self._variable = ""
        self._expect(")")
        decide = any if quantifier.lower() == "any" else all
        return lambda item: decide(inner(element) for element in get_value(item) or ())

    def _among(self, get_value: Callable[[Any], Any]) -> Predicate:
        self._expect("(")
        wanted = [self._literal()]
        while self._mark(","):
            wanted.append(self._literal())
        self._expect(")")
        fitting = [_compared(get_value, "eq", value) for value in wanted]
        return lambda item: any(fits(item) for fits in fitting)

    def _member(self, path: str) -> Callable[[Any], Any]:
        """Return a function that reads the member at `path` of an entity, or of the enclosing lambda's variable."""
        first, *rest = path.split("/")
        if self._variable and first == self._variable:
            steps = rest
        elif self._variable or first.lower() == "$count" or rest[-1:] == ["$count"]:
            raise self._refusal()
        else:
            steps = [self._kind.named(first, "Request_UnsupportedQuery"), *rest]
        return lambda item: _normal(_walk(item, steps))

    def _literal(self) -> Any:
        kind, text = self._next()
        if kind == "text":
            return text[1:-1].replace("''", "'").lower()
        if kind == "guid":
            return text.lower()
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "time":
            return _moment(text)
        if kind == "word" and text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        raise self._refusal()

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise self._refusal()
        self._at += 1
        return self._tokens[self._at - 1]

    def _word(self, wanted: str) -> bool:
        return self._take("word", wanted)

    def _mark(self, wanted: str) -> bool:
        return self._take("mark", wanted)

    def _take(self, kind: str, wanted: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][0] == kind:
            found = self._tokens[self._at][1].lower() == wanted
            self._at += found
            return found
        return False

    def _expect(self, mark: str) -> None:
        if not self._mark(mark):
            raise self._refusal()

    def _refusal(self) -> Refusal:
        return Refusal(400, "Request_UnsupportedQuery", f"Invalid filter clause: '{self._text}'.")


def _compared(get_value: Callable[[Any], Any], operator: str, wanted: Any) -> Predicate:
    compare = _COMPARE[operator]

    def fits(item: Any) -> bool:
        value = get_value(item)
        if operator in ("eq", "ne"):
            same = value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
            return same if operator == "eq" else not same
        try:
            return compare(value, wanted)
        except TypeError:  # null and values of other types are neither larger nor smaller
            return False

    def fits_moment(item: Any) -> bool:
        value = get_value(item)
        return isinstance(value, str) and compare(_moment(value), wanted)

    return fits_moment if isinstance(wanted, datetime) else fits


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise Refusal(400, "Request_UnsupportedQuery", f"Invalid filter clause: '{text}' is not a time.") from None
    return moment if moment.tzinfo else datetime.fromisoformat(f"{text}T00:00:00+00:00")


def _walk(item: Any, steps: Sequence[str]) -> Any:
    value = item
    for step in steps:
        members = {name.lower(): member for name, member in value.items()} if isinstance(value, dict) else {}
        value = members.get(step.lower())
    return value


def _normal(value: Any) -> Any:
    """Return the value for comparison: text without letter case."""
    return value.lower() if isinstance(value, str) else value


def filtered(items: Sequence[JsonObject], query: Filter | None) -> list[JsonObject]:
    """Return the items that match."""
    return list(items) if query is None else [item for item in items if query.fits(item)]
