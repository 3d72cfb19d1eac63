"""Who is asked for a token, and sent the client's proof, is who the caller named: nobody on the way can change it."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme
from azure.core.exceptions import HttpResponseError
from azure.keyvault.secrets import SecretClient
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from mstoken import (
    Authority,
    AuthorizationCode,
    CallbackAssertion,
    Client,
    ClientAssertion,
    ClientSecret,
    DeviceCode,
    MstokenError,
    OnBehalfOf,
    Password,
    RefreshToken,
    StoreError,
    UntrustedOrigin,
    UsageError,
)
from mstoken.flows.store_port import TokenInfo
from mstoken.rest.key_vault import key_vault_secret
from mstoken.stores.memory import memory_stores

SECRET = "not-a-secret"
OTHER = "fabrikam.onmicrosoft.com"
CLAIMS = base64.b64encode(b'{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}').decode()


@pytest.fixture
def stranger() -> Iterator[TokenService]:
    """A token service nobody named: it must not hear of anything."""
    service = TokenService()
    yield service
    assert service.requests == []
    service.close()


@pytest.fixture
def vault() -> Iterator[TokenService]:
    """A key vault's host that asks what a test has it ask."""
    service = TokenService()
    yield service
    service.close()


def _challenging(header: str, then: Reply) -> Any:
    def answer(request: RecordedRequest) -> Reply:
        return then if "Authorization" in request.headers else Reply(401, {}, {"WWW-Authenticate": header})

    return answer


@pytest.mark.parametrize(
    "tenant",
    [
        "https://evil.example/tenant",
        "//evil.example",
        "evil.example:443",
        "me@evil.example",
        "evil.example/tenant",
        "\\evil.example",
        "..",
        "tenant/../../elsewhere",
        "tenant?x=1",
        "tenant#x",
        "tenant%2f..",
        "tenant\r\nHost: evil.example",
        "\uff45vil.example",
        "t" * 300,
    ],
)
def test_a_tenant_of_a_challenge_is_a_tenant_and_nothing_else(
    runner: Runner, token_service: TokenService, tenant: str
) -> None:
    """What could be read as a host or a path ends the call before anybody is asked."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url)
    with pytest.raises(UsageError, match="is not a tenant"):
        runner.run(partial(client.get_token, "graph", tenant_id=tenant))
    assert token_service.requests == []


def test_another_tenant_uses_the_same_authority(runner: Runner, token_service: TokenService) -> None:
    """The tenant of a challenge changes the path, not the host."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url)
    runner.run(partial(client.get_token, "graph", tenant_id=OTHER))
    assert [request.path for request in token_service.requests] == [f"/{OTHER}/oauth2/v2.0/token"]


def test_a_claims_challenge_cannot_name_an_authority(
    runner: Runner, token_service: TokenService, stranger: TokenService
) -> None:
    """`authorization_uri`, `authority` and `realm` of a 401 are not followed; its claims are, where we always ask."""
    header = (
        f'Bearer realm="{stranger.url}", authorization_uri="{stranger.url}/{OTHER}/oauth2/authorize", '
        f'authority="{stranger.url}", error="insufficient_claims", claims="{CLAIMS}"'
    )
    api = TokenService()
    api.script = [Reply(401, {}, {"WWW-Authenticate": header}), Reply(200, {})]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url)
    answer = runner.run(partial(client.request, "GET", api.url, scope="graph", origin=api.url))
    assert answer.status == 200
    assert [request.path for request in token_service.requests] == [f"/{TENANT}/oauth2/v2.0/token"] * 2
    assert "claims" in token_service.requests[1].form
    api.close()


