"""Workload identity: a pod's variables, its token file, and AKS's token proxy."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from azure.identity import WorkloadIdentityCredential
from tests.support.fake_clock import use_fake_clock
from tests.support.oidc_issuer import OidcIssuer
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from entra_emulator import Emulator
from entra_emulator.model import FederatedCredential
from mstoken import CredentialRejected, ManagedIdentity, TransportError, UsageError, WorkloadIdentity
from mstoken.protocol.jwt import decode

SUBJECT = "system:serviceaccount:shop:orders"
AUTHORITY = trustme.CA()
PEM = AUTHORITY.cert_pem.bytes().decode()
NAME = "identity-binding.example"


@pytest.fixture
def pod(entra: Emulator, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of a pod whose service account is federated with the emulator's default application."""
    issuer = OidcIssuer()
    issuer.subject = SUBJECT
    entra.state.default_app.federated = [FederatedCredential(issuer.url, SUBJECT)]
    (tmp_path / "token").write_text(issuer.token())
    yield {
        "AZURE_TENANT_ID": entra.state.default_tenant.id,
        "AZURE_CLIENT_ID": entra.state.default_app.id,
        "AZURE_AUTHORITY_HOST": entra.authority,
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
    }
    issuer.close()


def in_pod(runner: Runner, pod: dict[str, str]) -> Any:
    where = (pod["AZURE_TENANT_ID"], pod["AZURE_CLIENT_ID"])
    return runner.client(*where, WorkloadIdentity(environment=pod), pod["AZURE_AUTHORITY_HOST"])


def test_the_federated_token_gets_an_apps_token(runner: Runner, entra: Emulator, pod: dict[str, str]) -> None:
    """The file's token is the client assertion of client credentials."""
    client = in_pod(runner, pod)
    claims = decode(runner.run(lambda: client.get_token("graph")).token).claims
    assert (claims["appid"], claims["appidacr"]) == (pod["AZURE_CLIENT_ID"], "2")


def test_the_file_is_read_each_time(runner: Runner, pod: dict[str, str]) -> None:
    """Kubernetes renews it; what was there at first does not matter."""
    path = Path(pod["AZURE_FEDERATED_TOKEN_FILE"])
    good = path.read_text()
    path.write_text("eyJhbGciOiJSUzI1NiJ9.e30.bad")
    client = in_pod(runner, pod)
    with pytest.raises(CredentialRejected):
        runner.run(lambda: client.get_token("graph"))
    path.write_text(good)
    assert runner.run(lambda: client.get_token("graph")).token


def test_a_file_that_is_not_there_is_named(runner: Runner, pod: dict[str, str]) -> None:
    """The path and the variable are told."""
    client = in_pod(runner, pod | {"AZURE_FEDERATED_TOKEN_FILE": "/proc/nowhere/token"})
    with pytest.raises(UsageError, match="/proc/nowhere/token") as caught:
        runner.run(lambda: client.get_token("graph"))
    assert "AZURE_FEDERATED_TOKEN_FILE" in caught.value.remedy


def test_without_a_file_there_is_no_workload_identity(runner: Runner) -> None:
    """Outside of a pod the error says how to make one of it."""
    client = runner.client(TENANT, CLIENT_ID, WorkloadIdentity(environment={}))
    with pytest.raises(UsageError, match="AZURE_FEDERATED_TOKEN_FILE") as caught:
        runner.run(lambda: client.get_token("graph"))
    assert "azure.workload.identity/use" in caught.value.remedy


def test_a_managed_identity_in_a_pod_is_its_workload_identity(runner: Runner, pod: dict[str, str]) -> None:
    """As azure-identity has it: ManagedIdentity() in a pod is not the node's identity."""
    client = runner.client("", "", ManagedIdentity(environment=pod))
    claims = decode(runner.run(lambda: client.get_token("graph")).token).claims
    assert claims["appid"] == pod["AZURE_CLIENT_ID"]


