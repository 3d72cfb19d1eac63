"""$search on directory objects: `"property:text"`, joined by AND and OR.

Source: learn.microsoft.com/graph/search-query-parameter, "Using $search on directory object collections": a text is
split into words at spaces, digits, letter case and symbols, and each word of the search begins one of the value's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from entra_emulator.apis.graph.wire import JsonObject, Refusal

from .schema import EntityType

_CLAUSE = re.compile(r'\s*"(?P<name>[A-Za-z]+):(?P<text>(?:[^"\\]|\\.)*)"')
_JOINT = re.compile(r"\s+(AND|OR)(?=\s)")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


@dataclass(frozen=True)
class Clause:
    """A property that must contain these words."""

    name: str
    words: tuple[str, ...]

    def fits(self, item: JsonObject) -> bool:
        """Return whether each word begins a word of the property, or the property as a whole."""
        value = str(item.get(self.name) or "")
        begins = [*_words(value), value.lower()]
        return all(any(beginning.startswith(word) for beginning in begins) for word in self.words)


@dataclass(frozen=True)
class Search:
    """A list of alternatives, each a list of clauses that must all match."""

    alternatives: tuple[tuple[Clause, ...], ...]

    def found(self, items: Sequence[JsonObject]) -> list[JsonObject]:
        """Return the items that match."""
        return [
            item for item in items if any(all(clause.fits(item) for clause in clauses) for clauses in self.alternatives)
        ]


def parse_search(text: str, kind: EntityType) -> Search:
    """Parse the search `text` for a type.

    :raises Refusal: 400 for another syntax, and for a property that cannot be searched.
    """
    alternatives: list[list[Clause]] = [[]]
    at = 0
    while match := _CLAUSE.match(text, at):
        name = kind.named(match["name"], "Request_UnsupportedQuery")
        if name not in kind.search:
            raise Refusal(400, "Request_UnsupportedQuery", f"The property '{name}' cannot be searched.")
        alternatives[-1].append(Clause(name, _words(re.sub(r"\\(.)", r"\1", match["text"]))))
        at = match.end()
        if joint := _JOINT.match(text, at):
            at = joint.end()
            if joint[1] == "OR":
                alternatives.append([])
        elif not text[at:].strip():
            return Search(tuple(tuple(clauses) for clauses in alternatives))
        else:
            break
    raise Refusal(400, "Request_BadRequest", f'Invalid $search query: {text}. It has the form "property:text".')


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(text))