@pytest.mark.parametrize(
    "credential",
    [
        ClientSecret(SECRET),
        ClientAssertion(CallbackAssertion(lambda: "eyJhbGciOiJSUzI1NiJ9.e30.sig")),
        RefreshToken("rt-1"),
        OnBehalfOf("eyJhbGciOiJSUzI1NiJ9.e30.called", ClientSecret(SECRET)),
        Password("anna@contoso.example", SECRET),
        AuthorizationCode("code-1", "http://localhost", "verifier"),
        DeviceCode(),
    ],
    ids=lambda one: type(one).__name__,
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_the_token_endpoint_is_refused(
    runner: Runner, token_service: TokenService, stranger: TokenService, credential: Any, status: int
) -> None:
    """The form with the secret is not sent on, whatever the kind of redirect."""
    token_service.script = [Reply(status, "", {"Location": f"{stranger.url}/{TENANT}/oauth2/v2.0/token"})]
    client = runner.client(TENANT, CLIENT_ID, credential, token_service.url)
    with pytest.raises(MstokenError, match="redirect"):
        runner.run(partial(client.get_token, "graph"))


def test_a_response_cannot_select_the_next_endpoint(
    runner: Runner, token_service: TokenService, stranger: TokenService
) -> None:
    """Fields such as `cloud_instance_host_name` in an answer do not move a refresh token's next use."""
    more = {
        "cloud_instance_name": stranger.url,
        "cloud_instance_host_name": stranger.url,
        "token_endpoint": stranger.url,
        "issuer": stranger.url,
    }
    token_service.script = [token_reply(refresh_token="rt-2", **more)]
    client = runner.client(TENANT, CLIENT_ID, RefreshToken("rt-1"), token_service.url)
    for service in ("graph", "arm"):
        runner.run(partial(client.get_token, service))
    assert [request.form["refresh_token"] for request in token_service.requests] == ["rt-1", "rt-2"]


def test_a_key_vaults_challenge_selects_the_tenant_only(
    token_service: TokenService, stranger: TokenService, vault: TokenService
) -> None:
    """The authority a vault names is not asked; its tenant is asked for where the client always asks."""
    header = f'Bearer authorization="{stranger.url}/{OTHER}", resource="https://127.0.0.1"'
    vault.script = [_challenging(header, Reply(200, {"id": f"{vault.url}/secrets/db/1", "value": "kept"}))]
    client = Client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url)
    assert key_vault_secret(vault.url, "db", client) == "kept"
    assert [request.path for request in token_service.requests] == [f"/{OTHER}/oauth2/v2.0/token"]


@pytest.mark.parametrize(
    "challenge",
    [
        'authorization="https://evil.example/t", resource="https://graph.microsoft.com"',
        'authorization="https://evil.example/t", resource="https://127.0.0.1@graph.microsoft.com"',
        'authorization="https://evil.example/t", resource="https://["',
        'authorization="https://evil.example/t", scope="https://management.azure.com/.default"',
        'authorization="https://evil.example/t"',
        'authorization="https://evil.example/a:b@c", resource="https://127.0.0.1"',
    ],
)
def test_a_key_vault_gets_no_token_for_another_resource(
    token_service: TokenService, vault: TokenService, challenge: str
) -> None:
    """A challenge for another service's token, or one that cannot be read, is an error; nobody is asked."""
    vault.script = [Reply(401, {}, {"WWW-Authenticate": f"Bearer {challenge}"})]
    client = Client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url)
    with pytest.raises((UntrustedOrigin, StoreError)):
        key_vault_secret(vault.url, "db", client)
    assert token_service.requests == []


@pytest.mark.parametrize(
    "resource", ["https://graph.microsoft.com:443@127.0.0.1", "http://127.0.0.1/graph", "https://127.0.0.1?graph"]
)
def test_only_the_host_of_a_key_vaults_resource_counts(
    token_service: TokenService, vault: TokenService, resource: str
) -> None:
    """User names, paths and queries that might be read as another service are left behind."""
    header = f'Bearer authorization="https://[", resource="{resource}"'
    vault.script = [_challenging(header, Reply(200, {"id": f"{vault.url}/secrets/db/1", "value": "kept"}))]
    key_vault_secret(vault.url, "db", Client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url))
    [request] = token_service.requests
    assert request.form["scope"] == "https://127.0.0.1/.default"
    assert request.path == f"/{TENANT}/oauth2/v2.0/token"


