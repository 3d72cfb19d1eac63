"""The identities that a machine can have, and how a request selects one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_GROUP = "/subscriptions/e1f2a3b4-c5d6-4e7f-8a9b-0c1d2e3f4a01/resourcegroups/rg-web/providers"


@dataclass
class Identity:
    """A managed identity. `resource_id` is the Azure resource that has it; for a user-assigned one, its own."""

    client_id: str
    object_id: str
    name: str
    resource_id: str


def system_assigned() -> Identity:
    """Return the machine's initial system-assigned identity."""
    return Identity(
        "9f1c5e2a-6b3d-4c8e-a7f0-1d2e3f4a5c01",
        "9f1c5e2a-6b3d-4c8e-a7f0-1d2e3f4a5c02",
        "vm-web",
        f"{_GROUP}/Microsoft.Compute/virtualMachines/vm-web",
    )


def user_assigned() -> Identity:
    """Return the machine's initial user-assigned identity."""
    return Identity(
        "9f1c5e2a-6b3d-4c8e-a7f0-1d2e3f4a5c11",
        "9f1c5e2a-6b3d-4c8e-a7f0-1d2e3f4a5c12",
        "id-orders",
        f"{_GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/id-orders",
    )


@dataclass
class Identities:
    """The identities that are assigned to a machine."""

    system: Identity | None = field(default_factory=system_assigned)
    users: list[Identity] = field(default_factory=lambda: [user_assigned()])

    def choose(self, requested: Mapping[str, str], parameters: Mapping[str, str]) -> tuple[Identity | None, str]:
        """Return the requested identity and '', or None and the error.

        `parameters` maps a dialect's parameter names to the fields of Identity. Without any of them, the result is the
        system-assigned identity, else the only user-assigned one.
        """
        for parameter, field_name in parameters.items():
            if wanted := requested.get(parameter):
                everyone = [*self.users, *([self.system] if self.system else [])]
                fits = (identity for identity in everyone if getattr(identity, field_name).lower() == wanted.lower())
                return next(fits, None), "Identity not found"
        if self.system:
            return self.system, ""
        if len(self.users) > 1:
            return None, "Multiple user assigned identities exist, name one in the request"
        return (self.users[0], "") if self.users else (None, "Identity not found")
