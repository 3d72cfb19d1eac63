"""`client.partner().consent(tenant)`: granted once, then unchanged; what differs is named; roles through Graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.runners import Runner

from entra_emulator import Emulator
from entra_emulator.model import Tenant
from mstoken import ApiRefused, ConsentRequired, UsageError
from mstoken.errors import Misconfigured
from mstoken.partner.grants import parse_grants
from mstoken.protocol.jwt import decode

GRAPH = "00000003-0000-0000-c000-000000000000"
ARM = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
WANTED = {"graph": ["Application.Read.All", "User.Read.All", "AppRoleAssignment.ReadWrite.All"]}


@pytest.fixture
def customer(csp: Emulator) -> Tenant:
    """The one without consent."""
    found = csp.state.tenant("customer001.example")
    assert found
    return found


def posts(csp: Emulator) -> int:
    return sum(one.method == "POST" and one.path.endswith("/applicationconsents") for one in csp.requests)


def test_a_tenant_without_consent_gets_it_and_then_tokens(
    runner: Runner, customer: Tenant, sign_in_client: Callable[..., Any]
) -> None:
    client = sign_in_client()
    theirs = client.for_tenant("customer001.example")
    with pytest.raises(ConsentRequired):
        runner.run(lambda: theirs.get_token("graph"))
    done = runner.run(lambda: client.partner().consent("customer001.example", WANTED))
    assert (done.tenant, done.state, done.assigned) == (customer.id, "granted", ())
    assert done.grants == {GRAPH: tuple(WANTED["graph"])}
    token = runner.run(lambda: theirs.get_token("graph"))
    assert set(decode(token.token).claims["scp"].split()) >= set(WANTED["graph"])


def test_doing_it_twice_changes_nothing(
    runner: Runner, csp: Emulator, customer: Tenant, sign_in_client: Callable[..., Any]
) -> None:
    partner = sign_in_client().partner()
    states = [runner.run(lambda: partner.consent(customer.id, WANTED)).state for _ in range(2)]
    assert states == ["granted", "unchanged"]
    assert [grant.scopes for grant in customer.grants] == [WANTED["graph"]]


def test_permissions_that_a_consent_lacks_are_named_and_replaced_only_on_demand(
    runner: Runner, customer: Tenant, sign_in_client: Callable[..., Any]
) -> None:
    partner = sign_in_client().partner()
    runner.run(lambda: partner.consent(customer.id, {"graph": ["User.Read.All"]}))
    more = {"graph": ["User.Read.All", "Directory.Read.All"]}
    with pytest.raises(ApiRefused, match=r"without Directory\.Read\.All") as refused:
        runner.run(lambda: partner.consent(customer.id, more))
    assert f"mstoken partner consent {customer.id} --replace" in refused.value.remedy
    assert [grant.scopes for grant in customer.grants] == [["User.Read.All"]]
    assert runner.run(lambda: partner.consent(customer.id, more, replace=True)).state == "replaced"
    assert [grant.scopes for grant in customer.grants] == [more["graph"]]


def test_another_resource_is_added_without_replacing(
    runner: Runner, customer: Tenant, sign_in_client: Callable[..., Any]
) -> None:
    partner = sign_in_client().partner()
    runner.run(lambda: partner.consent(customer.id, {"graph": ["User.Read.All"]}))
    both = {"graph": ["User.Read.All"], "arm": ["user_impersonation"]}
    assert runner.run(lambda: partner.consent(customer.id, both)).state == "granted"
    assert {grant.resource: grant.scopes for grant in customer.grants} == {
        GRAPH: ["User.Read.All"],
        ARM: ["user_impersonation"],
    }


def test_without_permissions_they_are_those_in_the_partners_own_tenant(
    runner: Runner, csp: Emulator, customer: Tenant, sign_in_client: Callable[..., Any]
) -> None:
    """Partner Center's are left out, because no customer has it."""
    partner = sign_in_client().partner()
    own = runner.run(partner.own_grants)
    assert set(own) == {GRAPH, ARM, "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"}
    assert "Directory.Read.All" in own[GRAPH]
    done = runner.run(lambda: partner.consent(customer.id))
    assert (done.state, done.grants) == ("granted", own)


def test_the_applications_own_permissions_are_assigned_once(
    runner: Runner, csp: Emulator, customer: Tenant, sign_in_client: Callable[..., Any]
) -> None:
    """After that the application alone gets a token in the customer's tenant."""
    partner, roles = sign_in_client().partner(), {"graph": ["User.Read.All"]}
    done = [runner.run(lambda: partner.consent(customer.id, WANTED, roles=roles)) for _ in range(2)]
    assert [one.assigned for one in done] == [("User.Read.All",), ()]
    assert [role for grant in customer.grants for role in grant.roles] == ["User.Read.All"]
    with pytest.raises(UsageError, match=r"no application permission Nothing\.Read"):
        runner.run(lambda: partner.consent(customer.id, WANTED, roles={"graph": ["Nothing.Read"]}))


def test_what_is_wrong_is_said_before_anything_is_sent(
    runner: Runner, csp: Emulator, sign_in_client: Callable[..., Any]
) -> None:
    partner = sign_in_client().partner()
    with pytest.raises(UsageError, match="no Partner Center"):
        runner.run(lambda: partner.consent("customer001.example", {"partner": ["user_impersonation"]}))
    with pytest.raises(UsageError):
        runner.run(lambda: partner.consent("customer001.example", {"no-such-service": ["x"]}))
    assert posts(csp) == 0
    with pytest.raises(Misconfigured, match=r"no tenant 'nowhere\.example'") as unknown:
        runner.run(lambda: partner.consent("nowhere.example", WANTED))
    assert unknown.value.codes == (90002,)
    assert posts(csp) == 0


def test_a_tenant_that_is_no_customer_is_partner_centers_refusal(
    runner: Runner, csp: Emulator, sign_in_client: Callable[..., Any]
) -> None:
    partner = sign_in_client().partner()
    with pytest.raises(ApiRefused, match="No customer"):
        runner.run(lambda: partner.consent(csp.state.default_tenant.id, WANTED))


@pytest.mark.parametrize("text", ["", "graph", "graph:", "graph:A,,B", ":A", "graph:A B"])
def test_other_spellings_of_permissions_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no permissions of a resource"):
        parse_grants([text])


def test_permissions_of_a_resource_are_joined() -> None:
    assert parse_grants(["graph:A, B", "arm:x", "graph:B,C"]) == {"graph": ("A", "B", "C"), "arm": ("x",)}
