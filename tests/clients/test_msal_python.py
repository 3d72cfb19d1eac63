"""MSAL for Python, unchanged: what applications can do without a person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msal
import pytest
import requests
from tests.support.certificates import PASSWORD, Identity, identity
from tests.support.oidc_issuer import OidcIssuer

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Source
from entra_emulator.model import Certificate

GRAPH = ["https://graph.microsoft.com/.default"]
ARM = ["https://management.azure.com//user_impersonation"]
NADIA = "nadia@northwind-partner.example"
Make = Callable[..., Any]


@pytest.fixture
def confidential(entra: Emulator, authority: str) -> Make:
    """MSAL's confidential client of the default application."""
    app = entra.state.default_app

    def make(credential: Any = None, authority: str = authority, **options: Any) -> Any:
        proof = credential or app.secrets[0].value
        return msal.ConfidentialClientApplication(app.id, client_credential=proof, authority=authority, **options)

    return make


both_ways = pytest.mark.parametrize("authority", ["by name", "by URL"], indirect=True)


@pytest.fixture
def certificate(entra: Emulator) -> Identity:
    """A certificate that the default application has registered."""
    made = identity(1)
    entra.state.default_app.certificates = [Certificate(made.certificate_pem().decode())]
    return made


@both_ways
def test_secret(entra: Emulator, confidential: Make, authority: str) -> None:
    """A secret gives an application's token; the second comes from MSAL's cache, another tenant's does not."""
    client = confidential()
    first = client.acquire_token_for_client(GRAPH)
    assert first["token_source"] == "identity_provider"
    assert client.acquire_token_for_client(GRAPH)["access_token"] == first["access_token"]
    assert len(entra.token_requests) == 1
    customer = entra.state.default_customer
    assert customer
    elsewhere = confidential(authority=f"{authority.rpartition('/')[0]}/{customer.id}")
    assert elsewhere.acquire_token_for_client(GRAPH)["token_source"] == "identity_provider"


@both_ways
def test_a_certificate_in_every_form_msal_takes(confidential: Make, certificate: Identity, tmp_path: Path) -> None:
    """Key with SHA-1 thumbprint, key with its certificate (x5c), encrypted key, and a PFX file."""
    pfx = tmp_path / "app.pfx"
    pfx.write_bytes(certificate.pfx(PASSWORD))
    key, pem = certificate.key_pem().decode(), certificate.certificate_pem().decode()
    from cryptography.hazmat.primitives.hashes import SHA1

    sha1 = certificate.certificate.fingerprint(SHA1()).hex()  # noqa: S303 - what MSAL calls the thumbprint
    forms: list[dict[str, Any]] = [
        {"private_key": key, "thumbprint": sha1},
        {"private_key": key, "thumbprint": sha1, "public_certificate": pem},
        {"private_key": key, "public_certificate": pem},
        {"private_key": certificate.key_pem(PASSWORD).decode(), "thumbprint": sha1, "passphrase": PASSWORD},
        {"private_key_pfx_path": str(pfx), "passphrase": PASSWORD},
        {"private_key_pfx_path": str(pfx), "passphrase": PASSWORD, "public_certificate": True},
    ]
    for form in forms:
        answer = confidential(form).acquire_token_for_client(GRAPH)
        assert answer.get("access_token"), (sorted(form), answer)


def test_an_unknown_certificate(entra: Emulator, confidential: Make) -> None:
    """A certificate nobody registered is refused by 700027, and MSAL asks again next time, as for every 401."""
    made = identity(2)
    client = confidential(
        {"private_key": made.key_pem().decode(), "public_certificate": made.certificate_pem().decode()}
    )
    for _ in range(2):
        answer = client.acquire_token_for_client(GRAPH)
        assert (answer["error"], answer["error_codes"]) == ("invalid_client", [700027])
    assert len(entra.token_requests) == 2


@both_ways
def test_a_federated_assertion(confidential: Make, issuer: OidcIssuer) -> None:
    """Another issuer's token proves the application, given as text or by a function that MSAL calls each time."""
    with pytest.warns(DeprecationWarning, match="static string"):
        fixed = confidential({"client_assertion": issuer.token()})
    assert fixed.acquire_token_for_client(GRAPH)["access_token"]
    assert confidential({"client_assertion": issuer.token}).acquire_token_for_client(GRAPH)["access_token"]
    issuer.subject = "repo:other"
    refused = confidential({"client_assertion": issuer.token}).acquire_token_for_client(GRAPH)
    assert refused["error_codes"] == [700213]


@both_ways
def test_refresh_token(entra: Emulator, confidential: Make) -> None:
    """A refresh token is taken over with its account; MSAL then gets another API's token silently, and keeps it."""
    client = confidential()
    taken = client.acquire_token_by_refresh_token(entra.sign_in(NADIA), ["https://graph.microsoft.com/User.Read"])
    assert taken["id_token_claims"]["preferred_username"] == NADIA
    (account,) = client.get_accounts()
    assert account["home_account_id"] == f"{taken['id_token_claims']['oid']}.{entra.state.default_tenant.id}"
    assert client.acquire_token_silent(ARM, account)["token_source"] == "identity_provider"
    assert client.acquire_token_silent(ARM, account)["token_source"] == "cache"
    assert len(entra.token_requests) == 2


