"""Refusals that come from the state of accounts, tenants, applications and policies, each provoked and looked at."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.aadsts import definitions
from entra_emulator.model import App, Device, Policy, ServicePrincipal, Tenant, User

Ask = Callable[..., httpx.Response]
Form = dict[str, Any]
Provoke = Callable[[Emulator], Form]

GRAPH = "https://graph.microsoft.com/.default"
NADIA, OTTO = "nadia@northwind-partner.example", "otto@northwind-partner.example"
CUSTOMER = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
PUBLIC = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
GRAPH_ID = "00000003-0000-0000-c000-000000000000"
ORDER = [
    "error",
    "error_description",
    "error_codes",
    "timestamp",
    "trace_id",
    "correlation_id",
    "error_uri",
    "suberror",
    "claims",
]


@dataclass
class Case:
    """How a state is brought about and what is asked then, and what Entra answers."""

    provoke: Provoke
    code: int
    error: str
    suberror: str | None
    status: int
    claims: bool


CASES: dict[str, Case] = {}


def case(
    code: int, error: str = "invalid_grant", suberror: str | None = None, *, status: int = 400, claims: bool = False
) -> Callable[[Provoke], Provoke]:
    """Enter a function in the table: it sets the state and gives the form to send."""

    def enter(provoke: Provoke) -> Provoke:
        CASES[provoke.__name__] = Case(provoke, code, error, suberror, status, claims)
        return provoke

    return enter


def refresh(entra: Emulator, user: str = NADIA, **session: Any) -> Form:
    """A refresh of a sign-in that just happened."""
    return {"grant_type": "refresh_token", "refresh_token": entra.sign_in(user, **session), "scope": GRAPH}


def app_only(**form: Any) -> Form:
    """An application's own request."""
    return {"grant_type": "client_credentials", "scope": GRAPH, **form}


def password(entra: Emulator, user: str = OTTO, given: str = "right") -> Form:
    """A user name and password, of a user whose password is `right`."""
    person(entra, user).password = "right"
    return {"grant_type": "password", "username": user, "password": given, "scope": GRAPH}


def person(entra: Emulator, name: str) -> User:
    return entra.find_user(name)[1]


def home(entra: Emulator) -> Tenant:
    return entra.state.default_tenant


def required(entra: Emulator, require: str, **fields: Any) -> Policy:
    """A policy for Graph in the partner's tenant."""
    return entra.add_policy(require, resources=["graph"], **fields)


def guest(entra: Emulator, **fields: Any) -> Form:
    """Otto as a guest of the customer."""
    entra.state.tenants[CUSTOMER].users.append(User(OTTO, "Otto", home=home(entra).id, **fields))
    return {**refresh(entra, OTTO), "tenant": CUSTOMER}


# --- The account -----------------------------------------------------------------------------------------------------


@case(50053)
def too_many_wrong_passwords(entra: Emulator) -> Form:
    person(entra, OTTO).locked_until = entra.clock.now() + 60
    return password(entra)


@case(50126)
def wrong_password(entra: Emulator) -> Form:
    return password(entra, given="wrong")


@case(50055, suberror="user_password_expired")
def password_expired(entra: Emulator) -> Form:
    person(entra, OTTO).password_expired = True
    return password(entra)


@case(50144)
def password_expired_on_premises(entra: Emulator) -> Form:
    home(entra).password_agent = "ok"
    person(entra, OTTO).password_expired = True
    return password(entra)


@case(80001)
def agent_unreachable(entra: Emulator) -> Form:
    home(entra).password_agent = "unavailable"
    return password(entra)


@case(80002)
def agent_too_slow(entra: Emulator) -> Form:
    home(entra).password_agent = "timeout"
    return password(entra)


@case(80005)
def agent_answers_nonsense(entra: Emulator) -> Form:
    home(entra).password_agent = "error"
    return password(entra)


@case(80007)
def agent_cannot_check(entra: Emulator) -> Form:
    home(entra).password_agent = "failing"
    return password(entra)


@case(50056)
def no_password_at_all(entra: Emulator) -> Form:
    form = password(entra)
    person(entra, OTTO).password = ""
    return form


@case(50015)
def minor_without_consent(entra: Emulator) -> Form:
    person(entra, NADIA).needs_age_consent = True
    return refresh(entra)


@case(500571)
def guest_disabled(entra: Emulator) -> Form:
    return guest(entra, enabled=False)


@case(50014)
def guest_has_not_accepted(entra: Emulator) -> Form:
    return guest(entra, pending=True)


# --- Tenants ---------------------------------------------------------------------------------------------------------


@case(5000224, "invalid_request")
def tenant_switched_off(entra: Emulator) -> Form:
    home(entra).enabled = False
    return app_only()


