"""Read Microsoft's public list of Graph permissions, and write it in our own, shorter form.

Source: `permissions/new/permissions.json` of github.com/microsoftgraph/microsoft-graph-devx-content (MIT licence). Its
schema is that of github.com/microsoftgraph/kibali: for each permission the sets of paths and methods that it suffices
for. Ours is turned around: for each path and method the permissions that suffice, the least privileged one first.
"""

from __future__ import annotations

import re

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

DELEGATED, APPLICATION = "delegated", "application"
_SCHEMES = {"DelegatedWork": DELEGATED, "Application": APPLICATION}
"""The list's names for who calls. DelegatedPersonal, for personal Microsoft accounts, is left out."""

_UNKNOWN_LEVEL = 9
"""More than every privilege level of the list, which are 1 to 5."""

Operations = dict[str, dict[str, dict[str, list[str]]]]
"""Path -> method -> `delegated` or `application` -> what suffices: any one of the entries.

An entry is the name of a permission, or `A+B|C`: A together with B or C.
"""


def plain_path(path: str) -> str:
    """A path of the list in lower case, every placeholder as `{}`: the list spells them in 87 ways."""
    return re.sub(r"\{[^{}]*\}", "{}", path).lower().rstrip("/")


def condensed(document: Any) -> Operations:
    """Return the operations of the public list. Raises UsageError for a document that is not that list."""
    try:
        ranked = _ranked(document["permissions"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(
            "The file is not Microsoft's list of Graph permissions.",
            "Give permissions/new/permissions.json of microsoftgraph/microsoft-graph-devx-content.",
        ) from error
    found: Operations = {}
    for (path, method, caller), entries in sorted(ranked.items()):
        (_, _, least), *others = sorted(entries)
        family = least.partition(".")[0]  # several may be marked as the least; what is like it comes next
        others.sort(key=lambda other: (other[2].partition(".")[0] != family, other[1], "Write" in other[2], other[2]))
        ordered = list(dict.fromkeys([least, *(entry for _, _, entry in others)]))
        if method == "GET":  # the list marks a few that write as the least for reading
            ordered.sort(key=_writes)
        found.setdefault(path, {}).setdefault(method, {})[caller] = _with_reading(method, ordered)
    return found


def permission_ids(deployments: Any, document: Any, scheme: str) -> dict[str, str]:
    """Return the id of each permission of `document` in the public cloud, by name; those with several ids are left out.

    `deployments` is `permissions/new/provisioningInfo.json`, `scheme` DelegatedWork or Application. Raises UsageError.
    """
    try:
        found = {
            name: {row["id"] for row in rows if row["scheme"] == scheme and _is_public(row)}
            for name, rows in deployments["permissionDeployments"].items()
            if name in document["permissions"]
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise UsageError(
            "The file is not Microsoft's list of the ids of Graph permissions.",
            "Give permissions/new/provisioningInfo.json of microsoftgraph/microsoft-graph-devx-content.",
        ) from error
    return {name: next(iter(ids)) for name, ids in sorted(found.items()) if len(ids) == 1}


def _is_public(row: dict[str, Any]) -> bool:
    """Whether a row of provisioningInfo.json has the id of the public cloud; some have no id yet."""
    return "id" in row and "public" in row.get("environment", "").split(";")


def consented_by_users(document: Any) -> list[str]:
    """Return the delegated permissions of the public list that a user can consent to."""
    return sorted(
        name
        for name, permission in document["permissions"].items()
        if permission["schemes"].get("DelegatedWork", {}).get("requiresAdminConsent") is False
    )


def _writes(entry: str) -> bool:
    return re.search("ReadWrite|Create|Manage", entry.partition(".")[2].partition("+")[0]) is not None


def _with_reading(method: str, entries: list[str]) -> list[str]:
    """A permission to read does not suffice to write: where the list has both for a write, it means both together.

    So says the page of each such operation, for example
    learn.microsoft.com/graph/api/conditionalaccessroot-post-policies. A permission to read whose twin for writing is
    in the list too is just the smaller one, of an operation that only looks like a write (getPresencesByUserId).
    """
    reading = [name for name in entries if re.search(r"\.Read(?:Basic)?(?:\.|$)", name)]
    writing = [name for name in entries if name not in reading]
    twins = {re.sub(r"\.Read(?:Basic)?(?=\.|$)", ".ReadWrite", name) for name in reading}
    says_itself = any("+" in name for name in entries)
    if method == "GET" or says_itself or not reading or not writing or twins & set(writing):
        return entries
    return [f"{name}+{'|'.join(reading)}" for name in writing]


def _ranked(permissions: dict[str, Any]) -> dict[tuple[str, str, str], set[tuple[bool, int, str]]]:
    """For each operation and caller: not the least privileged, privilege level, entry."""
    ranked: dict[tuple[str, str, str], set[tuple[bool, int, str]]] = {}
    for name, permission in permissions.items():
        levels = {
            scheme: facts.get("privilegeLevel", _UNKNOWN_LEVEL) for scheme, facts in permission["schemes"].items()
        }
        for path, method, scheme, least, also in _uses(permission):
            caller = _SCHEMES.get(scheme)
            if caller is None or (caller == APPLICATION and re.match(r"/me(?:/|$)", path)):
                continue  # an application has no /me, whatever a few entries say
            ranked.setdefault((path, method, caller), set()).add(
                (not least, levels[scheme], f"{name}+{also}" if also else name)
            )
    return ranked


def _uses(permission: dict[str, Any]) -> Iterator[tuple[str, str, str, bool, str]]:
    """Path, method, scheme, whether the permission is the least privileged one there, and what it needs beside it."""
    for group in permission["pathSets"]:
        for path, properties in group["paths"].items():
            marks = dict(part.split("=", 1) for part in (properties or "").split(";") if "=" in part)
            leasts, also = marks.get("least", "").split(","), marks.get("AlsoRequires", "").replace(",", "|")
            for method in group["methods"]:
                for scheme in group["schemeKeys"]:
                    yield plain_path(path), method.upper(), scheme, scheme in leasts, also
