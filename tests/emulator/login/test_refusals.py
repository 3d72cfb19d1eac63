"""Every refusal of the token endpoint, held against what the real one was seen to answer."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import App, Policy, Relationship, Secret

Ask = Callable[..., httpx.Response]

BASIC = ["error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id"]
WITH_URI = [*BASIC, "error_uri"]
WITH_SUBERROR = [*WITH_URI, "suberror"]

GRAPH = "https://graph.microsoft.com/.default"
PARTNER = "https://api.partnercenter.microsoft.com/.default"
OTTO = "otto@northwind-partner.example"
CUSTOMER = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e02"
APP = {"grant_type": "client_credentials", "scope": GRAPH}


@dataclass
class Case:
    """What is changed in the emulator, what is asked, and what the real service is known to answer."""

    code: int
    error: str
    status: int
    keys: list[str]
    form: dict[str, Any]
    user: str = ""
    change: Callable[[Emulator], object] = field(default=lambda _: None)
    after: Callable[[Emulator], object] = field(default=lambda _: None)
    suberror: str | None = None


def default_secret(entra: Emulator) -> Secret:
    return entra.state.default_app.secrets[0]


def without_app(entra: Emulator) -> None:
    entra.state.tenants[CUSTOMER].principals.clear()


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


def other_app(entra: Emulator) -> None:
    entra.state.apps[NOBODY] = App(NOBODY, "Single", CUSTOMER, secrets=[Secret("s")])


NOBODY = "11111111-2222-4333-8444-555555555555"

CASES = {
    "no grant_type": Case(900144, "invalid_request", 400, WITH_URI, {"scope": GRAPH}),
    "no client_id": Case(900144, "invalid_request", 400, WITH_URI, {**APP, "client_id": None}),
    "no scope": Case(900144, "invalid_request", 400, WITH_URI, {**APP, "scope": None}),
    "no refresh_token": Case(900144, "invalid_request", 400, WITH_URI, {"grant_type": "refresh_token"}),
    "grant nobody knows": Case(70003, "unsupported_grant_type", 400, BASIC, {"grant_type": "no_such_grant"}),
    "tenant is no name": Case(900023, "invalid_request", 400, WITH_URI, {**APP, "tenant": "undefined"}),
    "tenant not there": Case(90002, "invalid_request", 400, WITH_URI, {**APP, "tenant": NOBODY}),
    "domain not there": Case(90002, "invalid_request", 400, WITH_URI, {**APP, "tenant": "nowhere.example"}),
    "no tenant for an app": Case(50059, "invalid_request", 400, WITH_URI, {**APP, "tenant": "common"}),
    "app id of zeros": Case(
        700038, "unauthorized_client", 400, BASIC, {**APP, "client_id": "00000000-0000-0000-0000-000000000000"}
    ),
    "app not there": Case(700016, "unauthorized_client", 400, WITH_URI, {**APP, "client_id": NOBODY}),
    "app id is no GUID": Case(700016, "unauthorized_client", 400, WITH_URI, {**APP, "client_id": "my-app"}),
    "single-tenant app elsewhere": Case(
        700016, "unauthorized_client", 400, WITH_URI, {**APP, "client_id": NOBODY}, change=other_app
    ),
    "app missing in the tenant": Case(
        7000229, "invalid_client", 401, WITH_URI, {**APP, "tenant": CUSTOMER}, change=without_app
    ),
    "app disabled": Case(
        7000112,
        "unauthorized_client",
        400,
        WITH_URI,
        APP,
        change=lambda entra: setattr(entra.state.default_app, "enabled", False),
    ),
    "service principal disabled": Case(
        7000112,
        "unauthorized_client",
        400,
        WITH_URI,
        APP,
        change=lambda entra: setattr(entra.state.default_tenant.principals[0], "enabled", False),
    ),
    "wrong secret": Case(7000215, "invalid_client", 401, WITH_URI, {**APP, "client_secret": "wrong"}),
    "no secret": Case(7000216, "invalid_client", 401, WITH_URI, {**APP, "client_secret": None}),
    "secret expired": Case(
        7000222,
        "invalid_client",
        401,
        WITH_URI,
        APP,
        change=lambda entra: setattr(default_secret(entra), "expires_on", entra.clock.now() + 60),
        after=lambda entra: entra.clock.advance(60),
    ),
    "certificate nobody knows": Case(
        700027,
        "invalid_client",
        401,
        WITH_URI,
        {
            **APP,
            "client_secret": None,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": "eyJhbGciOiJSUzI1NiIsIng1dCI6ImFiYyJ9.e30.c2ln",
        },
    ),
    "assertion is no JWT": Case(
        50027,
        "invalid_request",
        400,
        WITH_URI,
        {
            **APP,
            "client_secret": None,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": "x",
        },
    ),
    "assertion of no type": Case(
        900144, "invalid_request", 400, WITH_URI, {**APP, "client_secret": None, "client_assertion": "x"}
    ),
    "secret of a public client": Case(
        700025,
        "invalid_client",
        401,
        WITH_URI,
        {"grant_type": "refresh_token", "client_id": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02", "client_secret": "x"},
        user="nadia@northwind-partner.example",
    ),
    "app-only scope without .default": Case(
        1002012, "invalid_scope", 400, BASIC, {**APP, "scope": "https://graph.microsoft.com/User.Read"}
    ),
    "app-only scope of openid alone": Case(1002012, "invalid_scope", 400, BASIC, {**APP, "scope": "openid"}),
    "app-only with two resources": Case(
        70011, "invalid_scope", 400, WITH_URI, {**APP, "scope": f"{GRAPH} https://management.azure.com/.default"}
    ),
    "resource not there": Case(
        500011, "invalid_resource", 400, WITH_URI, {**APP, "scope": "https://nowhere.example/.default"}
    ),
    "resource the tenant lacks": Case(
        500011, "invalid_resource", 400, WITH_URI, {**APP, "scope": PARTNER, "tenant": CUSTOMER}
    ),
    "user scopes of two resources": Case(
        28000,
        "invalid_request",
        400,
        WITH_URI,
        {"scope": "User.Read https://management.azure.com/user_impersonation"},
        user="nadia@northwind-partner.example",
    ),
    "scope that is a bare URL": Case(
        70011,
        "invalid_scope",
        400,
        WITH_URI,
        {"scope": "https://graph.microsoft.com"},
        user="nadia@northwind-partner.example",
    ),
    ".default beside names": Case(
        70011, "invalid_scope", 400, WITH_URI, {"scope": "User.Read .default"}, user="nadia@northwind-partner.example"
    ),
    "no consent at all": Case(
        65001,
        "invalid_grant",
        400,
        [*BASIC, "suberror"],
        {"scope": GRAPH},
        user="nadia@northwind-partner.example",
        change=without_consent,
        suberror="consent_required",
    ),
    "no consent for this permission": Case(
        65001,
        "invalid_grant",
        400,
        [*BASIC, "suberror"],
        {"scope": "https://graph.microsoft.com/Mail.Read"},
        user="nadia@northwind-partner.example",
        suberror="consent_required",
    ),
    "refresh token is nonsense": Case(
        9002313, "invalid_grant", 400, WITH_URI, {"grant_type": "refresh_token", "refresh_token": "nonsense"}
    ),
    "refresh token unused for 90 days": Case(
        700082,
        "invalid_grant",
        400,
        WITH_SUBERROR,
        {"scope": GRAPH},
        user="nadia@northwind-partner.example",
        after=lambda entra: entra.clock.advance(90 * 86400),
        suberror="bad_token",
    ),
    "sessions revoked": Case(
        50173,
        "invalid_grant",
        400,
        WITH_SUBERROR,
        {"scope": GRAPH},
        user="nadia@northwind-partner.example",
        after=revoked_user,
        suberror="bad_token",
    ),
    "user disabled": Case(
        50057,
        "invalid_grant",
        400,
        WITH_URI,
        {"scope": GRAPH},
        user="nadia@northwind-partner.example",
        after=disabled_user,
    ),
    "user gone": Case(
        50034,
        "invalid_grant",
        400,
        WITH_URI,
        {"scope": GRAPH},
        user="nadia@northwind-partner.example",
        after=without_user,
    ),
    "user has no business in the tenant": Case(
        50020, "invalid_grant", 400, WITH_URI, {"scope": GRAPH, "tenant": CUSTOMER}, user=OTTO
    ),
    "delegated administration ended": Case(
        50020,
        "invalid_grant",
        400,
        WITH_URI,
        {"scope": GRAPH, "tenant": CUSTOMER},
        user="nadia@northwind-partner.example",
        after=without_relationship,
    ),
    "per-user multi-factor": Case(
        50076,
        "invalid_grant",
        400,
        WITH_SUBERROR,
        {"scope": GRAPH},
        user=OTTO,
        change=mfa_for_otto,
        suberror="basic_action",
    ),
    "policy wants multi-factor": Case(
        50076, "invalid_grant", 400, [*WITH_SUBERROR, "claims"], {"scope": PARTNER}, user=OTTO, suberror="basic_action"
    ),
    "policy blocks": Case(
        53003,
        "interaction_required",
        400,
        WITH_SUBERROR,
        {"scope": GRAPH},
        user=OTTO,
        change=blocked,
        suberror="message_only",
    ),
}


def provoke(case: Case, entra: Emulator, ask: Ask) -> httpx.Response:
    """Bring the emulator into the case's state and send its request."""
    case.change(entra)
    form = dict(case.form)
    if case.user:
        form["grant_type"] = "refresh_token"
        form["refresh_token"] = entra.sign_in(case.user, form.get("client_id"))
    case.after(entra)
    return ask(**form)


