"""Instance discovery, OpenID configuration and keys, held against recordings of the real ones."""

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.errors import BadSignatureError
from tests.support.verifying import verified, verified_as_graph

from entra_emulator import Emulator

MEMBERS = [
    "token_endpoint",
    "token_endpoint_auth_methods_supported",
    "jwks_uri",
    "response_modes_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "response_types_supported",
    "scopes_supported",
    "issuer",
    "request_uri_parameter_supported",
    "userinfo_endpoint",
    "authorization_endpoint",
    "device_authorization_endpoint",
    "http_logout_supported",
    "frontchannel_logout_supported",
    "end_session_endpoint",
    "claims_supported",
    "kerberos_endpoint",
    "tenant_region_scope",
    "cloud_instance_name",
    "cloud_graph_host_name",
    "msgraph_host",
    "rbac_url",
]
PREFERRED = [
    "login.microsoftonline.com",
    "login.partner.microsoftonline.cn",
    "login.microsoftonline.de",
    "login.microsoftonline.us",
    "login-us.microsoftonline.com",
]


def test_configuration_has_the_recorded_members_in_order(proxied: httpx.Client, entra: Emulator) -> None:
    """Under its own name the service describes a tenant exactly as recorded, by the tenant's id."""
    tenant = entra.state.default_tenant
    answer = proxied.get(f"https://login.microsoftonline.com/{tenant.domain}/v2.0/.well-known/openid-configuration")
    body = answer.json()
    assert list(body) == MEMBERS
    assert body["issuer"] == f"https://login.microsoftonline.com/{tenant.id}/v2.0"
    assert body["token_endpoint"] == f"https://login.microsoftonline.com/{tenant.id}/oauth2/v2.0/token"
    assert body["tenant_region_scope"] == "WW"
    tenant.region = "EU"
    url = f"https://login.microsoftonline.com/{tenant.domain}/.well-known/openid-configuration"
    assert proxied.get(url).json()["tenant_region_scope"] == "EU"
    assert answer.headers["cache-control"] == "max-age=86400, private"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "strict-transport-security" in answer.headers


def test_configuration_on_localhost_speaks_of_localhost(http: httpx.Client, entra: Emulator) -> None:
    """On localhost issuer and endpoints are localhost's, and browsers are not told to insist on https there."""
    tenant = entra.state.default_tenant
    answer = http.get(f"{entra.authority}/{tenant.id}/v2.0/.well-known/openid-configuration")
    body = answer.json()
    assert body["issuer"] == f"{entra.authority}/{tenant.id}/v2.0"
    assert body["jwks_uri"].startswith(f"{entra.authority}/")
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("name", ["common", "organizations"])
def test_shared_configuration_leaves_the_tenant_open(http: httpx.Client, entra: Emulator, name: str) -> None:
    """The issuer of common and organizations is a template, as in the real one."""
    body = http.get(f"{entra.authority}/{name}/v2.0/.well-known/openid-configuration").json()
    assert body["issuer"].endswith("/{tenantid}/v2.0")
    assert f"/{name}/oauth2/" in body["token_endpoint"]


@pytest.mark.parametrize(
    ("host", "msgraph"),
    [
        ("login.microsoftonline.us", "graph.microsoft.us"),
        ("login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn"),
        ("login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"),
    ],
)
def test_national_clouds_name_their_own_hosts(proxied: httpx.Client, host: str, msgraph: str) -> None:
    """Each national cloud's configuration names that cloud's Graph."""
    body = proxied.get(f"https://{host}/common/v2.0/.well-known/openid-configuration").json()
    assert body["msgraph_host"] == msgraph


def test_an_unknown_tenant_is_invalid_tenant(http: httpx.Client, entra: Emulator) -> None:
    """Discovery says invalid_tenant with 90002, and lets it be cached, as recorded."""
    answer = http.get(f"{entra.authority}/11111111-2222-4333-8444-555555555555/v2.0/.well-known/openid-configuration")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_tenant")
    assert answer.json()["error_codes"] == [90002]
    assert answer.headers["cache-control"] == "max-age=86400, private"


def test_tenant_of_another_cloud_is_not_there(proxied: httpx.Client, entra: Emulator) -> None:
    """A tenant that lives in one cloud is unknown at another's sign-in host."""
    tenant = entra.state.default_tenant
    tenant.cloud = "usgov"
    path = f"{tenant.id}/v2.0/.well-known/openid-configuration"
    assert proxied.get(f"https://login.microsoftonline.us/{path}").status_code == 200
    assert proxied.get(f"https://login.microsoftonline.com/{path}").json()["error_codes"] == [90002]


def test_instance_discovery_is_as_recorded(proxied: httpx.Client) -> None:
    """The five clouds of the recording, in its order, with aliases and preferred cache."""
    endpoint = "https://login.microsoftonline.com/some-tenant/oauth2/v2.0/authorize"
    body = proxied.get(
        "https://login.microsoftonline.com/common/discovery/instance",
        params={"api-version": "1.1", "authorization_endpoint": endpoint},
    ).json()
    assert list(body) == ["tenant_discovery_endpoint", "api-version", "metadata"]
    assert [cloud["preferred_network"] for cloud in body["metadata"]] == PREFERRED
    assert body["metadata"][0]["preferred_cache"] == "login.windows.net"
    assert body["tenant_discovery_endpoint"].startswith("https://login.microsoftonline.com/some-tenant/v2.0/")


