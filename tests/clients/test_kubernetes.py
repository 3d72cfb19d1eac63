"""kubelogin, unchanged, alone and as the exec plugin of Kubernetes' client-go: tests/clients/kubernetes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.azure_cli import RealAz
from tests.support.builds import KUBERNETES
from tests.support.certificates import identity
from tests.support.cluster import SERVER_APP, VERSION, Cluster
from tests.support.language_client import MICROSOFT
from tests.support.oidc_issuer import OidcIssuer
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from entra_emulator.model import Certificate
from mstoken.protocol.jwt import decode

pytestmark = pytest.mark.languages
both_ways = pytest.mark.parametrize("authority", ["by name", "by URL"], indirect=True)
CLIENT_APP = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"  # "Azure Kubernetes Service AAD Client", for people
_CODE = re.compile(r"open the page (https://\S+) and enter the code (\S+)")


@pytest.fixture(scope="module")
def programs() -> Path:
    """The folder with kubelogin and the client."""
    return KUBERNETES.output()


@pytest.fixture
def authority(entra: Emulator, request: pytest.FixtureRequest) -> str:
    """The host's address: Microsoft's own, through the proxy, or the emulator's."""
    return f"{MICROSOFT}/" if request.param == "by name" else f"{entra.authority}/"


@pytest.fixture
def cluster(entra: Emulator) -> Iterator[Cluster]:
    made = Cluster(entra)
    yield made
    made.close()


