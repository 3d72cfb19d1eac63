"""Conditional Access, security defaults and multi-factor authentication; each unmet rule has its own code."""

import json
from collections.abc import Callable

import pytest
from tests.support.refusals import (
    CUSTOMER,
    NADIA,
    OTTO,
    Ask,
    Cases,
    Form,
    app_only,
    guest,
    home,
    person,
    refresh,
    required,
)

from entra_emulator import Emulator
from entra_emulator.model import Device

CASES = Cases()


@CASES.case(50079, suberror="basic_action", claims=True)
def no_second_factor_registered(entra: Emulator) -> Form:
    required(entra, "mfa")
    person(entra, OTTO).methods = []
    return refresh(entra, OTTO)


@CASES.case(53004, suberror="additional_action")
def risky_sign_in_may_not_register(entra: Emulator) -> Form:
    required(entra, "mfa")
    person(entra, OTTO).methods = []
    person(entra, OTTO).sign_in_risk = "high"
    return refresh(entra, OTTO)


@CASES.case(90072)
def passed_through_without_second_factor(entra: Emulator) -> Form:
    entra.add_policy("mfa", CUSTOMER)
    person(entra, NADIA).methods = []
    return {**refresh(entra, mfa=False), "tenant": CUSTOMER}


@CASES.case(50074, suberror="basic_action", claims=True)
def authentication_strength(entra: Emulator) -> Form:
    required(entra, "strength")
    return refresh(entra, amr=("pwd", "mfa"))


@CASES.case(50078, suberror="basic_action")
def second_factor_too_old(entra: Emulator) -> Form:
    home(entra).mfa_valid_in = 3600
    form = refresh(entra, mfa=True)
    entra.clock.advance(3600)
    return form


@CASES.case(50072, suberror="basic_action")
def security_defaults_without_second_factor(entra: Emulator) -> Form:
    home(entra).security_defaults = True
    person(entra, OTTO).methods = []
    return refresh(entra, OTTO)


@CASES.case(530035, suberror="message_only")
def security_defaults_and_risk(entra: Emulator) -> Form:
    home(entra).security_defaults = True
    person(entra, NADIA).sign_in_risk = "high"
    return refresh(entra)


@CASES.case(70043, suberror="token_expired")
def sign_in_frequency(entra: Emulator) -> Form:
    required(entra, "sign_in_frequency", frequency_in=3600)
    form = refresh(entra)
    entra.clock.advance(3600)
    return form


@CASES.case(50178, suberror="message_only")
def sign_in_frequency_for_somebody_passed_through(entra: Emulator) -> Form:
    entra.add_policy("sign_in_frequency", CUSTOMER)
    return {**refresh(entra), "tenant": CUSTOMER}


@CASES.case(50097, suberror="additional_action", claims=True)
def no_device(entra: Emulator) -> Form:
    required(entra, "compliant_device")
    return refresh(entra)


@CASES.case(700003)
def device_gone(entra: Emulator) -> Form:
    required(entra, "compliant_device")
    return refresh(entra, device="5a9e4c1d-7b62-4f38-8e0a-6c1f2d3b4dff")


@CASES.case(135011)
def device_disabled(entra: Emulator) -> Form:
    required(entra, "compliant_device")
    return on_device(entra, Device("laptop", enabled=False, compliant=True))


@CASES.case(53000, suberror="additional_action", claims=True)
def device_not_compliant(entra: Emulator) -> Form:
    required(entra, "compliant_device")
    return on_device(entra, Device("laptop"))


@CASES.case(53001, suberror="additional_action", claims=True)
def device_not_joined(entra: Emulator) -> Form:
    required(entra, "joined_device")
    return on_device(entra, Device("laptop", compliant=True))


def on_device(entra: Emulator, device: Device) -> Form:
    home(entra).devices.append(device)
    return refresh(entra, device=device.id)


