"""Every recorded body of the token endpoint is read into the right token or exception."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.token_service import CLIENT_ID, TENANT

from mstoken import errors
from mstoken.authority import Authority
from mstoken.credentials import ClientSecret
from mstoken.model import TokenRequest
from mstoken.protocol.challenge import challenged_claims
from mstoken.protocol.http import HttpResponse
from mstoken.protocol.token_endpoint import parse_token_response

WIRE: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("wire.json").read_text(encoding="utf-8"))
QUESTION = TokenRequest(
    Authority.of("login.microsoftonline.com", TENANT),
    CLIENT_ID,
    ClientSecret("not-a-secret"),
    ("https://graph.microsoft.com/.default",),
)
NOW = 1_800_000_000.0

REFUSALS: dict[str, tuple[type[errors.MstokenError], int]] = {
    "cc_token_error_invalid_client": (errors.CredentialRejected, 7000215),
    "cc_token_error_unknown_client": (errors.Misconfigured, 700038),
    "cc_token_error_unsupported_grant_type": (errors.Misconfigured, 70003),
    "error_1002012_cc_scope_not_default": (errors.Misconfigured, 1002012),
    "error_50034_unknown_user": (errors.AccessBlocked, 50034),
    "error_50049_invalid_instance": (errors.Misconfigured, 50049),
    "error_50053_locked_2019": (errors.AccessBlocked, 50053),
    "error_50055_password_expired_2019": (errors.SignInRequired, 50055),
    "error_50055_password_expired_invalid_grant": (errors.SignInRequired, 50055),
    "error_50057_user_disabled": (errors.AccessBlocked, 50057),
    "error_50076_mfa_required_ropc": (errors.SignInRequired, 50076),
    "error_50079_mfa_enroll_claims": (errors.SignInRequired, 50079),
    "error_50126_bad_password": (errors.SignInRequired, 50126),
    "error_50173_grant_revoked": (errors.SignInRequired, 50173),
    "error_65001_consent_required": (errors.ConsentRequired, 65001),
    "error_70000_code_expired": (errors.SignInRequired, 70000),
    "error_7000112_app_disabled": (errors.AccessBlocked, 7000112),
    "error_700016_app_not_found": (errors.Misconfigured, 700016),
    "error_7000215_invalid_secret_2023": (errors.CredentialRejected, 7000215),
    "error_7000218_missing_client_secret": (errors.CredentialRejected, 7000218),
    "error_7000222_secret_expired": (errors.CredentialRejected, 7000222),
    "error_700024_assertion_time": (errors.CredentialRejected, 700024),
    "error_700027_cert_key_not_found": (errors.CredentialRejected, 700027),
    "error_700082_rt_inactive": (errors.SignInRequired, 700082),
    "error_700084_spa_rt_expired": (errors.SignInRequired, 700084),
    "error_70011_invalid_scope": (errors.Misconfigured, 70011),
    "error_70016_authorization_pending": (errors.AuthorizationPending, 70016),
    "error_70016_authorization_pending_2021": (errors.AuthorizationPending, 70016),
    "error_70020_device_code_expired": (errors.SignInRequired, 70020),
    "error_700211_fic_issuer": (errors.CredentialRejected, 700211),
    "error_700212_fic_audience": (errors.CredentialRejected, 700212),
    "error_70021_fic_no_match_2022": (errors.CredentialRejected, 70021),
    "error_900023_bad_tenant_identifier": (errors.Misconfigured, 900023),
    "error_90002_tenant_not_found_discovery": (errors.Misconfigured, 90002),
    "error_900144_missing_grant_type": (errors.Misconfigured, 900144),
    "error_9002313_malformed": (errors.SignInRequired, 9002313),
    "error_9002326_cross_origin": (errors.Misconfigured, 9002326),
    "msi_error_imds_500011": (errors.Misconfigured, 500011),
}
TOKENS = {
    "cc_token_client_credentials",
    "token_authorization_code_public",
    "token_client_credentials_cert",
    "token_client_credentials_federated",
    "token_client_credentials_secret",
    "token_device_code",
    "token_password_foci_cae",
    "token_password_ropc",
}


def answer(name: str) -> HttpResponse:
    case = WIRE[name]
    body = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
    return HttpResponse(case["status"], {k.lower(): v for k, v in case["headers"].items()}, body.encode())


def refused(name: str) -> errors.MstokenError:
    with pytest.raises(errors.MstokenError) as caught:
        parse_token_response(answer(name), QUESTION, NOW, 0.5)
    return caught.value


def test_every_recorded_case_is_tested() -> None:
    """Every body in wire.json is claimed by a test here."""
    assert set(WIRE) == set(REFUSALS) | TOKENS | {"error_429_too_many_requests", "cae_claims_challenge_arm_401"}


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_a_refusal_becomes_the_exception_of_its_kind(name: str) -> None:
    """The AADSTS code decides the class; code, ids and a remedy are there."""
    kind, code = REFUSALS[name]
    error = refused(name)
    assert type(error) is kind
    assert isinstance(error, errors.TokenRefused)
    assert error.codes[0] == code
    assert error.trace_id
    assert error.correlation_id
    assert str(code) in error.message
    assert error.remedy
    assert "{" not in error.remedy
    assert not set("\r\n") & set(error.message)


@pytest.mark.parametrize("name", sorted(TOKENS))
def test_a_success_becomes_a_token(name: str) -> None:
    """The recorded successes give a Bearer token whose life is counted from now."""
    case = WIRE[name]["body"]
    if isinstance(case["expires_in"], str):  # a placeholder in the capture
        case = case | {"expires_in": 3599}
    case = case | {"access_token": "header.payload.signature"}
    found = parse_token_response(HttpResponse(200, {}, json.dumps(case).encode()), QUESTION, NOW, 0.5)
    assert found.token.token == "header.payload.signature"
    assert found.token.token_type == "Bearer"
    assert found.token.expires_on == NOW + case["expires_in"]
    assert found.token.scope == case.get("scope", "")
    assert found.refresh_token == case.get("refresh_token", "")


def test_a_429_has_its_retry_after() -> None:
    """A plain-text 429 is Throttled, with the seconds of its Retry-After."""
    error = refused("error_429_too_many_requests")
    assert isinstance(error, errors.Throttled)
    assert error.retry_in == 60


def test_a_claims_challenge_of_the_token_endpoint_is_kept() -> None:
    """The claims that a refused request must be repeated with reach the caller as JSON text."""
    error = refused("error_50079_mfa_enroll_claims")
    assert isinstance(error, errors.SignInRequired)
    assert "polids" in json.loads(error.claims)["access_token"]


def test_the_remedy_of_a_challenge_is_a_sign_in_with_its_claims() -> None:
    """The one command that resolves it carries the claims, in a form a shell leaves alone."""
    error = refused("error_50079_mfa_enroll_claims")
    assert isinstance(error, errors.SignInRequired)
    encoded = error.remedy.partition(" --claims ")[2].partition("`")[0]
    assert json.loads(base64.urlsafe_b64decode(encoded)) == json.loads(error.claims)


def test_a_claims_challenge_of_a_resource_is_decoded() -> None:
    """ARM's 401 after a revoked session gives the claims to ask the next token with."""
    header = answer("cae_claims_challenge_arm_401").headers["www-authenticate"]
    assert json.loads(challenged_claims(header)) == {
        "access_token": {"nbf": {"essential": True, "value": "1611165359"}}
    }


@pytest.mark.parametrize("separator", [" ", "\r\n"])
def test_an_unknown_code_shows_the_services_own_description(separator: str) -> None:
    """What nobody explained is told as the service says it, once, without the lines for its support."""
    description = separator.join(["AADSTS99999999: The moon is full.", "Trace ID: 1-a", "Correlation ID: 2-b"])
    body = json.dumps({"error": "invalid_grant", "error_description": description, "error_codes": [99999999]})
    with pytest.raises(errors.SignInRequired) as raised:
        parse_token_response(HttpResponse(400, {}, body.encode()), QUESTION, NOW, 0.5)
    assert raised.value.message == "AADSTS99999999: The moon is full. (trace id 1-a, correlation id 2-b)"
    assert "error?code=99999999" in raised.value.remedy
