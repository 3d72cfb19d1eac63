"""Which Azure roles allow an action that Azure Resource Manager or Key Vault refused."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache

from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_EVERYWHERE = frozenset(
    {
        "microsoft.authorization",
        "microsoft.insights",
        "microsoft.resourcehealth",
        "microsoft.resources",
        "microsoft.support",
    }
)
"""Providers of which nearly every built-in role has an action, to show its resources in the portal."""

_ASSIGNED = ("Reader", "User", "Contributor", "Operator", "Officer", "Owner", "Administrator", "Sender", "Receiver")
"""Last words of the names of roles that are meant for people and applications."""


@value
class Role:
    """A built-in role. Its patterns are in lower case and may have `*` for any text."""

    name: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    data_actions: tuple[str, ...]
    not_data_actions: tuple[str, ...]

    def allows(self, action: str, *, data: bool) -> bool:
        """Whether the role allows the action, or the data action, in any letter case."""
        allowed, refused = (self.data_actions, self.not_data_actions) if data else (self.actions, self.not_actions)
        return _among(action.lower(), allowed) and not _among(action.lower(), refused)

    def names(self, namespace: str, action: str, *, data: bool) -> bool:
        """Whether the pattern that allows the action is of its provider, and not for every provider."""
        patterns = self.data_actions if data else self.actions
        return any(_namespace(pattern) == namespace and _among(action.lower(), (pattern,)) for pattern in patterns)

    def is_of(self, namespace: str) -> bool:
        """Whether most of the role's patterns, apart from those that nearly every role has, are of the provider."""
        named = [_namespace(pattern) for pattern in (*self.actions, *self.data_actions)]
        own = [name for name in named if name not in _EVERYWHERE or name == namespace]
        return 2 * own.count(namespace) > len(own)

    def width(self) -> tuple[int, str]:
        """How much the role allows, to sort by: the number of its patterns, where one for everything counts more."""
        patterns = (*self.actions, *self.data_actions)
        return sum(10 if pattern.endswith("/*") else 1 for pattern in patterns), self.name


@cache
def known_roles() -> tuple[Role, ...]:
    """The roles that come with mstoken, in the order in which they are suggested."""
    import tomllib
    from pathlib import Path

    document = tomllib.loads((Path(__file__).parent / "azure_roles.toml").read_text(encoding="utf-8"))
    return read_roles(document["roles"])


def read_roles(table: Mapping[str, Any]) -> tuple[Role, ...]:
    """Return the roles of a table that has, by name, `actions`, `not`, `data` and `not_data`."""
    return tuple(
        Role(name, *(_patterns(row.get(key, ())) for key in ("actions", "not", "data", "not_data")))
        for name, row in table.items()
    )


def roles_for(action: str, known: Sequence[Role] | None = None, most: int = 3) -> tuple[str, ...]:
    """Names of roles that allow `action`, such as `Microsoft.Compute/virtualMachines/write`; the least mighty first.

    `known` are mstoken's own roles and then others. The others count if only general roles of our own allow the action,
    such as Contributor, and then those of the action's service that people assign, as their names say: by narrowness
    alone, the first would be roles of agents that happen to allow it.
    """
    own, data = known_roles(), is_data_action(action, known)
    allowing = [role for role in known or own if role.allows(action, data=data)]
    ours, service = [role for role in allowing if role in own], _namespace(action)
    if any(role.names(service, action, data=data) for role in ours):
        return tuple(role.name for role in ours)[:most]
    others = [role for role in allowing if role not in own and role.is_of(service) and _is_assigned(role.name)]
    return tuple(role.name for role in (*sorted(others, key=Role.width), *ours))[:most]


def is_data_action(action: str, known: Sequence[Role] | None = None) -> bool:
    """Whether some role names the action among its data actions, for which a role such as Owner is not enough."""
    return any(action.lower() in role.data_actions for role in known or known_roles())


_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


def arm_action(method: str, path: str) -> str:
    """Return the action that a call of Resource Manager needs; '' for a path that names none.

    It is the resource's type with read, write or delete; a POST ends in an operation's name:
    learn.microsoft.com/azure/role-based-access-control/role-definitions, "Actions format".
    """
    parts, verb = path.partition("?")[0].strip("/").split("/"), _VERBS.get(method.upper(), "")
    providers = [index for index, part in enumerate(parts) if part.lower() == "providers"]
    if providers and len(parts) > providers[-1] + 2:
        namespace, *rest = parts[providers[-1] + 1 :]
    elif not providers and parts[0].lower() == "subscriptions":
        namespace, rest = "Microsoft.Resources", parts
    else:
        return ""
    kinds = rest[::2]
    if namespace == "Microsoft.Resources" and kinds[0].lower() == "subscriptions":
        kinds = [
            "subscriptions",
            *("resourceGroups" if kind.lower() == "resourcegroups" else kind for kind in kinds[1:]),
        ]
    if verb:
        return "/".join([namespace, *kinds, verb])
    return "/".join([namespace, *kinds, "action"]) if method.upper() == "POST" and len(rest) % 2 else ""


def arm_scope(path: str) -> str:
    """Return the scope for a role: the resource group or subscription of a path, '/' for a path outside of both."""
    parts = path.partition("?")[0].strip("/").split("/")
    lower = [part.lower() for part in parts]
    if lower[0] != "subscriptions":
        return "/"
    if len(parts) < 2:
        return "/subscriptions/SUBSCRIPTION_ID"
    return "/" + "/".join(parts[:4] if len(parts) >= 4 and lower[2] == "resourcegroups" else parts[:2])


def _is_assigned(name: str) -> bool:
    return name.removesuffix(" Role").endswith(_ASSIGNED)


def _namespace(pattern: str) -> str:
    """The provider of an action or pattern, in lower case; `*` for a pattern for every provider."""
    return pattern.partition("/")[0].lower()


def _patterns(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(text.lower() for text in texts)


def _among(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in patterns)