@case(500021, suberror="message_only")
def network_restricts_tenants(entra: Emulator) -> Form:
    return app_only(headers={"Restrict-Access-To-Tenants": "contoso.example, fabrikam.example"})


@case(500212, suberror="message_only")
def own_tenant_lets_nobody_out(entra: Emulator) -> Form:
    home(entra).outbound_blocked.append(CUSTOMER)
    return {**refresh(entra), "tenant": CUSTOMER}


@case(500213, suberror="message_only")
def other_tenant_lets_nobody_in(entra: Emulator) -> Form:
    entra.state.tenants[CUSTOMER].inbound_blocked.append(home(entra).id)
    return {**refresh(entra), "tenant": CUSTOMER}


# --- Applications and resources --------------------------------------------------------------------------------------


@case(50194, "invalid_request")
def single_tenant_app_at_common(entra: Emulator) -> Form:
    entra.state.default_app.audience = "single"
    return {**refresh(entra), "tenant": "common"}


@case(9002332, "invalid_request")
def organizations_app_at_consumers(entra: Emulator) -> Form:
    return {**refresh(entra), "tenant": "consumers"}


@case(9002346, "invalid_request")
def personal_app_at_a_tenant(entra: Emulator) -> Form:
    entra.state.default_app.audience = "personal"
    return refresh(entra)


@case(500014, "invalid_resource")
def resource_switched_off(entra: Emulator) -> Form:
    home(entra).disabled_resources.append(GRAPH_ID)
    return app_only()


@case(650057, "invalid_resource")
def resource_not_in_the_registration(entra: Emulator) -> Form:
    entra.state.default_app.resources = [ORDERS]
    return refresh(entra)


@case(650053, "invalid_scope")
def scope_the_resource_does_not_offer(entra: Emulator) -> Form:
    entra.state.apps[ORDERS].scopes = ["Orders.Read"]
    return {**refresh(entra), "scope": "api://northwind-orders/Orders.Burn"}


@case(50105)
def user_not_assigned(entra: Emulator) -> Form:
    home(entra).principals[0].assignment_required = True
    return refresh(entra)


@case(501051)
def application_not_assigned(entra: Emulator) -> Form:
    home(entra).principals.append(ServicePrincipal(ORDERS, assignment_required=True))
    home(entra).principals = [one for one in home(entra).principals if one.app != ORDERS or one.assignment_required]
    home(entra).grants = [one for one in home(entra).grants if one.resource != ORDERS]
    return app_only(scope="api://northwind-orders/.default")


@case(90009, "invalid_request")
def token_for_itself_by_uri(entra: Emulator) -> Form:
    app = entra.state.default_app
    app.identifier_uris = ["api://itself"]
    return {**refresh(entra), "scope": "api://itself/.default"}


@case(7000216, "invalid_client", status=401)
def application_without_proof(entra: Emulator) -> Form:
    return app_only(client_secret=None)


@case(7000218, "invalid_client", status=401)
def confidential_client_without_proof(entra: Emulator) -> Form:
    return {**refresh(entra), "client_secret": None}


@case(7000110, "invalid_request")
def two_client_ids(entra: Emulator) -> Form:
    return app_only(headers={"Authorization": "Basic YTpi"})  # a:b


@case(901002, "invalid_request")
def resource_parameter_at_version_two(entra: Emulator) -> Form:
    return app_only(resource="https://graph.microsoft.com")


@case(90055, "temporarily_unavailable", status=429)
def tenant_throttled(entra: Emulator) -> Form:
    home(entra).request_limit = 3
    return app_only(before=3)


@case(50196, "invalid_request")
def client_goes_round_in_a_loop(entra: Emulator) -> Form:
    entra.state.settings.loop_limit = 3
    return app_only(before=3)


# --- Conditional Access ----------------------------------------------------------------------------------------------


@case(50079, "interaction_required", claims=True)
def no_second_factor_registered(entra: Emulator) -> Form:
    required(entra, "mfa")
    person(entra, OTTO).methods = []
    return refresh(entra, OTTO)


@case(53004, "interaction_required", "additional_action")
def risky_sign_in_may_not_register(entra: Emulator) -> Form:
    required(entra, "mfa")
    person(entra, OTTO).methods = []
    person(entra, OTTO).sign_in_risk = "high"
    return refresh(entra, OTTO)


@case(90072)
def passed_through_without_second_factor(entra: Emulator) -> Form:
    entra.add_policy("mfa", CUSTOMER)
    person(entra, NADIA).methods = []
    return {**refresh(entra, mfa=False), "tenant": CUSTOMER}