def test_instance_discovery_1_0_is_brief(http: httpx.Client, entra: Emulator) -> None:
    """Version 1.0 answers with the discovery endpoint alone."""
    endpoint = "https://login.microsoftonline.com/some-tenant/oauth2/v2.0/authorize"
    body = http.get(
        f"{entra.authority}/common/discovery/instance",
        params={"api-version": "1.0", "authorization_endpoint": endpoint},
    ).json()
    assert list(body) == ["tenant_discovery_endpoint"]


def test_instance_discovery_knows_localhost_without_port(proxied: httpx.Client, entra: Emulator) -> None:
    """MSAL for Python asks Microsoft's host about the authority and drops its port; the answer puts it back."""
    body = proxied.get(
        "https://login.microsoftonline.com/common/discovery/instance",
        params={"api-version": "1.1", "authorization_endpoint": "https://localhost/t/oauth2/v2.0/authorize"},
    ).json()
    assert body["tenant_discovery_endpoint"] == f"{entra.authority}/t/v2.0/.well-known/openid-configuration"


def test_instance_discovery_about_localhost_names_it_beside_the_clouds(http: httpx.Client, entra: Emulator) -> None:
    """A client that looks for cached tokens under the aliases of its authority finds the emulator's own."""
    port = entra.authority.rpartition(":")[2]
    for name in ("localhost", "127.0.0.1"):
        body = http.get(
            f"{entra.authority}/common/discovery/instance",
            params={
                "api-version": "1.1",
                "authorization_endpoint": f"https://{name}:{port}/t/oauth2/v2.0/authorize",
            },
        ).json()
        assert [cloud["preferred_network"] for cloud in body["metadata"]][: len(PREFERRED)] == PREFERRED
        both = [f"localhost:{port}", f"127.0.0.1:{port}"]
        for order in (body["metadata"], body["metadata"][::-1]):  # clients keep an alias's first entry or its last
            entries = {alias: cloud for cloud in order for alias in cloud["aliases"]}
            assert (entries[both[0]]["preferred_network"], entries[both[0]]["aliases"]) == (both[0], both)
            assert (entries[name]["preferred_network"], entries[name]["aliases"]) == (name, [name, *both])
            assert {entries[alias]["preferred_cache"] for alias in (name, *both)} == {both[0]}


@pytest.mark.parametrize("endpoint", ["https://login.example/t/oauth2/v2.0/authorize", "https://graph.microsoft.com/"])
def test_unknown_instance_is_refused(http: httpx.Client, entra: Emulator, endpoint: str) -> None:
    """A host that is no sign-in host gets invalid_instance, without error_uri, as recorded."""
    answer = http.get(
        f"{entra.authority}/common/discovery/instance",
        params={"api-version": "1.1", "authorization_endpoint": endpoint},
    )
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (400, "invalid_instance", [50049])
    assert "error_uri" not in body


VERSION_ONE, VERSION_TWO = "/.well-known/openid-configuration", "/v2.0/.well-known/openid-configuration"
NOT_SERVED = ("kerberos_endpoint", "check_session_iframe", "rbac_url")


@pytest.mark.parametrize("path", [VERSION_ONE, VERSION_TWO])
@pytest.mark.parametrize("tenant", ["common", "organizations", "northwind-partner.example"])
def test_every_announced_endpoint_exists(http: httpx.Client, entra: Emulator, path: str, tenant: str) -> None:
    """By URL every endpoint is on this machine, and answers; those that are not emulated are on the parity page."""
    body = http.get(f"{entra.authority}/{tenant}{path}").json()
    urls = {name: value for name, value in body.items() if str(value).startswith("https://") and name != "issuer"}
    for name, url in urls.items():
        if name not in NOT_SERVED:
            assert url.startswith(f"{entra.authority}/"), name
            answers = {http.request(method, url).status_code for method in ("GET", "POST")}
            assert answers - {404, 405}, name
    page = Path(__file__).resolve().parents[3] / "docs" / "emulator-parity.md"
    assert all(f"`{name}`" in page.read_text(encoding="utf-8") for name in NOT_SERVED)


@pytest.mark.parametrize(("path", "keys"), [(VERSION_ONE, "discovery/keys"), (VERSION_TWO, "discovery/v2.0/keys")])
def test_an_applications_keys_are_found_by_its_id(http: httpx.Client, entra: Emulator, path: str, keys: str) -> None:
    """`?appid=` of the configuration is carried over to jwks_uri, which answers with keys."""
    app = entra.state.default_app.id
    body = http.get(f"{entra.authority}/common{path}", params={"appid": app}).json()
    assert body["jwks_uri"].endswith(f"/{keys}?appid={app}")
    assert http.get(body["jwks_uri"]).json()["keys"]
    assert "?" not in http.get(f"{entra.authority}/common{path}").json()["jwks_uri"]


