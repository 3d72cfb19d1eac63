"""Graph's Conditional Access: what a program writes applies to the next token, and what the tenant has is shown."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import Device

from .test_graph_queries import Call, code, graph

__all__ = ["graph"]

GRAPH = "00000003-0000-0000-c000-000000000000"
NADIA, OTTO = "nadia@northwind-partner.example", "otto@northwind-partner.example"
ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
POLICIES, LOCATIONS = "/identity/conditionalAccess/policies", "/identity/conditionalAccess/namedLocations"
UserToken = Callable[..., httpx.Response]
Ask = Callable[..., httpx.Response]
EVERYBODY = {"includeUsers": ["All"]}
EVERYWHERE = {"includeApplications": ["All"]}


@pytest.fixture(autouse=True)
def no_policies(entra: Emulator) -> None:
    """Without the built-in policy, that for Partner Center."""
    entra.state.default_tenant.policies.clear()


@pytest.fixture
def ca(entra: Emulator, graph: Call) -> Call:
    """Call Graph as an application that may also read and change policies."""
    entra.grant(entra.state.default_app, "graph", roles=["Policy.Read.All", "Policy.ReadWrite.ConditionalAccess"])
    return graph


def body(
    *controls: str, operator: str = "OR", users: Any = EVERYBODY, applications: Any = EVERYWHERE, **more: Any
) -> dict[str, Any]:
    conditions = {"users": users, "applications": applications, **more.pop("conditions", {})}
    granted = {"operator": operator, "builtInControls": list(controls)} if controls else None
    return {"displayName": "Test", "state": "enabled", "conditions": conditions, "grantControls": granted, **more}


def created(ca: Call, values: dict[str, Any]) -> dict[str, Any]:
    answer = ca(POLICIES, "POST", json=values)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def refusal(answer: httpx.Response) -> int:
    return int(answer.json()["error_codes"][0]) if answer.status_code != 200 else 0


def test_a_policy_that_a_program_creates_applies_until_it_is_disabled_or_deleted(
    ca: Call, user_token: UserToken
) -> None:
    """The refusal names the policy's id; a report-only or disabled policy refuses nothing."""
    made = created(ca, body("mfa"))
    refused = user_token(user=OTTO).json()
    assert refused["error_codes"] == [50076]
    assert made["id"] in json.loads(refused["claims"])["access_token"]["capolids"]["values"]
    for state, expected in (("enabledForReportingButNotEnforced", 0), ("disabled", 0), ("enabled", 50076)):
        assert ca(f"{POLICIES}/{made['id']}", "PATCH", json={"state": state}).status_code == 204
        assert ca(f"{POLICIES}/{made['id']}").json()["state"] == state
        assert refusal(user_token(user=OTTO)) == expected
    assert ca(f"{POLICIES}/{made['id']}", "DELETE").status_code == 204
    assert refusal(user_token(user=OTTO)) == 0
    assert code(ca(f"{POLICIES}/{made['id']}")) == (404, "Request_ResourceNotFound")


def test_a_policy_has_every_member_of_graphs_type(ca: Call) -> None:
    """Members without a value are there, empty or null, as programs that compare policies expect."""
    made = created(ca, body("block"))
    assert made["grantControls"]["builtInControls"] == ["block"]
    assert made["sessionControls"] is None
    conditions = made["conditions"]
    assert conditions["users"]["includeUsers"] == ["All"]
    assert conditions["users"]["excludeGroups"] == []
    assert conditions["clientAppTypes"] == ["all"]
    assert conditions["platforms"] is None
    assert conditions["applications"]["includeUserActions"] == []
    listed = ca("/policies/conditionalAccessPolicies?$select=id,state").json()["value"]
    assert {"id": made["id"], "state": "enabled"} in listed


