"""`mstoken kube`: the exec plugin with a real kubectl and an API server that checks; kubeconfigs made for kubelogin."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.at_entra import NADIA, sign_in
from tests.support.named_hosts import NamedHosts, certificate_for
from tests.support.program import Program
from tests.support.programs import require
from tests.support.token_service import RecordedRequest, Reply

from entra_emulator import Emulator
from mstoken import UsageError
from mstoken.integrations.kubernetes import AKS, VERSIONS, convert, exec_of, is_kubelogin, requested_version

HOST = "cluster.example"
ARC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/c"


class ApiServer(NamedHosts):
    """A cluster's API server: answers with the namespaces if the token is Entra's for AKS; 401 else."""

    def __init__(self, entra: Emulator, folder: Path) -> None:
        super().__init__(entra, folder, AKS, HOST)

    def answer(self, request: RecordedRequest) -> Reply:
        name = str(self.accepted[-1][1].get("upn", self.accepted[-1][1].get("appid")))
        return Reply(200, {"kind": "Hello", "path": request.path, "user": name}, {"Content-Type": "application/json"})


@pytest.fixture
def cluster(entra: Emulator, tmp_path: Path) -> Iterator[ApiServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    with ApiServer(entra, folder) as made:
        yield made


def kubectl_version() -> tuple[int, int]:
    text = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v?(\d+)\D+(\d+)", text.partition("ersion")[2])
    assert found
    return int(found[1]), int(found[2])


def kubeconfig(program: Program, cluster: ApiServer, user: dict[str, Any]) -> Path:
    """Write a kubeconfig with one user, in JSON, which is YAML too."""
    authority = certificate_for((HOST,)).authority
    assert authority is not None
    encoded = base64.b64encode(authority.public_bytes(Encoding.PEM)).decode()
    server = {"server": f"https://localhost:{cluster.port}", "certificate-authority-data": encoded}
    path = program.folder / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "aks", "cluster": server}],
                "users": [{"name": "clusterUser_group_aks", "user": user}],
                "contexts": [{"name": "aks", "context": {"cluster": "aks", "user": "clusterUser_group_aks"}}],
                "current-context": "aks",
            }
        )
    )
    path.chmod(0o600)
    return path


def kubectl(program: Program, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["kubectl", "--kubeconfig", str(path), "get", "--raw", "/api/v1/namespaces"],
        env=program.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def plugin(version: str, *more: str) -> dict[str, Any]:
    return {
        "exec": {
            "apiVersion": version,
            "command": "mstoken",
            "args": ["kube", "token", *more],
            "interactiveMode": "Never",
        }
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_real_kubectl_gets_a_token(at_entra: Program, cluster: ApiServer, version: str) -> None:
    """Twice, with one token request."""
    require("kubectl")
    if version.endswith("/v1") and kubectl_version() < (1, 22):
        pytest.skip("this kubectl is too old for v1 of the exec plugin's API")
    path = kubeconfig(at_entra, cluster, plugin(version))
    before = len(cluster._entra.token_requests)
    for _ in range(2):
        done = kubectl(at_entra, path)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["user"] == cluster._entra.state.default_app.id
    assert {scheme for scheme, _ in cluster.accepted} == {"Bearer"}
    assert len(cluster._entra.token_requests) == before + 1


def test_a_converted_kubeconfig_works_for_a_person(anonymous: Program, cluster: ApiServer, entra: Emulator) -> None:
    """`mstoken kube convert` names the command that signs in; kubectl then acts as the person."""
    require("kubectl")
    args = ["get-token", "--login", "devicecode", "--server-id", AKS, "--environment", "AzurePublicCloud"]
    args += ["--client-id", "80faf920-1908-4b52-b5ef-a8e7bedfc67a", "--tenant-id", entra.state.default_tenant.id]
    user = {"exec": {"apiVersion": VERSIONS[1], "command": "kubelogin", "args": args, "env": None}}
    path = kubeconfig(anonymous, cluster, user)
    done = anonymous("kube", "convert", "--kubeconfig", str(path), "--profile", "default")
    assert done.code == 0, done.err
    assert "Sign in once: mstoken login --profile default --client-id 80faf920" in done.err
    assert path.stat().st_mode & 0o777 == 0o600
    assert not list(path.parent.glob(".mstoken-kube*"))
    refused = kubectl(anonymous, path)
    assert refused.returncode == 1
    assert "mstoken: error:" in refused.stderr
    sign_in(anonymous, entra)
    done_by_kubectl = kubectl(anonymous, path)
    assert done_by_kubectl.returncode == 0, done_by_kubectl.stderr
    assert json.loads(done_by_kubectl.stdout)["user"] == NADIA
    again = anonymous("kube", "convert", "--kubeconfig", str(path))
    assert (again.code, again.err) == (0, f"mstoken: No user in {path} signs in with kubelogin.\n")


def test_what_it_prints(at_entra: Program) -> None:
    """An ExecCredential of the version that was asked for, with the time of its end in RFC 3339."""
    for version in VERSIONS:
        info = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}})
        done = at_entra("kube", "token", KUBERNETES_EXEC_INFO=info)
        assert (done.code, done.err) == (0, "")
        printed = json.loads(done.out)
        assert printed["apiVersion"] == version
        assert printed["kind"] == "ExecCredential"
        assert printed["spec"] == {"interactive": False}
        assert printed["status"]["token"] == at_entra("get", "aks").out.strip()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", printed["status"]["expirationTimestamp"])
    assert json.loads(at_entra("kube", "token").out)["apiVersion"] == VERSIONS[0]


def test_a_server_application_of_ones_own(at_entra: Program, entra: Emulator) -> None:
    at_entra("kube", "token", "--server-id", f"{AKS}/")
    assert entra.token_requests[-1].scope == f"{AKS}/.default"


def test_a_signed_token_for_azure_arc(at_entra: Program) -> None:
    """kubelogin's --pop-enabled: the token of Arc is inside a signed one, with the cluster's resource ID."""
    done = at_entra("kube", "token", "--pop", ARC)
    assert done.code == 0, done.err
    claims = json.loads(base64.urlsafe_b64decode(json.loads(done.out)["status"]["token"].split(".")[1] + "=="))
    assert claims["u"] == ARC
    assert "at" in claims


@pytest.mark.parametrize(
    "info", ["{", "[]", "null", '{"apiVersion": "client.authentication.k8s.io/v1alpha1"}', "[" * 9999]
)
def test_garbage_of_kubectl_is_refused(info: str) -> None:
    with pytest.raises(UsageError):
        requested_version(info)


def test_without_an_identity(anonymous: Program) -> None:
    """Nothing on standard output, what to do on standard error, which kubectl shows."""
    done = anonymous("kube", "token")
    assert (done.code, done.raw) == (2, b"")
    assert "No identity is available." in done.err


def test_when_a_person_must_sign_in(anonymous: Program, entra: Emulator) -> None:
    sign_in(anonymous, entra)
    entra.revoke(NADIA)
    done = anonymous("kube", "token")
    assert (done.code, done.raw) == (3, b"")
    assert "mstoken login" in done.err


def user_of(*arguments: str, **variables: str) -> dict[str, Any]:
    env = [{"name": name, "value": text} for name, text in variables.items()]
    return {"exec": {"command": "/usr/local/bin/kubelogin", "args": ["get-token", *arguments], "env": env}}


T, C = "tenant-1", "client-1"
CONVERTED: list[tuple[str, dict[str, Any], list[str], dict[str, str]]] = [
    ("azurecli", user_of("--login", "azurecli"), [], {"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"}),
    (
        "azurecli, tenant",
        user_of("-l", "azurecli", "-t", T),
        ["--tenant", T],
        {"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"},
    ),
    ("azd", user_of("--login=azd"), [], {"AZURE_TOKEN_CREDENTIALS": "AzureDeveloperCliCredential"}),
    (
        "msi",
        user_of("--login", "msi", "--client-id", C),
        [],
        {"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential", "AZURE_CLIENT_ID": C},
    ),
    (
        "workloadidentity",
        user_of(
            "--login", "workloadidentity", "--federated-token-file", "/f", "--authority-host", "https://login.example"
        ),
        [],
        {
            "AZURE_TOKEN_CREDENTIALS": "WorkloadIdentityCredential",
            "AZURE_FEDERATED_TOKEN_FILE": "/f",
            "AZURE_AUTHORITY_HOST": "https://login.example",
        },
    ),
    (
        "spn",
        user_of(
            "--login", "spn", "--client-id", C, "--tenant-id", T, "--client-certificate", "/c.pem", HTTPS_PROXY="p"
        ),
        [],
        {
            "AZURE_CLIENT_ID": C,
            "AZURE_TENANT_ID": T,
            "AZURE_CLIENT_CERTIFICATE_PATH": "/c.pem",
            "HTTPS_PROXY": "p",
        },
    ),
    ("interactive", user_of("--login", "interactive", "--client-id", C), ["--profile", "aks"], {}),
    ("no login", user_of(), ["--profile", "aks"], {}),
    (
        "cloud and server",
        user_of("-l", "azd", "-e", "AzureUSGovernmentCloud", "--server-id", "s/"),
        ["--server-id", "s", "--cloud", "usgov"],
        {"AZURE_TOKEN_CREDENTIALS": "AzureDeveloperCliCredential"},
    ),
    (
        "proof of possession",
        user_of("-l", "spn", "--pop-enabled", "--pop-claims", f"u={ARC}"),
        ["--pop", ARC],
        {},
    ),
    (
        "the plugin before kubelogin",
        {
            "auth-provider": {
                "name": "azure",
                "config": {"apiserver-id": AKS, "client-id": C, "environment": "AzureChinaCloud"},
            }
        },
        ["--cloud", "china", "--profile", "aks"],
        {},
    ),
]


@pytest.mark.parametrize(
    ("user", "arguments", "variables"), [one[1:] for one in CONVERTED], ids=[one[0] for one in CONVERTED]
)
def test_each_login_has_a_counterpart(user: dict[str, Any], arguments: list[str], variables: dict[str, str]) -> None:
    assert is_kubelogin(user)
    converted = convert(user, "aks")
    assert list(converted.arguments) == ["kube", "token", *arguments]
    assert converted.variables == variables
    assert not is_kubelogin({"exec": exec_of(converted, VERSIONS[0])})


@pytest.mark.parametrize(
    ("user", "word"),
    [
        (user_of("--login", "ropc", "--username", "u"), "'ropc'"),
        (user_of("--login", "azurepipelines"), "azurepipelines"),
        (user_of("--login", "spn", "--client-secret", "s3cret"), "--client-secret"),
        (user_of("--login", "spn", "--client-certificate-password", "s3cret"), "--client-certificate-password"),
        (user_of("--login", "msi", "--identity-resource-id", "/x"), "--identity-resource-id"),
        (user_of("--login", "azurecli", "--subscription", "x"), "--subscription"),
        (user_of("--login", "spn", "--legacy"), "--legacy"),
        (user_of("--login", "spn", "--use-azurerm-env-vars"), "--use-azurerm-env-vars"),
        (user_of("--login", "azurecli", "--client-id", "x"), "--client-id"),
        (user_of("--login", "azd", "--new-option", "x"), "--new-option"),
        (user_of("--login", "azd", "-e", "AzureStackCloud"), "AzureStackCloud"),
        (user_of("--login", "azd", "--pop-enabled", "--pop-claims", "u=a,x=b"), "--pop-claims"),
        (user_of("--login", "azd", "stray"), "not an option"),
        (
            user_of("--login", "spn", AAD_SERVICE_PRINCIPAL_CLIENT_SECRET="s3cret"),
            "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_none_is_refused_by_name(user: dict[str, Any], word: str) -> None:
    """And no secret is repeated."""
    with pytest.raises(UsageError) as refused:
        convert(user, "aks")
    assert word in refused.value.message
    assert "s3cret" not in str(refused.value)


def test_what_changes_nothing_is_left_out_with_a_note() -> None:
    converted = convert(
        user_of("--login", "azd", "--token-cache-dir", "/x", "--timeout", "5s", "--legacy=false"), "aks"
    )
    assert [note.split()[0] for note in converted.notes] == ["--token-cache-dir", "--timeout"]


def test_a_refused_user_leaves_the_file_as_it_is(at_entra: Program, cluster: ApiServer) -> None:
    require("kubectl")
    path = kubeconfig(at_entra, cluster, user_of("--login", "ropc"))
    before = path.read_bytes()
    done = at_entra("kube", "convert", "--kubeconfig", str(path))
    assert (done.code, done.raw) == (2, b"")
    assert (
        "The user clusterUser_group_aks: kubelogin's login 'ropc' has no counterpart. Nothing was changed." in done.err
    )
    assert path.read_bytes() == before


def test_a_kubeconfig_that_cannot_be_read(at_entra: Program, tmp_path: Path) -> None:
    """Absent, not YAML, a context that is not there, several files."""
    require("kubectl")
    path = tmp_path / "config.yaml"
    assert "There is no kubeconfig" in at_entra("kube", "convert", "--kubeconfig", str(path)).err
    path.write_text("{")
    assert "kubectl cannot read" in at_entra("kube", "convert", "--kubeconfig", str(path)).err
    path.write_text("apiVersion: v1\nkind: Config\n")
    assert "no context 'x'" in at_entra("kube", "convert", "--kubeconfig", str(path), "--context", "x").err
    assert "several files" in at_entra("kube", "convert", KUBECONFIG=f"{path}:{path}").err