class Kubelogin:
    """kubelogin's command line, and the client that starts it."""

    def __init__(self, programs: Path, folder: Path, entra: Emulator, authority: str) -> None:
        self._programs, self._folder, self._entra = programs, folder, entra
        tenant = ["--tenant-id", entra.state.default_tenant.id, "--authority-host", authority]
        # Without this option, the application in the emulator's environment replaces the one of the options.
        self._usual = ["--server-id", SERVER_APP, *tenant, "--disable-environment-override"]
        self.environment = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}

    def command(self, mode: str, *options: str) -> list[str]:
        cache = ["--cache-dir", str(self._folder / "cache")]
        return [str(self._programs / "kubelogin"), "get-token", "--login", mode, *self._usual, *cache, *options]

    def run(self, mode: str, *options: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            self.command(mode, *options), env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    def token(self, mode: str, *options: str) -> dict[str, Any]:
        """The claims of the token in the ExecCredential that `get-token` prints."""
        return claims_of_credential(self.run(mode, *options))

    def through_client_go(self, cluster: Cluster, mode: str, *options: str) -> subprocess.CompletedProcess[str]:
        """The version of a cluster, requested by client-go with kubelogin as its exec plugin."""
        config = cluster.kubeconfig(self._folder, self.command(mode, *options), self.environment)
        return subprocess.run(
            [str(self._programs / "kubernetes"), str(config)], capture_output=True, text=True, check=False, timeout=60
        )


def claims_of_credential(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.returncode == 0, result.stderr
    printed = json.loads(result.stdout)
    assert printed["kind"] == "ExecCredential"
    return dict(decode(printed["status"]["token"]).claims)


@pytest.fixture
def kubelogin(programs: Path, tmp_path: Path, entra: Emulator, authority: str) -> Kubelogin:
    return Kubelogin(programs, tmp_path, entra, authority)


def as_application(entra: Emulator, secret: str = "") -> list[str]:
    app = entra.state.default_app
    return ["--client-id", app.id, "--client-secret", secret or app.secrets[0].value]


@both_ways
def test_a_service_principals_secret(kubelogin: Kubelogin, cluster: Cluster, entra: Emulator) -> None:
    """The token is the application's, for AKS, and the cluster accepts it from client-go."""
    claims = kubelogin.token("spn", *as_application(entra))
    assert (claims["aud"], claims["appid"]) == (SERVER_APP, entra.state.default_app.id)
    result = kubelogin.through_client_go(cluster, "spn", *as_application(entra))
    assert (result.returncode, result.stdout) == (0, f"{VERSION}\n"), result.stderr
    assert [caller["appid"] for caller in cluster.callers] == [entra.state.default_app.id]


def test_the_environment_of_the_emulator(programs: Path, tmp_path: Path, entra: Emulator) -> None:
    """kubelogin finds tenant, application and secret in the environment that the emulator gives a command."""
    command = [str(programs / "kubelogin"), "get-token", "--login", "spn", "--server-id", SERVER_APP]
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert claims_of_credential(result)["appid"] == entra.state.default_app.id


@both_ways
def test_a_service_principals_certificate(kubelogin: Kubelogin, entra: Emulator, tmp_path: Path) -> None:
    """A PEM file with certificate and key."""
    made = identity(1)
    entra.state.default_app.certificates = [Certificate(made.certificate_pem().decode())]
    file = tmp_path / "certificate.pem"
    file.write_bytes(made.pem())
    options = ["--client-id", entra.state.default_app.id, "--client-certificate", str(file)]
    assert kubelogin.token("spn", *options)["appid"] == entra.state.default_app.id


@both_ways
def test_a_workload_identity(
    kubelogin: Kubelogin, cluster: Cluster, entra: Emulator, issuer: OidcIssuer, tmp_path: Path
) -> None:
    """A pod's projected token, from an issuer that the application trusts; a token for another subject is refused."""
    file = tmp_path / "token"
    options = ["--client-id", entra.state.default_app.id, "--federated-token-file", str(file)]
    file.write_text(issuer.token(sub="system:serviceaccount:default:other"))
    assert "AADSTS700213" in kubelogin.run("workloadidentity", *options).stderr
    file.write_text(issuer.token())
    assert kubelogin.through_client_go(cluster, "workloadidentity", *options).stdout == f"{VERSION}\n"


@both_ways
def test_a_device_code(kubelogin: Kubelogin, nadia: ScriptedUser) -> None:
    """Nadia enters the code that kubelogin prints on standard error."""
    command = kubelogin.command("devicecode", "--client-id", CLIENT_APP)
    environment = {**os.environ, **kubelogin.environment}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        said = ""
        for line in process.stderr:
            said += line
            if found := _CODE.search(line):
                nadia.enter_code(*found.groups())
                break
        result = subprocess.CompletedProcess(command, process.wait(60), process.stdout.read(), said)
    assert claims_of_credential(result)["upn"] == nadia.answers["username"]


@both_ways
def test_a_users_password(kubelogin: Kubelogin, entra: Emulator) -> None:
    """Otto's password; a wrong one is 50126."""
    otto = ["--client-id", CLIENT_APP, "--username", "otto@northwind-partner.example", "--password"]
    assert "AADSTS50126" in kubelogin.run("ropc", *otto, "wrong").stderr
    assert kubelogin.token("ropc", *otto, entra.state.settings.password)["upn"] == otto[3]


@pytest.mark.parametrize("authority", ["by URL"], indirect=True)
def test_the_azure_clis_sign_in(kubelogin: Kubelogin, cluster: Cluster, entra: Emulator, tmp_path: Path) -> None:
    """kubelogin runs `az`, which is signed in as the application."""
    (tmp_path / "az").mkdir()
    az = RealAz(tmp_path / "az", entra)
    az.sign_in_as_application()
    kubelogin.environment |= az.environment
    result = kubelogin.through_client_go(cluster, "azurecli")
    assert (result.returncode, result.stdout) == (0, f"{VERSION}\n"), result.stderr


@both_ways
def test_a_wrong_secret(kubelogin: Kubelogin, cluster: Cluster, entra: Emulator) -> None:
    """The plugin fails with Entra's words, so that client-go sends no request without a token."""
    result = kubelogin.through_client_go(cluster, "spn", *as_application(entra, "wrong"))
    assert result.returncode == 1
    assert "AADSTS7000215" in result.stderr
    assert not cluster.callers


@pytest.mark.parametrize("authority", ["by URL"], indirect=True)
def test_a_token_for_another_api(kubelogin: Kubelogin, cluster: Cluster, entra: Emulator) -> None:
    """A cluster refuses a token that is not for AKS, and client-go reports that."""
    options = ["--server-id", "https://management.azure.com", *as_application(entra)]
    result = kubelogin.through_client_go(cluster, "spn", *options)
    assert result.returncode == 1
    assert "the server has asked for the client to provide credentials" in result.stderr