def test_users_groups_and_roles_are_alternatives_and_exclusions_win(
    entra: Emulator, ca: Call, user_token: UserToken
) -> None:
    """Whoever is in one of the lists is concerned, unless an exclusion names the user, a group or a role."""
    group = entra.add_group("Bakers", [OTTO])
    users: dict[str, Any] = {"includeGroups": [group.id], "includeRoles": [ADMINISTRATOR]}
    made = created(ca, body("block", users=users))
    assert [refusal(user_token(user=name)) for name in (NADIA, OTTO)] == [53003, 53003]
    assert (
        ca(
            f"{POLICIES}/{made['id']}", "PATCH", json={"conditions": {"users": {"excludeRoles": [ADMINISTRATOR]}}}
        ).status_code
        == 204
    )
    assert [refusal(user_token(user=name)) for name in (NADIA, OTTO)] == [0, 53003]
    assert (
        ca(
            f"{POLICIES}/{made['id']}", "PATCH", json={"conditions": {"users": {"excludeGroups": [group.id]}}}
        ).status_code
        == 204
    )
    assert [refusal(user_token(user=name)) for name in (NADIA, OTTO)] == [0, 0]
    shown = ca(f"{POLICIES}/{made['id']}").json()["conditions"]["users"]
    assert (shown["includeGroups"], shown["excludeRoles"]) == ([group.id], [ADMINISTRATOR])


def test_applications_are_included_and_excluded(ca: Call, user_token: UserToken) -> None:
    """A policy applies to the APIs that it includes, without those that it excludes."""
    created(ca, body("block", applications={"includeApplications": ["All"], "excludeApplications": [GRAPH]}))
    assert refusal(user_token()) == 0
    assert refusal(user_token("https://management.azure.com/.default")) == 53003


@pytest.mark.parametrize(
    ("operator", "met", "expected"),
    [
        ("OR", "nothing", 50076),
        ("OR", "device", 0),
        ("OR", "mfa", 0),
        ("AND", "device", 50076),
        ("AND", "mfa", 50097),
        ("AND", "device and mfa", 0),
    ],
)
def test_or_needs_one_control_and_and_every_one(
    entra: Emulator, ca: Call, ask: Ask, operator: str, met: str, expected: int
) -> None:
    """A user on a compliant device or not, with a second factor or not, gets the refusal of what is missing."""
    laptop = Device("laptop", compliant=True)
    entra.state.default_tenant.devices.append(laptop)
    created(ca, body("mfa", "compliantDevice", operator=operator))
    token = entra.sign_in(OTTO, mfa="mfa" in met, device=laptop.id if "device" in met else "")
    assert refusal(ask(grant_type="refresh_token", refresh_token=token)) == expected


def test_a_sign_in_frequency_is_required_beside_a_control(entra: Emulator, ca: Call, ask: Ask) -> None:
    """Session controls have to be met also where one of several grant controls is sufficient."""
    every_two_hours = {"signInFrequency": {"value": 2, "type": "hours", "isEnabled": True}}
    made = created(ca, body("mfa", "compliantDevice", sessionControls=every_two_hours))
    assert made["sessionControls"]["signInFrequency"]["value"] == 2
    assert made["sessionControls"]["persistentBrowser"] is None
    token = entra.sign_in(OTTO, mfa=True)
    assert refusal(ask(grant_type="refresh_token", refresh_token=token)) == 0
    entra.clock.advance(7200)
    assert refusal(ask(grant_type="refresh_token", refresh_token=token)) == 70043