@pytest.mark.parametrize("kind", ["object_id", "resource_id"])
def test_in_a_pod_a_managed_identity_is_named_by_its_client_id(
    runner: Runner, entra: Emulator, pod: dict[str, str], kind: str
) -> None:
    """Another id would be overlooked, and another identity's token come, so it is refused."""
    client = runner.client("", "", ManagedIdentity(environment=pod, **{kind: "one-of-mine"}))
    with pytest.raises(UsageError, match="No request was made"):
        runner.run(lambda: client.get_token("graph"))
    assert entra.token_requests == []


@pytest.fixture
def proxy() -> Iterator[TokenService]:
    """AKS's token proxy: a TLS server that only its own authority vouches for, under a name of its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(NAME).configure_cert(context)
    service = TokenService(context)
    service.script = [token_reply("by-proxy")]
    yield service
    service.close()


@pytest.fixture
def bound(proxy: TokenService, tmp_path: Path) -> dict[str, str]:
    """The variables of a pod with identity binding."""
    (tmp_path / "bound-token").write_text("eyJhbGciOiJSUzI1NiJ9.e30.sig")
    (tmp_path / "ca.pem").write_text(PEM)
    return {
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": CLIENT_ID,
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com",
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "bound-token"),
        "AZURE_KUBERNETES_TOKEN_PROXY": f"{proxy.url}/bind/",
        "AZURE_KUBERNETES_SNI_NAME": NAME,
        "AZURE_KUBERNETES_CA_FILE": str(tmp_path / "ca.pem"),
    }


def test_the_token_proxy_replaces_entra(runner: Runner, proxy: TokenService, bound: dict[str, str]) -> None:
    """The request is the usual one, at the proxy's path and then Entra's; the server is known by its own authority."""
    client = in_pod(runner, bound)
    assert runner.run(lambda: client.get_token("arm")).token == "by-proxy"
    [request] = proxy.requests
    assert request.path == f"/bind/{TENANT}/oauth2/v2.0/token"
    assert request.form == {
        "client_id": CLIENT_ID,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "eyJhbGciOiJSUzI1NiJ9.e30.sig",
        "grant_type": "client_credentials",
        "scope": "https://management.azure.com//.default",
    }


def test_the_proxys_ca_may_be_given_as_text(runner: Runner, proxy: TokenService, bound: dict[str, str]) -> None:
    """AZURE_KUBERNETES_CA_DATA instead of a file."""
    del bound["AZURE_KUBERNETES_CA_FILE"]
    client = in_pod(runner, bound | {"AZURE_KUBERNETES_CA_DATA": PEM})
    assert runner.run(lambda: client.get_token("arm")).token == "by-proxy"


def test_the_proxys_ca_file_is_reloaded(runner: Runner, proxy: TokenService, bound: dict[str, str]) -> None:
    """The cluster renews the file; an authority that does not fit is refused, before the assertion is sent."""
    path = Path(bound["AZURE_KUBERNETES_CA_FILE"])
    path.write_bytes(trustme.CA().cert_pem.bytes())
    client = in_pod(runner, bound)
    use_fake_clock(client)
    with pytest.raises(TransportError):
        runner.run(lambda: client.get_token("arm"))
    assert proxy.requests == []
    path.write_text(PEM)
    assert runner.run(lambda: client.get_token("arm")).token == "by-proxy"


@pytest.fixture
def bound_pod(entra: Emulator, pod: dict[str, str], proxy: TokenService, bound: dict[str, str]) -> dict[str, str]:
    """A pod with identity binding whose proxy hands on what it gets to the emulator, as the cluster's does to Entra."""

    def hand_on(request: RecordedRequest) -> Reply:
        headers = {"Content-Type": request.headers.get("Content-Type", "")}
        with httpx.Client(verify=ssl.create_default_context(cafile=entra.ca_file), trust_env=False) as beyond:
            url = entra.authority + request.path.removeprefix("/bind")
            answer = beyond.request(request.method, url, content=request.body, headers=headers)
        return Reply(answer.status_code, answer.content, {"Content-Type": answer.headers["content-type"]})

    proxy.script = [hand_on]
    return pod | {name: value for name, value in bound.items() if name.startswith("AZURE_KUBERNETES_")}


