"""Groups in the emulator's model: who belongs to them."""

from entra_emulator import Emulator
from entra_emulator.config import load


def test_nested_groups_count_as_memberships(entra: Emulator) -> None:
    """A member of a group belongs to the groups that this group is a member of, and a loop of groups ends."""
    user = entra.add_user("lena@northwind-partner.example")
    inner = entra.add_group("Inner", [user])
    outer = entra.add_group("Outer", [inner.id])
    inner.members.append(outer.id)
    tenant = entra.state.default_tenant
    assert tenant.groups_of(user.id, user.upn) == [inner, outer]
    assert tenant.groups_of("nobody@northwind-partner.example") == []


def test_groups_are_read_from_the_configuration() -> None:
    """[[tenants.groups]] describes a group with the fields of the class."""
    tenant = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e01"
    groups = [{"name": "Admins", "members": ["x@y.example"], "role_assignable": True}]
    state = load({"tenants": [{"id": tenant, "name": "T", "groups": groups}]})
    assert state.tenants[tenant].group("admins") is state.tenants[tenant].groups[0]
    assert state.tenants[tenant].groups[0].role_assignable