@pytest.mark.parametrize(
    "path",
    [
        "//{tenant}//v2.0/.well-known/openid-configuration",
        "/{tenant}//.well-known/openid-configuration",
        "/{tenant}/v2.0//.well-known/openid-configuration/",
        "/{tenant}/discovery//keys",
        "/common/discovery/instance/?api-version=1.0&authorization_endpoint=https://login.microsoftonline.com/t",
    ],
)
def test_slashes_do_not_count(proxied: httpx.Client, entra: Emulator, path: str) -> None:
    """Issuers end in a slash, so clients ask sts.windows.net for `TENANT//.well-known/…`."""
    assert proxied.get(f"https://sts.windows.net{path.format(tenant=entra.state.default_tenant.id)}").status_code == 200


@pytest.mark.parametrize(
    "host",
    ["mtlsauth.microsoft.com", "eastus.mtlsauth.microsoft.com", "mtlsauth.microsoftonline.us"],
)
def test_mutual_tls_is_not_enabled(proxied: httpx.Client, entra: Emulator, host: str) -> None:
    """The hosts for tokens bound to a TLS certificate answer 51000."""
    app = entra.state.default_app
    form = {"client_id": app.id, "grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}
    answer = proxied.post(f"https://{host}/{app.tenant}/oauth2/v2.0/token", data=form)
    assert answer.json()["error_codes"] == [51000]
    assert "MtlsClientAuth" in answer.json()["error_description"]


def test_version_one_keys_name_no_issuer(http: httpx.Client, entra: Emulator) -> None:
    """Only v2.0 says which issuer a key signs for."""
    keys = http.get(f"{entra.authority}/{entra.state.default_tenant.id}/discovery/keys").json()["keys"]
    assert len(keys) == 5
    for key in keys:
        assert list(key) == ["kty", "use", "kid", "x5t", "n", "e", "x5c", "cloud_instance_name"]


def test_keys_have_the_members_entra_publishes(http: httpx.Client, entra: Emulator) -> None:
    """Each key carries its certificate and names itself by the thumbprint (27 characters)."""
    tenant = entra.state.default_tenant.id
    keys = http.get(f"{entra.authority}/{tenant}/discovery/v2.0/keys").json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys) == 8
    for key in keys:
        assert list(key) == ["kty", "use", "kid", "x5t", "n", "e", "x5c", "cloud_instance_name", "issuer"]
        assert key["kid"] == key["x5t"]
        assert len(key["kid"]) == 27
        certificate = x509.load_der_x509_certificate(base64.b64decode(key["x5c"][0]))
        assert base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA1())).decode().rstrip("=") == key["kid"]  # noqa: S303
        public = certificate.public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        modulus = base64.urlsafe_b64decode(key["n"] + "==")
        assert int.from_bytes(modulus) == public.public_numbers().n
        assert modulus[0]


def test_keys_name_the_issuers_they_sign_for(entra: Emulator, http: httpx.Client, user_token: Any) -> None:
    """Five keys of organizations and three of personal accounts; the one that signs is never the first of its kind."""
    tenant = entra.state.default_tenant.id
    consumers = f"{entra.authority}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
    user_token()
    signing = entra.issued[-1].header["kid"]
    for name, issuer in (
        (tenant, f"{entra.authority}/{tenant}/v2.0"),
        ("common", f"{entra.authority}/{{tenantid}}/v2.0"),
    ):
        keys = http.get(f"{entra.authority}/{name}/discovery/v2.0/keys").json()["keys"]
        assert [key["issuer"] for key in keys] == [issuer] * 5 + [consumers] * 3
        assert signing in [key["kid"] for key in keys[1:5]]
    alone = http.get(f"{entra.authority}/consumers/discovery/v2.0/keys").json()["keys"]
    assert [key["issuer"] for key in alone] == [consumers] * 3


def test_only_graph_can_validate_its_tokens(entra: Emulator, http: httpx.Client, app_token: Any) -> None:
    """Tokens for Graph and SharePoint carry a nonce whose SHA-256 was signed; those for other APIs do not."""
    jwks = http.get(f"{entra.authority}/common/discovery/v2.0/keys").json()
    for scope in ("https://graph.microsoft.com/.default", "https://northwind.sharepoint.com/.default"):
        token = app_token(scope).json()["access_token"]
        assert list(entra.issued[-1].header) == ["typ", "nonce", "alg", "x5t", "kid"]
        with pytest.raises(BadSignatureError):
            verified(token, jwks)
        assert verified_as_graph(token, jwks)["aud"] == scope.removesuffix("/.default")
    token = app_token("https://management.azure.com/.default").json()["access_token"]
    assert "nonce" not in entra.issued[-1].header
    assert verified(token, jwks)["aud"] == "https://management.azure.com"


def test_paths_match_in_any_letter_case(http: httpx.Client, entra: Emulator) -> None:
    """Entra's paths are not case-sensitive."""
    assert http.get(f"{entra.authority}/COMMON/Discovery/V2.0/Keys").status_code == 200
