"""Entra External ID: the sign-in host of one tenant, by name and at a custom domain."""

from __future__ import annotations

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from entra_emulator import Emulator
from entra_emulator.checks import ConfigError
from entra_emulator.config import load

TENANT = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e01"
NAME = "northwindpartner.onmicrosoft.com"
HOST = "https://northwindpartner.ciamlogin.com"
ISSUER = f"https://{TENANT}.ciamlogin.com/{TENANT}/v2.0"
OTTO = "otto@northwind-partner.example"


@pytest.fixture(params=[HOST, f"https://{TENANT}.ciamlogin.com", "https://login.northwind.test"])
def host(request: pytest.FixtureRequest, entra: Emulator) -> str:
    """A host of the tenant: by its name, by its id, or its own."""
    entra.state.default_tenant.custom_domains.append("login.northwind.test")
    return str(request.param)


def test_the_document_of_the_tenant(proxied: httpx.Client, host: str) -> None:
    document = proxied.get(f"{host}/{NAME}/v2.0/.well-known/openid-configuration").json()
    assert document["issuer"] == ISSUER
    assert document["token_endpoint"] == f"{host}/{TENANT}/oauth2/v2.0/token"
    assert document["authorization_endpoint"] == f"{host}/{TENANT}/oauth2/v2.0/authorize"
    assert document["jwks_uri"] == f"{host}/{TENANT}/discovery/v2.0/keys"
    assert all(key["issuer"].startswith("https://") for key in proxied.get(document["jwks_uri"]).json()["keys"])


def test_tokens_name_the_tenants_own_issuer(proxied: httpx.Client, entra: Emulator, host: str) -> None:
    app = entra.state.default_app
    form = {
        "client_id": app.id,
        "client_secret": app.secrets[0].value,
        "grant_type": "client_credentials",
        "scope": "api://northwind-orders/.default",
    }
    body = proxied.post(f"{host}/{NAME}/oauth2/v2.0/token", data=form).json()
    keys = KeySet.import_key_set(proxied.get(f"{host}/{NAME}/discovery/v2.0/keys").json())
    claims = jwt.decode(body["access_token"], keys).claims
    assert (claims["iss"], claims["tid"], claims["ver"]) == (ISSUER, TENANT, "2.0")


def test_a_device_code_is_entered_at_the_tenants_host(proxied: httpx.Client, entra: Emulator, host: str) -> None:
    form = {"client_id": entra.state.default_app.id, "scope": "openid"}
    body = proxied.post(f"{host}/{NAME}/oauth2/v2.0/devicecode", data=form).json()
    assert body["verification_uri"].startswith(f"{host}/")
    assert proxied.get(body["verification_uri"]).status_code == 200


@pytest.mark.parametrize(
    "tenant", ["common", "organizations", "consumers", "tailwindbakery.onmicrosoft.com", "none.test"]
)
def test_other_tenants_do_not_exist_there(proxied: httpx.Client, host: str, tenant: str) -> None:
    answer = proxied.get(f"{host}/{tenant}/v2.0/.well-known/openid-configuration")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


def test_the_host_has_no_instance_discovery(proxied: httpx.Client, host: str) -> None:
    query = {"authorization_endpoint": f"{host}/{NAME}/oauth2/v2.0/authorize", "api-version": "1.1"}
    assert proxied.get(f"{host}/common/discovery/instance", params=query).status_code == 404


def test_passwords_are_not_accepted_there(proxied: httpx.Client) -> None:
    form = {"client_id": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02", "username": OTTO, "password": "emulator"}
    form |= {"grant_type": "password", "scope": "openid"}
    answer = proxied.post(f"{HOST}/{NAME}/oauth2/v2.0/token", data=form)
    assert answer.json()["error_codes"] == [70003]
    assert proxied.post(f"https://login.microsoftonline.com/{NAME}/oauth2/v2.0/token", data=form).status_code == 200


def test_a_custom_domain_that_nobody_configured_is_not_served(proxied: httpx.Client) -> None:
    answer = proxied.get(f"https://login.other.test/{NAME}/v2.0/.well-known/openid-configuration")
    assert answer.status_code == 421


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"custom_domains": ["login.contoso.com"]}, "custom domain 'login.contoso.com' is not below .test"),
        ({"custom_domains": ["Login.contoso.test"]}, "in lower case"),
        ({"user_flows": [{"name": "susi"}]}, "a name begins with B2C_1_"),
        ({"user_flows": [{"name": "B2C_1_x", "kind": "edit"}]}, "kind is 'edit', expected one of sign_in"),
        ({"user_flows": [{"name": "B2C_1_x", "claims": ["upn"]}]}, "claim is 'upn'"),
        ({"user_flows": [{"name": "B2C_1_x", "policy_claim": "policy"}]}, "policy_claim is 'policy'"),
        ({"user_flows": [{"name": "B2C_1_x"}, {"name": "b2c_1_X"}]}, "two user flows have the same name"),
    ],
)
def test_settings_that_cannot_be(change: dict[str, object], wrong: str) -> None:
    with pytest.raises(ConfigError, match=wrong):
        load({"tenants": [{"id": TENANT, "name": "N", **change}]})


def test_user_flows_and_domains_survive_a_save(entra: Emulator) -> None:
    entra.state.default_tenant.custom_domains.append("login.northwind.test")
    again = Emulator(entra.snapshot()).state.default_tenant
    assert again.custom_domains == ["login.northwind.test"]
    assert again.user_flows == entra.state.default_tenant.user_flows