def test_entra_gives_a_token_through_the_proxy(
    runner: Runner, entra: Emulator, proxy: TokenService, bound_pod: dict[str, str]
) -> None:
    """The federated token is accepted behind it, and nothing goes past it."""
    client = in_pod(runner, bound_pod)
    claims = decode(runner.run(lambda: client.get_token("arm")).token).claims
    assert (claims["appid"], claims["appidacr"]) == (bound_pod["AZURE_CLIENT_ID"], "2")
    assert len(proxy.requests) == len(entra.token_requests) == 1


def test_entras_refusal_comes_through_the_proxy(
    runner: Runner, entra: Emulator, proxy: TokenService, bound_pod: dict[str, str]
) -> None:
    """With its code. What may only not be known yet is asked once more, through the proxy as well."""
    entra.state.default_app.federated = [FederatedCredential("https://another.example", SUBJECT)]
    client = in_pod(runner, bound_pod)
    use_fake_clock(client)
    with pytest.raises(CredentialRejected) as caught:
        runner.run(lambda: client.get_token("arm"))
    assert caught.value.codes == (700211,)
    assert len(proxy.requests) == 2


def test_an_expired_assertion_is_read_again_for_the_proxy(
    runner: Runner, proxy: TokenService, bound: dict[str, str]
) -> None:
    """After 700024 the file is read anew, and what it holds then is sent the same way."""
    path = Path(bound["AZURE_FEDERATED_TOKEN_FILE"])

    def late(_: RecordedRequest) -> Reply:
        path.write_text("eyJhbGciOiJSUzI1NiJ9.e30.renewed")
        return Reply(
            401, {"error": "invalid_client", "error_description": "AADSTS700024: late", "error_codes": [700024]}
        )

    proxy.script = [late, token_reply("by-proxy")]
    client = in_pod(runner, bound)
    assert runner.run(lambda: client.get_token("arm")).token == "by-proxy"
    assert [request.form["client_assertion"].rpartition(".")[2] for request in proxy.requests] == ["sig", "renewed"]


def test_the_azure_sdk_takes_the_same_proxy(
    proxy: TokenService, bound_pod: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """azure-identity's own credential gets its token through it, so that the proxy is known to be one."""
    for name, value in bound_pod.items():
        monkeypatch.setenv(name, value)
    with WorkloadIdentityCredential(enable_azure_proxy=True, disable_instance_discovery=True) as credential:
        token = credential.get_token("https://management.azure.com/.default")
    assert decode(token.token).claims["appid"] == bound_pod["AZURE_CLIENT_ID"]
    assert f"/bind/{bound_pod['AZURE_TENANT_ID']}/oauth2/v2.0/token" in [request.path for request in proxy.requests]


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"AZURE_KUBERNETES_CA_DATA": PEM}, "both"),
        ({"AZURE_KUBERNETES_TOKEN_PROXY": ""}, "AZURE_KUBERNETES_TOKEN_PROXY"),
        ({"AZURE_KUBERNETES_TOKEN_PROXY": "http://127.0.0.1"}, "https"),
        ({"AZURE_KUBERNETES_TOKEN_PROXY": "https://user@127.0.0.1"}, "https"),
        ({"AZURE_KUBERNETES_TOKEN_PROXY": "https://127.0.0.1/?a=b"}, "https"),
        ({"AZURE_KUBERNETES_TOKEN_PROXY": "https://127.0.0.1/#a"}, "https"),
        ({"AZURE_KUBERNETES_CA_FILE": "/proc/nowhere/ca.pem"}, "cannot be read"),
        ({"AZURE_KUBERNETES_CA_FILE": "/dev/null"}, "no PEM"),
    ],
)
def test_an_incomplete_proxy_configuration_is_refused(
    runner: Runner, proxy: TokenService, bound: dict[str, str], changed: dict[str, str], word: str
) -> None:
    """What is wrong is told, and Entra is not asked in the proxy's place."""
    client = in_pod(runner, bound | changed)
    with pytest.raises(UsageError, match=word):
        runner.run(lambda: client.get_token("arm"))
    assert proxy.requests == []
