"""azure-identity, unchanged, in blocking code: what applications and workloads do without a person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AzurePipelinesCredential,
    CertificateCredential,
    ChainedTokenCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from tests.support.certificates import PASSWORD, identity
from tests.support.oidc_issuer import OidcIssuer

from entra_emulator import Emulator
from entra_emulator.model import Certificate, FederatedCredential

GRAPH = "https://graph.microsoft.com/.default"
both_ways = pytest.mark.parametrize("host", ["login.microsoftonline.com", "by URL"], indirect=True)
Ids = tuple[str, str]


@pytest.fixture
def host(entra: Emulator, request: pytest.FixtureRequest) -> str:
    """What `authority=` is given: a name of Microsoft's, reached through the proxy, or the emulator's URL."""
    wanted = getattr(request, "param", "login.microsoftonline.com")
    return entra.authority if wanted == "by URL" else wanted


@pytest.fixture
def ids(entra: Emulator) -> Ids:
    """Tenant and application."""
    return entra.state.default_tenant.id, entra.state.default_app.id


def app_secret(entra: Emulator) -> str:
    return entra.state.default_app.secrets[0].value


@both_ways
def test_secret(entra: Emulator, ids: Ids, host: str) -> None:
    """One token request for two calls: the second token is the first from the cache."""
    with ClientSecretCredential(*ids, app_secret(entra), authority=host) as credential:
        token = credential.get_token(GRAPH)
        assert credential.get_token(GRAPH).token == token.token
        info = credential.get_token_info(GRAPH)
        assert (info.token, info.token_type) == (token.token, "Bearer")
    assert len(entra.token_requests) == 1


@both_ways
def test_another_tenant(entra: Emulator, ids: Ids, host: str) -> None:
    """A multi-tenant application asks in its customer's tenant by tenant_id, where it is allowed to."""
    customer = entra.state.default_customer
    assert customer
    secret = app_secret(entra)
    with ClientSecretCredential(*ids, secret, authority=host, additionally_allowed_tenants=["*"]) as credential:
        assert credential.get_token(GRAPH, tenant_id=customer.id).token
    assert entra.token_requests[-1].tenant == customer.id


@both_ways
def test_certificate(entra: Emulator, ids: Ids, host: str, tmp_path: Path) -> None:
    """A certificate from a PEM or PFX file, with and without its chain in the assertion."""
    made = identity(1)
    entra.state.default_app.certificates = [Certificate(made.certificate_pem().decode())]
    pem, pfx = tmp_path / "app.pem", tmp_path / "app.pfx"
    pem.write_bytes(made.pem())
    pfx.write_bytes(made.pfx(PASSWORD))
    for path, options in ((pem, {}), (pem, {"send_certificate_chain": True}), (pfx, {"password": PASSWORD})):
        with CertificateCredential(*ids, str(path), authority=host, **options) as credential:
            assert credential.get_token(GRAPH).token


@both_ways
def test_federated_assertion(entra: Emulator, ids: Ids, host: str, issuer: OidcIssuer) -> None:
    """A function gives another issuer's token, which proves the application."""
    with ClientAssertionCredential(*ids, issuer.token, authority=host) as credential:
        assert credential.get_token(GRAPH).token
    issuer.subject = "repo:other"
    with (
        ClientAssertionCredential(*ids, issuer.token, authority=host) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS700213"),
    ):
        credential.get_token(GRAPH)