@pytest.mark.parametrize("name", CASES)
def test_refusal_is_shaped_as_the_real_one(name: str, entra: Emulator, ask: Ask) -> None:
    """Status, keys and their order, OAuth error, suberror and codes are those seen from the real service."""
    case = CASES[name]
    answer = provoke(case, entra, ask)
    body = answer.json()
    assert body["error_codes"] == [case.code]
    assert (answer.status_code, body["error"], list(body)) == (case.status, case.error, case.keys)
    assert body.get("suberror") == case.suberror
    assert body["error_description"].startswith(f"AADSTS{case.code}: ")
    assert answer.headers["x-ms-clitelem"].startswith(f"1,{case.code},0,")


def test_description_ends_with_the_ids_of_the_body(ask: Ask) -> None:
    """Trace ID, Correlation ID and Timestamp end the description, after spaces, and repeat the body's members."""
    body = ask(grant_type="no_such_grant").json()
    tail = f" Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']} Timestamp: {body['timestamp']}"
    assert body["error_description"].endswith(tail)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", body["timestamp"])


def test_description_may_be_separated_as_until_2023(entra: Emulator, ask: Ask) -> None:
    """With description_separator crlf the three tail parts stand on lines of their own."""
    entra.state.settings.description_separator = "crlf"
    body = ask(grant_type="no_such_grant").json()
    lines = body["error_description"].split("\r\n")
    assert lines[1:] == [
        f"Trace ID: {body['trace_id']}",
        f"Correlation ID: {body['correlation_id']}",
        f"Timestamp: {body['timestamp']}",
    ]