def test_a_strength_a_context_and_a_workload_policy(entra: Emulator, ca: Call, app_token: UserToken) -> None:
    """The built-in strengths are listed; contexts are those of policies; a workload policy blocks an application."""
    strengths = {
        one["displayName"]: one["id"] for one in ca("/policies/authenticationStrengthPolicies").json()["value"]
    }
    strength = {"operator": "OR", "authenticationStrength": {"id": strengths["Passwordless MFA"]}}
    contexts = {"includeAuthenticationContextClassReferences": ["c7"]}
    created(ca, {**body(applications=contexts), "grantControls": strength})
    (policy,) = entra.state.default_tenant.policies
    assert (policy.require, policy.strength, policy.contexts) == ("strength", "passwordless_mfa", ["c7"])
    (context,) = ca("/identity/conditionalAccess/authenticationContextClassReferences").json()["value"]
    assert context["id"] == "c7"
    wanted = {"clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]}}
    arm = {"includeApplications": ["797f4846-ba00-4fd7-ba43-dac1f8f63013"]}
    created(ca, body("block", users={"includeUsers": ["None"]}, applications=arm, conditions=wanted))
    assert refusal(app_token("https://management.azure.com/.default")) == 53003


def test_a_policy_for_device_codes_or_legacy_clients_leaves_others_alone(ca: Call, user_token: UserToken) -> None:
    """The authentication flow and the client apps of a policy narrow it."""
    flow = {"authenticationFlows": {"transferMethods": "deviceCodeFlow"}}
    made = created(ca, body("block", conditions=flow))
    assert made["conditions"]["authenticationFlows"] == {"transferMethods": "deviceCodeFlow"}
    created(ca, body("block", conditions={"clientAppTypes": ["exchangeActiveSync", "other"]}))
    assert refusal(user_token()) == 0
    created(ca, body("block", conditions={"clientAppTypes": ["browser"]}))
    assert refusal(user_token()) == 53003


def test_named_locations_narrow_a_policy(entra: Emulator, ca: Call, user_token: UserToken) -> None:
    """A policy names a location by its id; a location in use, or a trusted one, cannot be deleted."""
    office = {
        "@odata.type": "#microsoft.graph.ipNamedLocation",
        "displayName": "Office",
        "isTrusted": True,
        "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"}],
    }
    made = ca(LOCATIONS, "POST", json=office)
    assert made.status_code == 201
    path = f"{LOCATIONS}/{made.json()['id']}"
    assert ca(path).json()["ipRanges"] == office["ipRanges"]
    anywhere_else = {"locations": {"includeLocations": ["All"], "excludeLocations": [made.json()["id"]]}}
    policy = created(ca, body("block", conditions=anywhere_else))
    entra.state.settings.address = "203.0.113.9"
    assert refusal(user_token()) == 0
    entra.state.settings.address = "198.51.100.1"
    assert refusal(user_token()) == 53003
    assert code(ca(path, "DELETE")) == (400, "BadRequest")
    trust = {"@odata.type": office["@odata.type"], "isTrusted": False}
    assert ca(path, "PATCH", json=trust).status_code == 204
    assert code(ca(path, "DELETE")) == (400, "BadRequest")
    assert ca(f"{POLICIES}/{policy['id']}", "DELETE").status_code == 204
    assert ca(path, "DELETE").status_code == 204
    country = {
        "@odata.type": "#microsoft.graph.countryNamedLocation",
        "displayName": "X",
        "countriesAndRegions": ["CH"],
    }
    assert code(ca(LOCATIONS, "POST", json=country)) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"displayName": ""}, "displayName"),
        ({"state": "on"}, "enabledForReportingButNotEnforced"),
        ({"conditions": None}, "conditions"),
        ({"grantControls": None}, "grantControls or sessionControls"),
        ({"priority": 1}, "priority"),
        ({"id": "x"}, "'id'"),
        ({"grantControls": {"operator": "OR", "builtInControls": ["mfa", "block"]}}, "block"),
        ({"grantControls": {"operator": "XOR", "builtInControls": ["mfa"]}}, "AND or OR"),
        ({"grantControls": {"operator": "OR", "builtInControls": ["magic"]}}, "magic"),
        ({"grantControls": {"operator": "OR", "builtInControls": ["passwordChange"]}}, "passwordChange"),
        ({"grantControls": {"operator": "OR", "authenticationStrength": {"id": "x"}}}, "strengths"),
        ({"conditions": {"users": {}, "applications": EVERYWHERE}}, "users"),
        ({"conditions": {"users": {"includeUsers": ["nobody"]}, "applications": EVERYWHERE}}, "nobody"),
        ({"conditions": {"users": {"includeUsers": ["GuestsOrExternalUsers"]}, "applications": EVERYWHERE}}, "Guests"),
        ({"conditions": {"users": EVERYBODY, "applications": {}}}, "applications"),
        ({"conditions": {"users": EVERYBODY, "applications": {"includeApplications": ["Office365"]}}}, "Office365"),
        ({"conditions": {"users": EVERYBODY, "applications": EVERYWHERE, "platforms": {"x": 1}}}, "platforms"),
        ({"conditions": {"users": EVERYBODY, "applications": EVERYWHERE, "clientAppTypes": ["fax"]}}, "fax"),
        ({"conditions": {"users": EVERYBODY, "applications": EVERYWHERE, "userRiskLevels": ["huge"]}}, "huge"),
        ({"conditions": {"users": EVERYBODY, "applications": EVERYWHERE, "weather": "rain"}}, "weather"),
        ({"sessionControls": {"signInFrequency": {"isEnabled": True, "value": 0, "type": "days"}}}, "signInFrequency"),
        ({"sessionControls": {"persistentBrowser": {"mode": "never"}}}, "persistentBrowser"),
    ],
)
def test_what_cannot_be_applied_is_refused_by_name(
    entra: Emulator, ca: Call, wrong: dict[str, Any], named: str
) -> None:
    """A policy is applied whole or refused, with 400 and the name of what is wrong; nothing is stored."""
    answer = ca(POLICIES, "POST", json={**body("mfa"), **wrong})
    assert code(answer) == (400, "BadRequest")
    assert named in answer.json()["error"]["message"]
    assert entra.state.default_tenant.policies == []