def test_workload_identity(
    entra: Emulator, ids: Ids, issuer: OidcIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pod's token file proves the application, named by the environment that Azure's webhook sets."""
    path = tmp_path / "token"
    path.write_text(issuer.token())
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(path))
    with WorkloadIdentityCredential() as credential:
        assert credential.get_token(GRAPH).token


def test_azure_pipelines(entra: Emulator, ids: Ids, issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's service connection: the credential asks the pipeline for a token, which proves the application."""
    connection = "connection-1"
    entra.state.default_app.federated = [FederatedCredential(issuer.url, f"sc://org/project/{connection}")]
    job = issuer.pipelines()
    monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", job["SYSTEM_OIDCREQUESTURI"])
    with AzurePipelinesCredential(
        tenant_id=ids[0],
        client_id=ids[1],
        service_connection_id=connection,
        system_access_token=job["SYSTEM_ACCESSTOKEN"],
    ) as credential:
        assert credential.get_token(GRAPH).token


def test_environment_with_a_certificate(entra: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """EnvironmentCredential takes a certificate where there is no secret; a chain passes by one that finds nothing."""
    made = identity(1)
    entra.state.default_app.certificates = [Certificate(made.certificate_pem().decode())]
    (tmp_path / "app.pem").write_bytes(made.pem())
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    nothing = EnvironmentCredential()
    monkeypatch.setenv("AZURE_CLIENT_CERTIFICATE_PATH", str(tmp_path / "app.pem"))
    with ChainedTokenCredential(nothing, EnvironmentCredential()) as chain:
        assert chain.get_token(GRAPH).token


def test_environment(entra: Emulator) -> None:
    """EnvironmentCredential and DefaultAzureCredential find authority, tenant, client and secret in the environment."""
    for credential in (EnvironmentCredential(), DefaultAzureCredential()):
        with credential:
            assert credential.get_token(GRAPH).token
    assert {one.host for one in entra.token_requests} == {entra.authority.removeprefix("https://")}


@pytest.mark.parametrize(
    ("host", "resource"),
    [
        ("login.microsoftonline.us", "https://graph.microsoft.us"),
        ("login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
    ],
    indirect=["host"],
)
def test_national_clouds(entra: Emulator, ids: Ids, host: str, resource: str) -> None:
    """AzureAuthorityHosts' government and China, through the proxy, with instance discovery on."""
    with ClientSecretCredential(*ids, app_secret(entra), authority=host) as credential:
        assert credential.get_token(f"{resource}/.default").token
    assert entra.token_requests[-1].host == host


def _refused(entra: Emulator, make: Callable[[], Any], times: int = 2, scope: str = GRAPH) -> list[str]:
    """What `times` calls of one credential raise."""
    said = []
    with make() as credential:
        for _ in range(times):
            with pytest.raises(ClientAuthenticationError) as raised:
                credential.get_token(scope)
            said.append(raised.value.message)
    return said


def test_a_wrong_secret(entra: Emulator, ids: Ids) -> None:
    """ClientAuthenticationError with Entra's words; no retry, and asked again at the next call (a 401)."""
    for message in _refused(entra, lambda: ClientSecretCredential(*ids, "wrong")):
        assert "AADSTS7000215" in message
    assert [one.aadsts for one in entra.token_requests] == [7000215, 7000215]


def test_a_400_is_remembered(entra: Emulator, ids: Ids) -> None:
    """MSAL underneath keeps a 400 for a minute: the second call raises the same without asking."""
    said = _refused(
        entra, lambda: ClientSecretCredential(*ids, app_secret(entra)), scope="https://nowhere.example/.default"
    )
    assert all("AADSTS500011" in message for message in said)
    assert len(entra.token_requests) == 1


def test_a_disabled_application(entra: Emulator, ids: Ids) -> None:
    """An application that was switched off is told so."""
    entra.state.default_app.enabled = False
    (message,) = _refused(entra, lambda: ClientSecretCredential(*ids, app_secret(entra)), times=1)
    assert "AADSTS7000112" in message


def test_an_unknown_tenant(entra: Emulator, ids: Ids) -> None:
    """A tenant that is not there: ClientAuthenticationError from discovery, and no token request."""
    (message,) = _refused(entra, lambda: ClientSecretCredential("nowhere.example", ids[1], app_secret(entra)), times=1)
    assert "Unable to get authority configuration" in message
    assert not entra.token_requests


def test_a_failing_metadata_service(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 500 of the metadata service is tried again by the client itself, and then answered."""
    with entra.machine() as machine:
        machine.trouble = [500]
        for name, value in machine.environment("imds").items():
            monkeypatch.setenv(name, value)
        with ManagedIdentityCredential() as credential:
            assert credential.get_token("https://management.azure.com/.default").token
        assert [one.status for one in machine.requests] == [500, 200]
