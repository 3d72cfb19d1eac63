"""Change tracking: what a list looked like when a caller last read it, by the token in the caller's delta link."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .ids import new_id

LIFETIME_IN = 7 * 24 * 3600.0
"""A delta link of directory objects lives for seven days (learn.microsoft.com/graph/delta-query-overview)."""
_MOST = 1000


@dataclass
class Round:
    """A round of a caller: the pages that are left, the list as it was, and the options of the first request.

    `seen`: a checksum of each object, by id. `at`: epoch seconds. `names`: the resource and tenant.
    """

    names: tuple[str, str]
    at: float
    seen: Mapping[str, int]
    select: str
    left: Sequence[dict[str, Any]] = field(default_factory=list)


class Deltas:
    """The rounds by token. The oldest of more than a thousand are forgotten."""

    def __init__(self) -> None:
        self._rounds: dict[str, Round] = {}

    def get(self, token: str, names: tuple[str, str]) -> Round | None:
        """Return the round of a token for the same resource and tenant."""
        found = self._rounds.get(token)
        return found if found and found.names == names else None

    def put(self, entry: Round) -> str:
        """Store a round; return its token."""
        while len(self._rounds) >= _MOST:
            del self._rounds[next(iter(self._rounds))]
        token = new_id().replace("-", "")
        self._rounds[token] = entry
        return token


def checksums(items: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return a checksum of each object by its id."""
    return {str(item["id"]): zlib.crc32(json.dumps(item, sort_keys=True).encode()) for item in items}


def changes(items: Sequence[dict[str, Any]], seen: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the objects that are new or different since `seen`, and a note for each that is gone."""
    now = checksums(items)
    changed = [item for item in items if seen.get(str(item["id"])) != now[str(item["id"])]]
    return changed + [{"id": name, "@removed": {"reason": "changed"}} for name in seen if name not in now]
