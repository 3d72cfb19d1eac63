"""Groups of a tenant. Each field is a key in TOML."""

from dataclasses import dataclass, field
from typing import Any

from .ids import new_id
from .strict import Strict


@dataclass
class Group(Strict):
    """A group. `members` and `owners` name users (ids or UPNs), applications (ids) or groups (ids or names).

    `security`: a security group; `mail`: the address of a mail-enabled one, empty for none. `types`: `Unified` for a
    Microsoft 365 group, `DynamicMembership`. `role_assignable`: it may have directory roles, which are in `roles`.
    `on_premises_name`: sAMAccountName of a group that is synchronized from Active Directory. `properties`: values that
    Graph stores and that have no effect.
    """

    name: str
    id: str = field(default_factory=new_id)
    description: str = ""
    members: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    security: bool = True
    mail: str = ""
    types: list[str] = field(default_factory=list)
    role_assignable: bool = False
    roles: list[str] = field(default_factory=list)
    on_premises_name: str = ""
    created_on: float = 0.0
    properties: dict[str, Any] = field(default_factory=dict)
