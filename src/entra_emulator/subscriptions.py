"""Azure subscriptions and what is in them. Each field is a key in TOML."""

from dataclasses import dataclass, field

from .strict import Strict


@dataclass
class ResourceGroup(Strict):
    """A resource group of a subscription. `managed_by`: the id of the resource that manages it.

    `deleted_on`: the end of its deletion, epoch seconds; None if it is not being deleted.
    """

    name: str
    location: str = "westeurope"
    tags: dict[str, str] = field(default_factory=dict)
    managed_by: str = ""
    deleted_on: float | None = None


@dataclass
class RoleAssignment(Strict):
    """A role assigned in a subscription. `role`: the id of its definition; `principal`: an object id."""

    name: str
    role: str
    principal: str


@dataclass
class Subscription(Strict):
    """An Azure subscription. `readers`: application ids, user ids or UPNs that may read it; `contributors`: that may
    change it too.

    `assignments`: roles assigned through Resource Manager's API. `context`: the authentication context (c1 … c99) that
    a user's token must have to read it.
    """

    id: str
    name: str
    readers: list[str] = field(default_factory=list)
    resource_groups: list[ResourceGroup] = field(default_factory=list)
    context: str = ""
    contributors: list[str] = field(default_factory=list)
    assignments: list[RoleAssignment] = field(default_factory=list)
