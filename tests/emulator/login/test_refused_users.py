"""Refusals of people: scopes, consent, sessions, membership and policy, held against what the real ones answer."""

import pytest
from tests.support.refusals import BASIC, CUSTOMER, GRAPH, NADIA, OTTO, WITH_SUBERROR, WITH_URI, Ask, Shape

from entra_emulator import Emulator
from entra_emulator.model import Policy, Relationship

PARTNER = "https://api.partnercenter.microsoft.com/.default"


def without_consent(entra: Emulator) -> None:
    entra.state.default_tenant.grants.clear()


def without_user(entra: Emulator) -> None:
    entra.state.default_tenant.users.clear()


def without_relationship(entra: Emulator) -> None:
    entra.state.tenants[CUSTOMER].relationships.clear()


def disabled_user(entra: Emulator) -> None:
    user = entra.state.default_user
    assert user
    user.enabled = False


def revoked_user(entra: Emulator) -> None:
    user = entra.state.default_user
    assert user
    user.tokens_valid_from = entra.clock.now() + 1


def blocked(entra: Emulator) -> None:
    entra.state.default_tenant.policies.append(Policy("No one gets in", "block"))


def mfa_for_otto(entra: Emulator) -> None:
    found = entra.state.user(OTTO)
    assert found
    found[1].mfa_required = True


CASES = {
    "user scopes of two resources": Shape(
        28000,
        "invalid_request",
        400,
        WITH_URI,
        {"scope": "User.Read https://management.azure.com/user_impersonation"},
        user=NADIA,
    ),
    "scope that is a bare URL": Shape(
        70011,
        "invalid_scope",
        400,
        WITH_URI,
        {"scope": "https://graph.microsoft.com"},
        user=NADIA,
    ),
    ".default beside names": Shape(70011, "invalid_scope", 400, WITH_URI, {"scope": "User.Read .default"}, user=NADIA),
    "no consent at all": Shape(
        65001,
        "invalid_grant",
        400,
        [*BASIC, "suberror"],
        {"scope": GRAPH},
        user=NADIA,
        change=without_consent,
        suberror="consent_required",
    ),
    "no consent for this permission": Shape(
        65001,
        "invalid_grant",
        400,
        [*BASIC, "suberror"],
        {"scope": "https://graph.microsoft.com/Mail.Read"},
        user=NADIA,
        suberror="consent_required",
    ),
    "refresh token is nonsense": Shape(
        9002313, "invalid_grant", 400, WITH_URI, {"grant_type": "refresh_token", "refresh_token": "nonsense"}
    ),
    "refresh token unused for 90 days": Shape(
        700082,
        "invalid_grant",
        400,
        WITH_SUBERROR,
        {"scope": GRAPH},
        user=NADIA,
        after=lambda entra: entra.clock.advance(90 * 86400),
        suberror="bad_token",
    ),
    "sessions revoked": Shape(
        50173,
        "invalid_grant",
        400,
        WITH_SUBERROR,
        {"scope": GRAPH},
        user=NADIA,
        after=revoked_user,
        suberror="bad_token",
    ),
    "user disabled": Shape(
        50057,
        "invalid_grant",
        400,
        WITH_URI,
        {"scope": GRAPH},
        user=NADIA,
        after=disabled_user,
    ),
    "user gone": Shape(
        50034,
        "invalid_grant",
        400,
        WITH_URI,
        {"scope": GRAPH},
        user=NADIA,
        after=without_user,
    ),
    "user has no business in the tenant": Shape(
        50020, "invalid_grant", 400, WITH_URI, {"scope": GRAPH, "tenant": CUSTOMER}, user=OTTO
    ),
    "delegated administration ended": Shape(
        50020,
        "invalid_grant",
        400,
        WITH_URI,
        {"scope": GRAPH, "tenant": CUSTOMER},
        user=NADIA,
        after=without_relationship,
    ),
    "per-user multi-factor": Shape(
        50076,
        "invalid_grant",
        400,
        WITH_SUBERROR,
        {"scope": GRAPH},
        user=OTTO,
        change=mfa_for_otto,
        suberror="basic_action",
    ),
    "policy wants multi-factor": Shape(
        50076, "invalid_grant", 400, [*WITH_SUBERROR, "claims"], {"scope": PARTNER}, user=OTTO, suberror="basic_action"
    ),
    "policy blocks": Shape(
        53003,
        "invalid_grant",
        400,
        WITH_SUBERROR,
        {"scope": GRAPH},
        user=OTTO,
        change=blocked,
        suberror="message_only",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_error_has_the_form_of_the_real_one(name: str, entra: Emulator, ask: Ask) -> None:
    """Status, keys and their order, OAuth error, suberror and codes are those seen from the real service."""
    CASES[name].check(entra, ask)


def test_a_policy_error_has_the_claims_to_request(entra: Emulator, user_token: Ask) -> None:
    """The claims member of a policy's refusal is JSON text that names the unmet policies."""
    policy = entra.state.default_tenant.policies[0]
    body = user_token(PARTNER, OTTO).json()
    assert body["claims"] == f'{{"access_token":{{"capolids":{{"essential":true,"values":["{policy.id}"]}}}}}}'


def test_token_of_another_client_is_refused(entra: Emulator, ask: Ask) -> None:
    """A refresh token works only for the client it was issued to."""
    token = entra.sign_in(OTTO)
    public = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
    body = ask(grant_type="refresh_token", refresh_token=token, client_id=public, client_secret=None).json()
    assert (body["error"], body["error_codes"]) == ("invalid_grant", [700007])


def test_an_inactive_relationship_gives_no_access(entra: Emulator, user_token: Ask) -> None:
    """Only an active delegated admin relationship lets a partner's user in."""
    customer = entra.state.tenants[CUSTOMER]
    customer.relationships = [Relationship(entra.state.default_tenant.id, [OTTO], ["Global Reader"], status="expired")]
    assert user_token(GRAPH, OTTO, tenant=CUSTOMER).json()["error_codes"] == [50020]