def test_the_azure_sdks_challenge_selects_the_tenant_only(
    token_service: TokenService, stranger: TokenService, tmp_path: Path
) -> None:
    """azure-keyvault-secrets hands us the tenant of a hostile vault's challenge; the authority stays the client's."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    host = TokenService(context)
    header = f'Bearer authorization="{stranger.url}/{OTHER}", resource="https://vault.azure.net"'
    host.script = [_challenging(header, Reply(403, {"error": {"code": "Forbidden"}}))]
    client: Any = Client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url)
    with (
        SecretClient(
            host.url, client, verify_challenge_resource=False, connection_verify=str(tmp_path / "ca.pem"), retry_total=0
        ) as secrets,
        pytest.raises(HttpResponseError),
    ):
        secrets.get_secret("db")
    assert [request.path for request in token_service.requests] == [f"/{OTHER}/oauth2/v2.0/token"]
    host.close()


@pytest.mark.parametrize(
    ("written", "origin", "cloud"),
    [
        ("login.microsoftonline.us", "https://login.microsoftonline.us", "usgov"),
        ("HTTPS://LOGIN.MICROSOFTONLINE.US/", "https://login.microsoftonline.us", "usgov"),
        (" https://login.microsoftonline.us:443 ", "https://login.microsoftonline.us", "usgov"),
        (f"https://login.microsoftonline.us/{TENANT}", "https://login.microsoftonline.us", "usgov"),
        (f"https://login.microsoftonline.us/{TENANT.upper()}/", "https://login.microsoftonline.us", "usgov"),
        ("AzureUSGovernment", "https://login.microsoftonline.us", "usgov"),
        ("https://login.usgovcloudapi.net", "https://login.usgovcloudapi.net", "usgov"),
        ("login.chinacloudapi.cn", "https://login.chinacloudapi.cn", "china"),
        ("Login.Windows.Net", "https://login.windows.net", "public"),
        ("login.microsoftonline.us.evil.example", "https://login.microsoftonline.us.evil.example", "public"),
    ],
)
def test_the_environments_authority_is_parsed_in_every_spelling(
    monkeypatch: pytest.MonkeyPatch, written: str, origin: str, cloud: str
) -> None:
    """Bare, in capitals, with a port or our tenant, by an alias: the host it names, its cloud, and our tenant."""
    for name, value in {
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": CLIENT_ID,
        "AZURE_CLIENT_SECRET": SECRET,
        "AZURE_AUTHORITY_HOST": written,
    }.items():
        monkeypatch.setenv(name, value)
    client = Client.from_env()
    assert (client.authority.token_endpoint, client.cloud.name) == (f"{origin}/{TENANT}/oauth2/v2.0/token", cloud)


@pytest.mark.parametrize(
    "written",
    ["http://login.microsoftonline.us", "https://me@login.microsoftonline.us", "ftp://localhost", "login\\.us:1"],
)
def test_a_deceptive_authority_is_refused(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    """Clear text, user names and backslashes end before a secret is read."""
    for name, value in {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_SECRET": SECRET}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", written)
    with pytest.raises(UsageError, match="The authority"):
        Client.from_env()


@pytest.mark.parametrize("written", ["id.example.com/token", "http://id.example.com/token", "/token", ""])
def test_a_token_endpoint_is_a_whole_url(written: str) -> None:
    """Where a request goes is not completed by guessing, and what cannot be a URL is told before one is made."""
    with pytest.raises(UsageError, match="The token endpoint"):
        Authority.oauth(written)


@pytest.mark.parametrize(
    ("kept", "sent"),
    [
        ("https://login.microsoftonline.com", False),
        ("", True),
        ("itself", True),
    ],
    ids=["another authority's", "unknown", "its own"],
)
def test_a_stored_sign_in_is_sent_to_its_own_authority_only(
    runner: Runner,
    token_service: TokenService,
    kept: str,
    sent: bool,  # noqa: FBT001
) -> None:
    """A stray AZURE_AUTHORITY_HOST does not get the refresh token of another authority."""
    stores = memory_stores()
    home = token_service.url if kept == "itself" else kept
    stores.refresh_tokens.put("account:anna", "rt-anna", TokenInfo(home, TENANT, CLIENT_ID))
    client = runner.client(TENANT, CLIENT_ID, RefreshToken(account="anna"), token_service.url, stores)
    if sent:
        assert runner.run(lambda: client.get_token("graph")).token == "token-1"
        return
    with pytest.raises(UntrustedOrigin, match=r"login\.microsoftonline\.com") as caught:
        runner.run(lambda: client.get_token("graph"))
    assert "AZURE_AUTHORITY_HOST" in caught.value.remedy
    assert token_service.requests == []