@case(50074, suberror="basic_action", claims=True)
def authentication_strength(entra: Emulator) -> Form:
    required(entra, "strength")
    return refresh(entra, amr=("pwd", "mfa"))


@case(50078, suberror="basic_action")
def second_factor_too_old(entra: Emulator) -> Form:
    home(entra).mfa_valid_in = 3600
    form = refresh(entra, mfa=True)
    entra.clock.advance(3600)
    return form


@case(50072, suberror="basic_action")
def security_defaults_without_second_factor(entra: Emulator) -> Form:
    home(entra).security_defaults = True
    person(entra, OTTO).methods = []
    return refresh(entra, OTTO)


@case(530035, "interaction_required", "message_only")
def security_defaults_and_risk(entra: Emulator) -> Form:
    home(entra).security_defaults = True
    person(entra, NADIA).sign_in_risk = "high"
    return refresh(entra)


@case(70043, suberror="token_expired")
def sign_in_frequency(entra: Emulator) -> Form:
    required(entra, "sign_in_frequency", frequency_in=3600)
    form = refresh(entra)
    entra.clock.advance(3600)
    return form


@case(50178, "interaction_required", "message_only")
def sign_in_frequency_for_somebody_passed_through(entra: Emulator) -> Form:
    entra.add_policy("sign_in_frequency", CUSTOMER)
    return {**refresh(entra), "tenant": CUSTOMER}


@case(50097, "interaction_required", "additional_action", claims=True)
def no_device(entra: Emulator) -> Form:
    required(entra, "compliant_device")
    return refresh(entra)


@case(700003)
def device_gone(entra: Emulator) -> Form:
    required(entra, "compliant_device")
    return refresh(entra, device="5a9e4c1d-7b62-4f38-8e0a-6c1f2d3b4dff")


@case(135011)
def device_disabled(entra: Emulator) -> Form:
    required(entra, "compliant_device")
    return on_device(entra, Device("laptop", enabled=False, compliant=True))


@case(53000, "interaction_required", "additional_action", claims=True)
def device_not_compliant(entra: Emulator) -> Form:
    required(entra, "compliant_device")
    return on_device(entra, Device("laptop"))


@case(53001, "interaction_required", "additional_action", claims=True)
def device_not_joined(entra: Emulator) -> Form:
    required(entra, "joined_device")
    return on_device(entra, Device("laptop", compliant=True))


def on_device(entra: Emulator, device: Device) -> Form:
    home(entra).devices.append(device)
    return refresh(entra, device=device.id)


@case(53002, "interaction_required", "message_only")
def application_not_approved(entra: Emulator) -> Form:
    required(entra, "approved_app")
    return refresh(entra)


@case(53005, "unauthorized_client", "protection_policy_required")
def application_not_protected(entra: Emulator) -> Form:
    required(entra, "app_protection")
    return refresh(entra)


@case(530084, "interaction_required", "message_only")
def token_not_bound(entra: Emulator) -> Form:
    required(entra, "token_protection")
    return refresh(entra)


@case(50142, "interaction_required", "additional_action", claims=True)
def risky_user_has_to_change_the_password(entra: Emulator) -> Form:
    required(entra, "password_change", user_risk=["high"])
    person(entra, NADIA).risk = "high"
    return refresh(entra)


@case(50158, "interaction_required", "basic_action", claims=True)
def terms_of_use_not_accepted(entra: Emulator) -> Form:
    required(entra, "terms_of_use")
    return refresh(entra)


@case(50177, "interaction_required", "message_only")
def outside_challenge_for_somebody_passed_through(entra: Emulator) -> Form:
    entra.add_policy("external", CUSTOMER)
    return {**refresh(entra), "tenant": CUSTOMER}


@case(53003, "interaction_required", "message_only", claims=True)
def workload_blocked(entra: Emulator) -> Form:
    required(entra, "block", workloads=True)
    return app_only()


@case(53011, "interaction_required", "message_only")
def guest_at_risk_at_home(entra: Emulator) -> Form:
    entra.add_policy("block", CUSTOMER, user_risk=["high"])
    person(entra, OTTO).risk = "high"
    return guest(entra)


@case(530034, "interaction_required", "message_only")
def delegated_administrator_at_risk(entra: Emulator) -> Form:
    person(entra, NADIA).risk = "high"
    return {**refresh(entra), "tenant": CUSTOMER}


