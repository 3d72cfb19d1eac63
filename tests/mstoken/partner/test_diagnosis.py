"""`client.partner().doctor(tenant)`: each trouble is found by its own check, with a remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.runners import Runner

from entra_emulator import Emulator
from mstoken import ClientSecret
from mstoken.partner.diagnosis import Diagnosis

SignIn = Callable[..., Any]
DAY_IN = 86_400


def states(found: Diagnosis) -> dict[str, str]:
    return {check.name: check.state for check in found.checks}


def only(found: Diagnosis, name: str) -> Any:
    [check] = [check for check in found.checks if check.name == name]
    return check


def test_a_tenant_in_order(runner: Runner, csp: Emulator, sign_in_client: SignIn) -> None:
    partner = sign_in_client().partner()
    found = runner.run(lambda: partner.doctor("customer005.example"))
    names = ("sign-in", "MFA", "relationship", "consent", "policies", "roles")
    assert states(found) == dict.fromkeys(names, "ok")
    tenant = csp.state.tenant("customer005.example")
    assert tenant
    assert (found.tenant, found.ok) == (tenant.id, True)
    assert not any(check.remedy for check in found.checks)
    assert only(found, "roles").text == "Global Reader, User Administrator."


@pytest.mark.parametrize(
    ("number", "name", "words", "hidden"),
    [
        (1, "consent", "`mstoken partner consent ", {"policies", "roles"}),
        (2, "policies", "Sign in again", {"consent", "roles"}),
        (3, "policies", "Conditional Access", {"consent", "roles"}),
        (4, "relationship", "have an administrator of the customer approve it", {"consent", "roles"}),
    ],
)
def test_each_trouble_has_its_check_and_one_remedy(
    runner: Runner, sign_in_client: SignIn, number: int, name: str, words: str, hidden: set[str]
) -> None:
    partner = sign_in_client().partner()
    found = runner.run(lambda: partner.doctor(f"customer{number:03}.example"))
    assert found.failure is only(found, name)
    assert found.failure.state == "failed"
    assert words in found.failure.remedy
    assert found.failure.error
    assert {check for check, state in states(found).items() if state == "unknown"} == hidden


@pytest.mark.parametrize(("days", "extends", "state"), [(29, 0, "warning"), (31, 0, "ok"), (5, 180, "ok")])
def test_the_end_of_the_relationship_is_announced(
    runner: Runner, csp: Emulator, sign_in_client: SignIn, days: int, extends: int, state: str
) -> None:
    """Thirty days before, unless it extends itself."""
    tenant = csp.state.tenant("customer006.example")
    assert tenant
    [relationship] = tenant.relationships
    relationship.ends_on, relationship.extends_in = csp.clock.now() + days * DAY_IN + 3600, extends
    partner = sign_in_client().partner()
    check = only(runner.run(lambda: partner.tenant_checks("customer006.example")), "relationship")
    assert (check.state, f"{days} days from now" in check.text) == (state, True)
    assert bool(check.remedy) == (state == "warning")


def test_roles_that_nobody_holds_are_named(runner: Runner, csp: Emulator, sign_in_client: SignIn) -> None:
    """The user has access by one relationship; the roles of another one are assigned to none of the partner's."""
    tenant = csp.state.tenant("customer006.example")
    assert tenant
    [relationship] = tenant.relationships
    other = type(relationship)(relationship.partner, roles=["Helpdesk Administrator"], name="unused")
    tenant.relationships.append(other)
    partner = sign_in_client().partner()
    check = only(runner.run(lambda: partner.doctor("customer006.example")), "roles")
    assert check.state == "warning"
    assert "grants Helpdesk Administrator, but to none of your groups" in check.text
    assert "security group" in check.remedy


def test_an_application_alone_needs_neither_sign_in_nor_relationship(
    runner: Runner, csp: Emulator, sign_in_client: SignIn
) -> None:
    app = csp.state.default_app
    host = csp.environment()["AZURE_AUTHORITY_HOST"]
    client = runner.client(csp.state.default_tenant.id, app.id, ClientSecret(app.secrets[0].value), host)
    found = runner.run(lambda: client.partner().doctor("customer004.example"))
    assert states(found) == {"sign-in": "ok", "consent": "ok", "policies": "ok"}


def test_a_tenant_that_does_not_exist_is_a_failure_and_no_exception(runner: Runner, sign_in_client: SignIn) -> None:
    partner = sign_in_client().partner()
    found = runner.run(lambda: partner.doctor("nowhere.example"))
    assert found.failure is only(found, "tenant")
    assert "no tenant 'nowhere.example'" in found.failure.text


def test_a_sign_in_without_mfa_fails_its_check(runner: Runner, csp: Emulator, sign_in_client: SignIn) -> None:
    csp.state.default_tenant.policies.clear()
    partner = sign_in_client(mfa=False).partner()
    checks = {check.name: check for check in runner.run(partner.sign_in_checks)}
    assert checks["MFA"].state == "failed"
    assert "mstoken" in checks["MFA"].remedy or "MFA_CLAIMS" in checks["MFA"].remedy
