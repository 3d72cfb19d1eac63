"""`client.partner().customers()`: those with a relationship, and those that Partner Center lists without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.mstoken.partner.conftest import listed
from tests.support.runners import Runner

from entra_emulator import Emulator
from entra_emulator.model import Relationship
from mstoken.partner.customers import epoch_seconds, relationship

GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
HELPDESK = "729827e3-9c14-49f7-bb1b-9608f156bbb8"


def test_customers_are_those_with_an_active_relationship(
    runner: Runner, csp: Emulator, sign_in_client: Callable[..., Any]
) -> None:
    found = {one.name: one for one in listed(runner, sign_in_client().partner().customers())}
    assert set(found) == {"Tailwind Bakery", *(f"Customer {number:03}" for number in (1, 2, 3, 5, 6))}
    one = found["Customer 005"]
    tenant = csp.state.tenant("customer005.example")
    assert tenant
    assert (one.tenant, one.relation, one.extends) == (tenant.id, "gdap", False)
    assert GLOBAL_READER in one.roles
    assert abs(one.ends_on - (csp.clock.now() + 365 * 86_400)) < 3600


def test_several_relationships_of_a_tenant_are_one_customer(
    runner: Runner, csp: Emulator, sign_in_client: Callable[..., Any]
) -> None:
    """It has the roles of all, and the end of the last; Microsoft's own relationships do not count."""
    tenant, partner = csp.state.tenant("customer006.example"), csp.state.default_tenant.id
    assert tenant
    late = csp.clock.now() + 700 * 86_400
    tenant.relationships += [
        Relationship(partner, roles=["Helpdesk Administrator"], name="later", ends_on=late, extends_in=180),
        Relationship(partner, roles=["Global Administrator"], name="MLT_transition"),
    ]
    [one] = [one for one in listed(runner, sign_in_client().partner().customers()) if one.name == "Customer 006"]
    assert (one.ends_on, one.extends) == (int(late), True)
    assert len(one.roles) == 3
    assert HELPDESK in one.roles


def test_resellers_are_listed_after_them(runner: Runner, csp: Emulator, sign_in_client: Callable[..., Any]) -> None:
    """A customer whose relationship has ended is still Partner Center's."""
    ended = csp.state.tenant("customer004.example")
    assert ended
    *_, last = listed(runner, sign_in_client().partner().customers(resellers=True))
    assert (last.tenant, last.name, last.domain) == (ended.id, "Customer 004", "customer004.example")
    assert (last.relation, last.ends_on, last.roles) == ("reseller", None, ())


def test_what_graph_leaves_out_is_unknown() -> None:
    assert epoch_seconds("2027-01-02T03:04:05.6789Z") == 1798859045
    assert epoch_seconds(None) is epoch_seconds("soon") is None
    assert relationship({"displayName": "x", "customer": None}) is None
    found = relationship({"displayName": "x", "customer": {"tenantId": "A"}, "accessDetails": None})
    assert found
    assert (found.tenant, found.roles, found.ends_on, found.extends) == ("a", (), None, False)
