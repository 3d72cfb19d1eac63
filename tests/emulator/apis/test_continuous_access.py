"""Continuous access evaluation: APIs challenge tokens after a revocation, and clients that can answer go on."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from azure.core import PipelineClient
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest
from azure.identity import ClientSecretCredential
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.resource.resources import ResourceManagementClient

from entra_emulator import Emulator

Get = Callable[..., httpx.Response]
NADIA = "nadia@northwind-partner.example"
SUBSCRIPTION = "e1f2a3b4-c5d6-4e7f-8a9b-0c1d2e3f4a01"
ORGANIZATION = "https://graph.microsoft.com/v1.0/organization"
CP1 = json.dumps({"access_token": {"xms_cc": {"values": ["CP1"]}}})


def challenge(answer: httpx.Response) -> dict[str, Any]:
    """The claims of a challenge, decoded."""
    found = re.search(r'claims="([^"]+)"', answer.headers["www-authenticate"])
    assert found
    return dict(json.loads(base64.b64decode(found[1])))


def arm(entra: Emulator, http: httpx.Client, token: str) -> httpx.Response:
    url = f"{entra.api('arm')}/subscriptions/{SUBSCRIPTION}?api-version=2022-12-01"
    return http.get(url, headers={"Authorization": f"Bearer {token}"})


def test_resource_manager_challenges_as_recorded(entra: Emulator, http: httpx.Client, user_token: Get) -> None:
    """401 with error invalid_token and the time from which tokens are good again, as text."""
    token = user_token("https://management.azure.com/.default", claims=CP1).json()["access_token"]
    assert arm(entra, http, token).status_code == 200
    entra.revoke(NADIA)
    answer = arm(entra, http, token)
    assert answer.status_code == 401
    assert answer.json() == {"error": {"code": "AuthenticationFailed", "message": "Authentication failed."}}
    header = answer.headers["www-authenticate"]
    assert 'error="invalid_token", error_description="User session has been revoked", claims="' in header
    user = entra.find_user(NADIA)[1]
    assert challenge(answer) == {
        "access_token": {"nbf": {"essential": True, "value": str(int(user.tokens_valid_from))}}
    }


def test_graph_challenges_in_its_own_form(entra: Emulator, http: httpx.Client, user_token: Get) -> None:
    """Graph says insufficient_claims; a token of a new sign-in is taken."""
    headers = {"Authorization": f"Bearer {user_token(claims=CP1).json()['access_token']}"}
    entra.revoke(NADIA)
    answer = http.get(f"{entra.api('graph')}/me", headers=headers)
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert 'error="insufficient_claims"' in answer.headers["www-authenticate"]
    assert "TokenIssuedBeforeRevocationTimestamp" in answer.headers["www-authenticate"]
    fresh = {"Authorization": f"Bearer {user_token(claims=CP1).json()['access_token']}"}
    assert http.get(f"{entra.api('graph')}/me", headers=fresh).status_code == 200


def test_a_token_of_a_client_without_cp1_stays_valid(entra: Emulator, http: httpx.Client, user_token: Get) -> None:
    """Without cp1 a token is good until it expires, revoked or not."""
    headers = {"Authorization": f"Bearer {user_token().json()['access_token']}"}
    entra.revoke(NADIA)
    assert http.get(f"{entra.api('graph')}/me", headers=headers).status_code == 200


@pytest.mark.parametrize("letters", ["cp1", "CP1"])
def test_capable_clients_get_a_day(user_token: Get, letters: str) -> None:
    """cp1 in either letter case gives a token for a day."""
    claims = json.dumps({"access_token": {"xms_cc": {"values": [letters]}}})
    assert user_token(claims=claims).json()["expires_in"] == 86_399


def test_disabled_user_is_challenged(entra: Emulator, http: httpx.Client, user_token: Get) -> None:
    """Disabling an account ends its capable tokens at once."""
    headers = {"Authorization": f"Bearer {user_token(claims=CP1).json()['access_token']}"}
    entra.find_user(NADIA)[1].enabled = False
    assert http.get(f"{entra.api('graph')}/me", headers=headers).status_code == 401


def test_authentication_context(entra: Emulator, http: httpx.Client, user_token: Get) -> None:
    """A subscription that wants a context asks for it; a token that has met it opens."""
    entra.state.default_tenant.subscriptions[0].context = "c1"
    entra.add_policy("mfa", contexts=["c1"])
    scope = "https://management.azure.com/.default"
    answer = arm(entra, http, user_token(scope).json()["access_token"])
    assert answer.status_code == 401
    assert 'error="insufficient_claims"' in answer.headers["www-authenticate"]
    demand = challenge(answer)
    assert demand == {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
    stepped_up = user_token(scope, claims=json.dumps(demand)).json()["access_token"]
    assert arm(entra, http, stepped_up).status_code == 200


def test_changes_in_azure_require_multi_factor_authentication(
    entra: Emulator, http: httpx.Client, user_token: Get
) -> None:
    """Users who read, and applications, need none. A sign-in without a second factor does not get the token either."""
    tenant = entra.state.default_tenant
    tenant.azure_mfa = True
    tenant.subscriptions[0].contributors.append(NADIA)
    scope, group = "https://management.azure.com/.default", "/resourcegroups/new"

    def put(token: str) -> httpx.Response:
        url = f"{entra.api('arm')}/subscriptions/{tenant.subscriptions[0].id}{group}?api-version=2022-12-01"
        return http.put(url, json={"location": "westeurope"}, headers={"Authorization": f"Bearer {token}"})

    plain = user_token(scope, mfa=False).json()["access_token"]
    assert arm(entra, http, plain).status_code == 200
    answer = put(plain)
    demand = challenge(answer)
    assert (answer.status_code, demand["access_token"]["acrs"]["value"]) == (401, "p1")
    refused = user_token(scope, mfa=False, claims=json.dumps(demand)).json()
    assert (refused["error"], json.loads(refused["claims"])) == ("invalid_grant", demand)
    assert put(user_token(scope, claims=json.dumps(demand)).json()["access_token"]).status_code == 201


@pytest.fixture
def credential(entra: Emulator, entra_environment: dict[str, str]) -> Iterator[ClientSecretCredential]:
    """azure-identity as the default application."""
    app, tenant = entra.state.default_app, entra.state.default_tenant
    with ClientSecretCredential(tenant.id, app.id, app.secrets[0].value) as made:
        yield made


def test_azure_core_answers_the_challenge(entra: Emulator, credential: ClientSecretCredential) -> None:
    """azure-core gets another token for a challenge with insufficient_claims, unseen by the program."""
    policy = BearerTokenCredentialPolicy(credential, "https://graph.microsoft.com/.default", enable_cae=True)
    client: PipelineClient[Any, Any] = PipelineClient("https://graph.microsoft.com", policies=[policy])
    with client:
        for _ in range(2):
            assert client.send_request(HttpRequest("GET", ORGANIZATION)).status_code == 200
            entra.revoke_app()
    assert [one.status for one in entra.requests if one.service == "graph"] == [200, 401, 200]
    assert "claims" in entra.token_requests[-1].form


def test_azure_management_client_does_not_answer_the_challenge(
    entra: Emulator, credential: ClientSecretCredential
) -> None:
    """Resource Manager's challenge says invalid_token, as recorded, and azure-core lets the program have that one."""
    scope = "https://management.azure.com/.default"
    policy = ARMChallengeAuthenticationPolicy(credential, scope, enable_cae=True)
    with ResourceManagementClient(credential, SUBSCRIPTION, authentication_policy=policy) as client:
        assert [group.name for group in client.resource_groups.list()] == ["rg-web", "rg-data"]
        entra.revoke_app()
        with pytest.raises(ClientAuthenticationError, match="AuthenticationFailed"):
            list(client.resource_groups.list())


def test_disabled_application_gets_no_other_token(entra: Emulator, credential: ClientSecretCredential) -> None:
    """Where the application is disabled the challenge is in vain, and the program sees the refusal."""
    policy = BearerTokenCredentialPolicy(credential, "https://graph.microsoft.com/.default", enable_cae=True)
    client: PipelineClient[Any, Any] = PipelineClient("https://graph.microsoft.com", policies=[policy])
    with client:
        client.send_request(HttpRequest("GET", ORGANIZATION)).raise_for_status()
        entra.state.default_app.enabled = False
        with pytest.raises(ClientAuthenticationError, match="AADSTS7000112"):
            client.send_request(HttpRequest("GET", ORGANIZATION))
