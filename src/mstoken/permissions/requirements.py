"""Which permissions a call of Microsoft Graph needs: our table, or the complete public list that the user fetched."""

from __future__ import annotations

import re
from functools import cache

from mstoken.permissions.public_data import APPLICATION, DELEGATED, plain_path
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from mstoken.permissions.public_data import Operations

GRAPH_APPLICATION_ID = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph's application id, the same in every cloud."""

_CALLERS = (DELEGATED, APPLICATION)

_TAILS = ("/$ref", "/$count", "/$value", "/microsoft.graph.")
"""Ends of a path that the list often lacks: the path without them needs the same, or nearly."""


@value
class Requirement:
    """What one operation needs. Any one entry suffices, the least privileged is first; see `Operations` for the form.

    `path` is the row's own path, with `{}` for placeholders. None for a caller that cannot make the call at all.
    `guessed` means that the row is that of a neighbouring path. `dated` is the day of the data (YYYY-MM-DD).
    """

    method: str
    path: str
    delegated: tuple[str, ...] | None
    application: tuple[str, ...] | None
    dated: str
    guessed: bool = False

    def of(self, *, user: bool) -> tuple[str, ...] | None:
        """The entries for a token on behalf of a user, or for an application's own."""
        return self.delegated if user else self.application


@value
class Table:
    """Operations with their date, and what is known of the permissions' ids."""

    operations: Operations = field(repr=False)
    dated: str
    delegated_ids: Mapping[str, str] = field(default_factory=dict, repr=False)
    application_ids: Mapping[str, str] = field(default_factory=dict, repr=False)
    by_users: frozenset[str] = field(default=frozenset(), repr=False)

    def find(self, method: str, path: str) -> Requirement | None:
        """Return what `method` on `path` needs; None if the table does not have it.

        `path` is one of Graph's, with or without the version, with real ids or with `{placeholders}`.
        """
        wanted = graph_path(path)
        found = self._row(method, wanted)
        if found is None and (shorter := _shortened(wanted)) != wanted:
            found = self._row(method, shorter)
            if found is None and method in {"POST", "PUT", "DELETE"}:
                found = self._row("PATCH", shorter.rpartition("/")[0])  # to add a member changes the group
            return found and _guessed(found, method)
        return found

    def methods(self, path: str) -> tuple[str, ...]:
        """The methods that the table has for `path`."""
        return tuple(sorted({method for key in self._matches(graph_path(path)) for method in self.operations[key]}))

    def permission_id(self, name: str, *, user: bool) -> str:
        """The id of a permission at Microsoft Graph; '' if it is unknown."""
        return (self.delegated_ids if user else self.application_ids).get(name, "")

    def to_grant(self, entries: Sequence[str], *, user: bool) -> str:
        """Return the entry to grant: the least privileged one whose permissions have a known id, else the first.

        Permissions without an id are mostly those that a team's or chat's owner grants: their names end in `.Group` or
        `.Chat` (learn.microsoft.com/microsoftteams/platform/graph-api/rsc/resource-specific-consent).
        """

        def has_ids(entry: str) -> bool:
            return all(self.permission_id(group.partition("|")[0], user=user) for group in entry.split("+"))

        return next((entry for entry in entries if has_ids(entry)), entries[0])

    def needs_administrator(self, name: str) -> bool:
        """Whether only an administrator can consent to a delegated permission; true if it is unknown."""
        return name not in self.by_users

    def _row(self, method: str, path: str) -> Requirement | None:
        for key in self._matches(path):
            row = self.operations[key].get(method.upper())
            if row:
                delegated, application = (tuple(row[caller]) if caller in row else None for caller in _CALLERS)
                return Requirement(method.upper(), key, delegated, application, self.dated)
        return None

    def _matches(self, path: str) -> list[str]:
        """The paths of the table that `path` is an instance of, the most literal first."""
        if path in self.operations:
            return [path]
        parts = path.split("/")
        keys = (key for key in self._by_length().get(len(parts), ()) if _is_instance(parts, key.split("/")))
        return sorted(keys, key=lambda key: key.count("{}"))

    def _by_length(self) -> dict[int, list[str]]:
        lengths: dict[int, list[str]] = {}
        for key in self.operations:
            lengths.setdefault(key.count("/") + 1, []).append(key)
        return lengths


@cache
def own_table() -> Table:
    """The operations that people use most, which come with mstoken."""
    import tomllib
    from pathlib import Path

    document = tomllib.loads((Path(__file__).parent / "graph.toml").read_text(encoding="utf-8"))
    operations = {
        path: {method: {caller: text.split() for caller, text in row.items()} for method, row in methods.items()}
        for path, methods in document["operations"].items()
    }
    return Table(
        operations,
        str(document["dated"]),
        document["delegated_ids"],
        document["application_ids"],
        frozenset(document["consent"]["by_users"]),
    )


def graph_path(path: str) -> str:
    """The path as the tables write it: without version, query and aliases, in lower case."""
    bare = plain_path(re.sub(r"^/*(?:v1\.0|beta)(?=/|$)", "", path.partition("?")[0].partition("#")[0]))
    bare = re.sub(r"//+", "/", "/" + bare.strip("/"))
    bare = re.sub(r"(?<=/)(users|groups|applications|serviceprincipals|devices)\('([^']*)'\)", r"\1/\2", bare)
    return re.sub(r"^/myorganization(?=/)", "", bare)


def suffices(entry: str, held: Collection[str]) -> bool:
    """Whether permissions that are held satisfy an entry such as `A+B|C`."""
    return all(any(name in held for name in group.split("|")) for group in entry.split("+"))


def in_words(entry: str) -> str:
    """`A+B|C` as `A with B or C`."""
    first, *others = entry.split("+")
    return " with ".join([first, *(" or ".join(group.split("|")) for group in others)])


def first_words(entries: Iterable[str], most: int = 3) -> str:
    """The first entries in words: `A, B or C`, and how many more there are."""
    listed = [in_words(entry) for entry in entries]
    shown, more = listed[:most], len(listed) - most
    if more > 0:
        return f"{', '.join(shown)} or one of {more} others"
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _is_instance(parts: list[str], pattern: list[str]) -> bool:
    for part, wanted in zip(parts, pattern, strict=True):
        if wanted == part:
            continue
        if "{}" not in wanted or not part or part.startswith("$"):
            return False
        if not re.fullmatch(".+".join(re.escape(piece) for piece in wanted.split("{}")), part):
            return False
    return True


def _shortened(path: str) -> str:
    for tail in _TAILS:
        cut = path.rfind(tail)
        if cut > 0 and "/" not in path[cut + len(tail) :]:
            return path[:cut]
    return path


def _guessed(found: Requirement, method: str) -> Requirement:
    return Requirement(method.upper(), found.path, found.delegated, found.application, found.dated, guessed=True)