def test_correlation_id_is_the_clients(ask: Ask) -> None:
    """A client-request-id that is a GUID becomes the correlation id and is echoed; anything else is replaced."""
    mine = "0f8fad5b-d9cb-469f-a165-70867728950e"
    answer = ask(grant_type="x", headers={"client-request-id": mine})
    assert answer.json()["correlation_id"] == answer.headers["client-request-id"] == mine
    other = ask(grant_type="x", headers={"client-request-id": "no guid"})
    assert other.json()["correlation_id"] != "no guid"
    assert "client-request-id" not in other.headers
    assert other.headers["x-ms-request-id"] == other.json()["trace_id"]


def test_policy_refusal_tells_the_claims_to_ask_for(entra: Emulator, user_token: Ask) -> None:
    """The claims member of a policy's refusal is JSON text that names the unmet policies."""
    policy = entra.state.default_tenant.policies[0]
    body = user_token(PARTNER, OTTO).json()
    assert body["claims"] == f'{{"access_token":{{"capolids":{{"essential":true,"values":["{policy.id}"]}}}}}}'


def test_age_of_the_refresh_token_is_in_the_telemetry_header(entra: Emulator, user_token: Ask) -> None:
    """The fourth field of x-ms-clitelem is the age of the refresh token in milliseconds."""
    token = entra.sign_in(entra.state.settings.user)
    entra.clock.advance(100)
    age = float(user_token(refresh_token=token).headers["x-ms-clitelem"].split(",")[3])
    assert 100_000 <= age < 160_000


def test_token_of_another_client_is_refused(entra: Emulator, ask: Ask) -> None:
    """A refresh token works only for the client it was issued to."""
    token = entra.sign_in(OTTO)
    public = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
    body = ask(grant_type="refresh_token", refresh_token=token, client_id=public, client_secret=None).json()
    assert (body["error"], body["error_codes"]) == ("invalid_grant", [700007])


def test_doubled_parameter_is_refused(entra: Emulator, http: httpx.Client) -> None:
    """A parameter that is there twice makes the request unreadable (RFC 6749 section 3.2)."""
    answer = http.post(
        f"{entra.authority}/common/oauth2/v2.0/token",
        content="grant_type=a&grant_type=b",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.json()["error_codes"] == [9000411]


def test_json_body_has_no_parameters(entra: Emulator, http: httpx.Client) -> None:
    """A JSON body is answered as one without grant_type, as the real service does."""
    answer = http.post(f"{entra.authority}/common/oauth2/v2.0/token", json={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [900144])


def test_relationship_that_is_not_active_opens_nothing(entra: Emulator, user_token: Ask) -> None:
    """Only an active delegated admin relationship lets a partner's user in."""
    customer = entra.state.tenants[CUSTOMER]
    customer.relationships = [Relationship(entra.state.default_tenant.id, [OTTO], ["Global Reader"], status="expired")]
    assert user_token(GRAPH, OTTO, tenant=CUSTOMER).json()["error_codes"] == [50020]


def test_refusal_keeps_secrets_out(entra: Emulator, ask: Ask) -> None:
    """What a client sends as secret or refresh token is not repeated in an answer."""
    assert "hunter2" not in ask(**{**APP, "client_secret": "hunter2"}).text
    assert "hunter2" not in ask(grant_type="refresh_token", refresh_token="hunter2").text