def test_capabilities_and_claims(entra: Emulator, confidential: Make) -> None:
    """With capability cp1 the token lives a day and says so; a claims challenge makes MSAL pass its cache by."""
    client = confidential(client_capabilities=["cp1"])
    first = client.acquire_token_for_client(GRAPH)
    assert first["expires_in"] == 86399
    challenge = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'
    second = client.acquire_token_for_client(GRAPH, claims_challenge=challenge)
    assert second["token_source"] == "identity_provider"
    assert len(entra.token_requests) == 2


def test_the_service_says_when_to_renew(entra: Emulator, confidential: Make) -> None:
    """refresh_in: MSAL notes when to renew the day-long token, and uses the cached one until then."""
    entra.state.default_app.refresh_in = True
    client = confidential(client_capabilities=["cp1"])
    assert client.acquire_token_for_client(GRAPH)["token_source"] == "identity_provider"
    assert client.acquire_token_for_client(GRAPH)["token_source"] == "cache"
    [kept] = client.token_cache.search(client.token_cache.CredentialType.ACCESS_TOKEN)
    assert int(kept["expires_on"]) - int(kept["refresh_on"]) == 86399 - 43199
    client.token_cache.modify(client.token_cache.CredentialType.ACCESS_TOKEN, kept, {"refresh_on": "1"})
    assert client.acquire_token_for_client(GRAPH)["token_source"] == "identity_provider"


@pytest.mark.parametrize("host", ["login.microsoftonline.us", "login.partner.microsoftonline.cn"])
def test_national_clouds(entra: Emulator, confidential: Make, host: str) -> None:
    """The sign-in hosts of the national clouds answer through the proxy, with MSAL's instance discovery switched on."""
    resource = {"login.microsoftonline.us": "https://graph.microsoft.us"}.get(
        host, "https://microsoftgraph.chinacloudapi.cn"
    )
    client = confidential(authority=f"https://{host}/{entra.state.default_tenant.id}")
    answer = client.acquire_token_for_client([f"{resource}/.default"])
    assert answer.get("access_token"), answer
    assert entra.token_requests[-1].host == host


def test_a_region(entra: Emulator, confidential: Make) -> None:
    """With azure_region MSAL asks the region's own host; told to forget its tokens, it asks there again."""
    client = confidential(azure_region="westeurope")
    assert client.acquire_token_for_client(GRAPH)["token_source"] == "identity_provider"
    assert entra.token_requests[-1].host == "westeurope.login.microsoft.com"
    client.remove_tokens_for_client()
    assert client.acquire_token_for_client(GRAPH)["token_source"] == "identity_provider"


@pytest.mark.parametrize("source", ["imds", "app_service", "azure_ml", "service_fabric"])
def test_a_managed_identity(entra: Emulator, monkeypatch: pytest.MonkeyPatch, source: Source) -> None:
    """MSAL's own ManagedIdentityClient, by the machine's environment; the second token is from its cache."""
    with entra.machine() as machine:
        for name, value in machine.environment(source).items():
            monkeypatch.setenv(name, value)
        with requests.Session() as session:
            client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=session)
            first = client.acquire_token_for_client(resource="https://management.azure.com")
            assert first.get("token_source") == "identity_provider", first
            again = client.acquire_token_for_client(resource="https://management.azure.com")
            assert again["token_source"] == "cache"


def test_a_wrong_secret(entra: Emulator, confidential: Make) -> None:
    """MSAL returns the refusal as it came, tries once, and asks again the next time."""
    client = confidential("wrong")
    for _ in range(2):
        answer = client.acquire_token_for_client(GRAPH)
        assert (answer["error"], answer["error_codes"]) == ("invalid_client", [7000215])
        assert answer["correlation_id"] in answer["error_description"]
    assert len(entra.token_requests) == 2


def test_a_400_is_remembered(entra: Emulator, confidential: Make) -> None:
    """MSAL keeps a refusal with status 400 for a minute: the second try does not reach the network."""
    client = confidential()
    for _ in range(2):
        answer = client.acquire_token_for_client(["https://nowhere.example/.default"])
        assert (answer["error"], answer["error_codes"]) == ("invalid_resource", [500011])
    assert len(entra.token_requests) == 1


def test_an_unknown_tenant(entra: Emulator, confidential: Make) -> None:
    """MSAL finds out at discovery, raises ValueError, and never asks for a token."""
    with pytest.raises(ValueError, match="Unable to get authority configuration") as raised:
        confidential(authority="https://login.microsoftonline.com/nowhere.example")
    assert "AADSTS90002" in str(raised.value.__context__)
    assert not entra.token_requests


def test_an_unknown_host(confidential: Make) -> None:
    """Instance discovery does not know a host that is not Microsoft's, and MSAL says so."""
    with pytest.raises(ValueError, match="invalid_instance"):
        confidential(authority="https://login.example.com/common").acquire_token_for_client(GRAPH)


def test_a_revoked_sign_in(entra: Emulator, confidential: Make) -> None:
    """When the user's sessions are revoked MSAL hands 50173 on, and its silent call then has nothing to offer."""
    client = confidential()
    client.acquire_token_by_refresh_token(entra.sign_in(NADIA), ["https://graph.microsoft.com/User.Read"])
    (account,) = client.get_accounts()
    found = entra.state.user(NADIA)
    assert found
    found[1].tokens_valid_from = entra.clock.now() + 1
    refused = client.acquire_token_silent_with_error(ARM, account)
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [50173])
    assert client.acquire_token_silent(ARM, account) is None