@pytest.mark.parametrize("name", CASES)
def test_state_has_its_own_code(name: str, entra: Emulator, ask: Ask) -> None:
    """The state refuses with its code, OAuth error, suberror and claims, the members in Entra's order."""
    case = CASES[name]
    form = case.provoke(entra)
    for _ in range(form.pop("before", 0)):
        assert ask(**form).status_code == 200
    answer = ask(**form)
    body = answer.json()
    assert body["error_codes"] == [case.code], body["error_description"]
    assert (answer.status_code, body["error"], body.get("suberror")) == (case.status, case.error, case.suberror)
    assert list(body) == [member for member in ORDER if member in body]
    assert body["error_description"].startswith(f"AADSTS{case.code}: ")
    assert ("claims" in body) == case.claims
    assert entra.requests[-1].aadsts == case.code


@pytest.mark.parametrize("name", [name for name, one in CASES.items() if one.claims])
def test_claims_name_the_policy(name: str, entra: Emulator, ask: Ask) -> None:
    """The claims of a refusal are JSON text that names the policies not met."""
    body = ask(**CASES[name].provoke(entra)).json()
    policies = {policy.id for tenant in entra.state.tenants.values() for policy in tenant.policies}
    assert set(json.loads(body["claims"])["access_token"]["capolids"]["values"]) <= policies


PASSES: dict[str, Callable[[Emulator], Form]] = {
    "with a second factor": lambda entra: (required(entra, "mfa"), refresh(entra, mfa=True))[1],
    "with a strong one": lambda entra: (required(entra, "strength"), refresh(entra, amr=("fido", "mfa")))[1],
    "soon enough": lambda entra: (required(entra, "sign_in_frequency", frequency_in=60), refresh(entra))[1],
    "on a compliant device": lambda entra: (
        required(entra, "compliant_device"),
        on_device(entra, Device("laptop", compliant=True)),
    )[1],
    "for somebody else": lambda entra: (required(entra, "block", users=[OTTO]), refresh(entra))[1],
    "excepted": lambda entra: (required(entra, "block", except_users=[NADIA]), refresh(entra))[1],
    "switched off": lambda entra: (required(entra, "block", enabled=False), refresh(entra))[1],
    "without the risk": lambda entra: (required(entra, "block", user_risk=["high"]), refresh(entra))[1],
    "for another resource": lambda entra: (entra.add_policy("block", resources=["arm"]), refresh(entra))[1],
    "for another grant": lambda entra: (required(entra, "block", grants=["password"]), refresh(entra))[1],
    "for workloads only": lambda entra: (required(entra, "block", workloads=True), refresh(entra))[1],
    "in a context not asked for": lambda entra: (required(entra, "block", contexts=["c1"]), refresh(entra))[1],
}


@pytest.mark.parametrize("name", PASSES)
def test_policy_lets_through_what_meets_it(name: str, entra: Emulator, ask: Ask) -> None:
    """A policy that does not apply, or is met, gives a token."""
    assert ask(**PASSES[name](entra)).status_code == 200


def test_ten_wrong_passwords_lock_for_a_minute(entra: Emulator, ask: Ask) -> None:
    """Smart lockout: the eleventh try is refused even with the right password, and a minute later it is not."""
    wrong, right = password(entra, given="wrong"), password(entra)
    assert {ask(**wrong).json()["error_codes"][0] for _ in range(10)} == {50126}
    assert ask(**right).json()["error_codes"] == [50053]
    entra.clock.advance(61)
    assert ask(**right).status_code == 200


def test_context_that_is_met_is_in_the_token(entra: Emulator, ask: Ask, claims: Callable[[str], Form]) -> None:
    """A request for an authentication context is judged by its policies, and the token says that it was met."""
    required(entra, "mfa", contexts=["c1"])
    wanted = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}}})
    assert ask(**refresh(entra, OTTO), claims=wanted).json()["error_codes"] == [50076]
    token = ask(**refresh(entra, NADIA), claims=wanted).json()["access_token"]
    assert claims(token)["acrs"] == ["c1"]
    assert claims(ask(**refresh(entra, NADIA)).json()["access_token"])["acrs"] == []


def test_every_code_is_provoked_by_a_test() -> None:
    """Each code the emulator knows is named in a test, and at least eighty arise from state."""
    tests = Path(__file__).parents[2]
    files = [*tests.joinpath("emulator").rglob("test_*.py"), *tests.joinpath("clients").glob("test_*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    named = {int(number) for number in re.findall(r"\b\d{5,7}\b", text.replace("_", ""))}
    assert set(definitions()) <= named
    assert len(definitions()) >= 80


def test_single_tenant_app_is_unknown_elsewhere(entra: Emulator, ask: Ask) -> None:
    """An application of one tenant does not exist in another."""
    app = App("11111111-2222-4333-8444-555555555556", "Other", CUSTOMER)
    entra.state.apps[app.id] = app
    assert ask(**app_only(client_id=app.id, client_secret="x")).json()["error_codes"] == [700016]