def test_security_defaults_and_enabled_policies_exclude_each_other(entra: Emulator, ca: Call) -> None:
    """With security defaults a policy may be created, but not enabled."""
    entra.state.default_tenant.security_defaults = True
    assert code(ca(POLICIES, "POST", json=body("mfa"))) == (400, "BadRequest")
    made = created(ca, {**body("mfa"), "state": "disabled"})
    assert code(ca(f"{POLICIES}/{made['id']}", "PATCH", json={"state": "enabled"})) == (400, "BadRequest")


def test_a_policy_of_the_configuration_is_shown_with_ids(entra: Emulator, ca: Call) -> None:
    """Names become ids; conditions that Graph has no word for are annotations, and a change keeps them."""
    group = entra.add_group("Bakers", [OTTO])
    policy = entra.add_policy(
        "mfa",
        name="By password",
        users=[OTTO],
        except_groups=["Bakers"],
        roles=["Global Administrator"],
        locations=["trusted"],
        grants=["password"],
        report_only=True,
    )
    path = f"{POLICIES}/{policy.id}"
    shown = ca(path).json()
    users = shown["conditions"]["users"]
    assert (users["includeUsers"], users["excludeGroups"]) == ([entra.find_user(OTTO)[1].id], [group.id])
    assert users["includeRoles"] == [ADMINISTRATOR]
    assert shown["conditions"]["locations"]["includeLocations"] == ["AllTrusted"]
    assert (shown["state"], shown["@emulator.grants"]) == ("enabledForReportingButNotEnforced", ["password"])
    assert ca(path, "PATCH", json={"displayName": "Renamed"}).status_code == 204
    (changed,) = entra.state.default_tenant.policies
    assert (changed.name, changed.grants, changed.locations) == ("Renamed", ["password"], ["trusted"])


def test_permissions(entra: Emulator, graph: Call) -> None:
    """Directory.ReadWrite.All neither reads nor changes policies; a change needs a second permission to read."""
    assert code(graph(POLICIES)) == (403, "Authorization_RequestDenied")
    entra.grant(entra.state.default_app, "graph", roles=["Policy.Read.All"])
    assert graph(POLICIES).json()["value"] == []
    assert code(graph(POLICIES, "POST", json=body("mfa"))) == (403, "Authorization_RequestDenied")
    assert code(graph(LOCATIONS, "POST", json={})) == (403, "Authorization_RequestDenied")
