"""Graph's entity types and their properties, from data/graph.toml."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources as files
from typing import Any

from entra_emulator.apis.graph.wire import JsonObject, Refusal

_KINDS = ("text", "flag", "time", "number", "list", "object")


@dataclass(frozen=True)
class EntityType:
    """One type. `properties`: kind by name. `usual`: the properties of a response without $select.

    `search`: the properties that $search covers. `directory`: a directory object, whose advanced queries need
    `ConsistencyLevel: eventual` (learn.microsoft.com/graph/aad-advanced-queries).
    """

    name: str
    properties: Mapping[str, str]
    usual: frozenset[str]
    search: frozenset[str]
    directory: bool

    @functools.cached_property
    def spelling(self) -> Mapping[str, str]:
        """The property's own spelling by its name in lower case."""
        return {name.lower(): name for name in self.properties}

    def named(self, name: str, code: str = "BadRequest") -> str:
        """Return the property that `name` means in any letter case, in its own spelling.

        :raises Refusal: 400, the type has no such property.
        """
        found = self.spelling.get(name.lower())
        if found is None:
            message = f"Could not find a property named '{name}' on type 'microsoft.graph.{self.name}'."
            raise Refusal(400, code, message)
        return found

    def complete(self, known: JsonObject) -> JsonObject:
        """Return every property of the entity's own type: the known value, else the empty value of its kind."""
        kinds = self.own(known).properties.items()
        values: JsonObject = {name: known.get(name, [] if kind == "list" else None) for name, kind in kinds}
        return {**{name: value for name, value in known.items() if name.startswith("@")}, **values}

    def own(self, item: JsonObject) -> "EntityType":
        """Return the type of an entity of this collection: the one in its @odata.type, or this one."""
        return entity_type(str(item["@odata.type"]).rpartition(".")[2]) if "@odata.type" in item else self


@functools.cache
def entity_type(name: str) -> EntityType:
    """Return the type `name`.

    :raises KeyError: data/graph.toml does not describe it.
    """
    facts = _data()[name]
    properties = {field: kind for kind in _KINDS for field in facts.get(kind, ())}
    for other in facts.get("any_of", ()):
        properties |= entity_type(other).properties
    usual = facts.get("usual") or set(properties) - set(facts.get("on_request", ()))
    return EntityType(
        name, properties, frozenset(usual), frozenset(facts.get("search", ())), bool(facts.get("directory", True))
    )


@functools.cache
def _data() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files.files("entra_emulator.data") / "graph.toml").read_text(encoding="utf-8"))