@CASES.case(53002, suberror="message_only")
def application_not_approved(entra: Emulator) -> Form:
    required(entra, "approved_app")
    return refresh(entra)


@CASES.case(53005, "unauthorized_client", "protection_policy_required")
def application_not_protected(entra: Emulator) -> Form:
    required(entra, "app_protection")
    return refresh(entra)


@CASES.case(530084, suberror="message_only")
def token_not_bound(entra: Emulator) -> Form:
    required(entra, "token_protection")
    return refresh(entra)


@CASES.case(50142, suberror="additional_action", claims=True)
def risky_user_has_to_change_the_password(entra: Emulator) -> Form:
    required(entra, "password_change", user_risk=["high"])
    person(entra, NADIA).risk = "high"
    return refresh(entra)


@CASES.case(50158, suberror="basic_action", claims=True)
def terms_of_use_not_accepted(entra: Emulator) -> Form:
    required(entra, "terms_of_use")
    return refresh(entra)


@CASES.case(50177, suberror="message_only")
def outside_challenge_for_somebody_passed_through(entra: Emulator) -> Form:
    entra.add_policy("external", CUSTOMER)
    return {**refresh(entra), "tenant": CUSTOMER}


@CASES.case(53003, suberror="message_only", claims=True)
def workload_blocked(entra: Emulator) -> Form:
    required(entra, "block", workloads=True)
    return app_only()


@CASES.case(53011, suberror="message_only")
def guest_at_risk_at_home(entra: Emulator) -> Form:
    entra.add_policy("block", CUSTOMER, user_risk=["high"])
    person(entra, OTTO).risk = "high"
    return guest(entra)


@CASES.case(530034, suberror="message_only")
def delegated_administrator_at_risk(entra: Emulator) -> Form:
    person(entra, NADIA).risk = "high"
    return {**refresh(entra), "tenant": CUSTOMER}


@pytest.mark.parametrize("name", CASES.by_name)
def test_requests_that_violate_a_policy_are_refused(name: str, entra: Emulator, ask: Ask) -> None:
    """An unmet rule refuses with its own code, OAuth error, suberror and claims."""
    CASES.check(name, entra, ask)


@pytest.mark.parametrize("name", [name for name, one in CASES.by_name.items() if one.claims])
def test_claims_name_the_policy(name: str, entra: Emulator, ask: Ask) -> None:
    """The claims of a refusal are JSON text that names the policies not met."""
    body = ask(**CASES.by_name[name].provoke(entra)).json()
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
def test_a_policy_admits_requests_that_satisfy_it(name: str, entra: Emulator, ask: Ask) -> None:
    """A policy that does not apply, or is met, gives a token."""
    assert ask(**PASSES[name](entra)).status_code == 200


def test_a_satisfied_authentication_context_is_in_the_token(
    entra: Emulator, ask: Ask, claims: Callable[[str], Form]
) -> None:
    """A request for an authentication context is judged by its policies, and the token says that it was met."""
    required(entra, "mfa", contexts=["c1"])
    wanted = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}}})
    assert ask(**refresh(entra, OTTO), claims=wanted).json()["error_codes"] == [50076]
    token = ask(**refresh(entra, NADIA), claims=wanted).json()["access_token"]
    assert claims(token)["acrs"] == ["c1"]
    assert claims(ask(**refresh(entra, NADIA)).json()["access_token"])["acrs"] == []


def test_a_client_may_require_multi_factor_authentication_itself(
    entra: Emulator, ask: Ask, claims: Callable[[str], Form]
) -> None:
    """`amr` of the claims parameter is judged without any policy; a sign-in that had it gets its token."""
    wanted = json.dumps({"access_token": {"amr": {"essential": True, "values": ["mfa"]}}})
    assert ask(**refresh(entra, OTTO), claims=wanted).json()["error_codes"] == [50076]
    token = ask(**refresh(entra, NADIA), claims=wanted).json()["access_token"]
    assert "mfa" in claims(token)["amr"]
