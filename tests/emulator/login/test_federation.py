"""Federated identity credentials: tokens of other issuers that prove an application."""

import os
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientAssertionCredential
from joserfc.jwk import RSAKey
from tests.support.certificates import rsa_key
from tests.support.oidc_issuer import SUBJECT, OidcIssuer

from entra_emulator import Emulator
from entra_emulator.model import FederatedCredential

Ask = Callable[..., httpx.Response]
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRAPH = "https://graph.microsoft.com/.default"


@pytest.fixture
def prove(ask: Ask) -> Ask:
    """Client credentials with an assertion."""

    def post(assertion: str, scope: str = GRAPH, **form: str | None) -> httpx.Response:
        proof = {"client_secret": None, "client_assertion_type": TYPE, "client_assertion": assertion}
        return ask(grant_type="client_credentials", scope=scope, **{**proof, **form})

    return post


def code(answer: httpx.Response) -> int:
    found: int = answer.json()["error_codes"][0]
    return found


def test_a_trusted_issuers_token_authenticates_the_application(issuer: OidcIssuer, prove: Ask) -> None:
    """Issuer, subject and audience fit, and the issuer publishes the key that signed."""
    assert prove(issuer.token()).status_code == 200
    assert prove(issuer.token(aud=["other", "api://AzureADTokenExchange"])).status_code == 200


def test_each_mismatch_has_its_own_code(issuer: OidcIssuer, prove: Ask) -> None:
    """Issuer, audience and subject are compared letter by letter, and the refusal repeats what came."""
    for changed, expected in (
        ({"iss": f"{issuer.url}/"}, 700211),
        ({"aud": "api://other"}, 700212),
        ({"sub": SUBJECT.lower()}, 700213),
    ):
        answer = prove(issuer.token(**changed))
        assert code(answer) == expected
        assert next(iter(changed.values())) in answer.json()["error_description"]
        assert "error_uri" not in answer.json()


def test_an_expired_token_is_refused(issuer: OidcIssuer, prove: Ask) -> None:
    """A job that ran longer than its token lives meets 700024."""
    issuer.made_in, issuer.life_in = -3600, 300
    assert code(prove(issuer.token())) == 700024


@pytest.mark.parametrize("life_in", [25 * 3600 + 1, 27 * 3600, 365 * 24 * 3600])
def test_a_token_that_lives_too_long_is_refused(issuer: OidcIssuer, prove: Ask, life_in: int) -> None:
    """70023 with Entra's status and error name, and both times: a Kubernetes secret's token lives a year."""
    issuer.life_in = life_in
    answer = prove(issuer.token())
    assert (answer.status_code, answer.json()["error"], code(answer)) == (400, "invalid_request", 70023)
    assert "less than or equal to 1.01:00:00" in answer.json()["error_description"]
    assert "error_uri" in answer.json()


@pytest.mark.parametrize("life_in", [300, 24 * 3600, 25 * 3600])
def test_a_token_of_a_day_and_one_hour_is_accepted(issuer: OidcIssuer, prove: Ask, life_in: int) -> None:
    """The longest life that Entra accepts, from iat to exp; nbf counts where iat is missing."""
    issuer.life_in = life_in
    assert prove(issuer.token()).status_code == 200
    assert prove(issuer.token(iat=None)).status_code == 200


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"aud": None}, 700212),
        ({"sub": None}, 700213),
        ({"exp": None}, 50027),
        ({"nbf": None, "iat": None}, 50027),
        ({"nbf": 4_000_000_000, "exp": 4_000_000_300}, 700024),
    ],
)
def test_a_missing_claim_and_a_future_token_have_their_codes(
    issuer: OidcIssuer, prove: Ask, changed: dict[str, Any], expected: int
) -> None:
    """What a token lacks fits nothing; its time can be checked only where it is there."""
    assert code(prove(issuer.token(**changed))) == expected


def test_another_key_is_refused(issuer: OidcIssuer, prove: Ask) -> None:
    """A key the issuer does not publish proves nothing, whether it bears the name of one or not."""
    published = issuer.key
    for kid in ("nobody", "issuer-key-1"):
        issuer.key = RSAKey.import_key(rsa_key(8), {"kid": kid})
        forged = issuer.token()
        issuer.key = published
        assert code(prove(forged)) == 7000272


def test_an_unreachable_issuer_is_reported(issuer: OidcIssuer, prove: Ask) -> None:
    """501661: Entra could not read what the issuer publishes."""
    token = issuer.token()
    issuer.close()
    assert code(prove(token)) == 501661


def test_keys_are_fetched_from_https_or_loopback_only(entra: Emulator, issuer: OidcIssuer, prove: Ask) -> None:
    """An issuer in clear on another machine is not asked for keys."""
    url = "http://oidc.example"
    entra.state.default_app.federated = [FederatedCredential(url, SUBJECT)]
    assert code(prove(issuer.token(iss=url))) == 501661


def test_unregistered_issuers_receive_no_request(entra: Emulator, issuer: OidcIssuer, prove: Ask) -> None:
    """A token cannot make the service call an address of its choice."""
    entra.state.default_app.federated = []
    assert code(prove(issuer.token())) == 700211
    assert issuer.requests == []


def test_entras_own_token_is_refused_across_tenants(entra: Emulator, prove: Ask, ask: Ask) -> None:
    """An application's ordinary token is no federated assertion (700222); one for a federated identity is."""
    app, tenant = entra.state.default_app, entra.state.default_tenant
    own = f"{entra.authority}/{tenant.id}/v2.0"
    principal = tenant.principal(app.id)
    assert principal
    scope = "api://AzureADTokenExchange/.default"
    app.federated = [FederatedCredential(own, principal.id)]
    token = ask(grant_type="client_credentials", scope=scope).json()["access_token"]
    assert code(prove(token)) == 700222
    entra.clock.advance(7200)
    assert code(prove(token)) in (700222, 700024)


def test_a_forged_token_of_entras_is_refused(entra: Emulator, issuer: OidcIssuer, prove: Ask) -> None:
    """Somebody else's key does not sign for this emulator's tenant."""
    tenant = entra.state.default_tenant
    own = f"{entra.authority}/{tenant.id}/v2.0"
    entra.state.default_app.federated = [FederatedCredential(own, SUBJECT)]
    assert code(prove(issuer.token(iss=own))) == 7000272


def test_azure_identitys_assertion_credential(
    entra: Emulator, issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """azure-identity's ClientAssertionCredential works against the emulator, and is refused where it should be."""
    for name, value in entra.environment().items():
        monkeypatch.setenv(name, value)
    tenant, client_id = os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"]
    with ClientAssertionCredential(tenant, client_id, issuer.token) as credential:
        assert credential.get_token(GRAPH).token
    with (
        ClientAssertionCredential(tenant, client_id, lambda: issuer.token(sub="other")) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS700213"),
    ):
        credential.get_token(GRAPH)
