"""`docker-credential-mstoken`: Docker's protocol, and skopeo with a real registry that validates the tokens."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.at_entra import NADIA, sign_in
from tests.support.named_hosts import NamedHosts
from tests.support.program import MSTOKEN, Program, RunResult
from tests.support.programs import require
from tests.support.registry import HOST, SERVICE, Registry
from tests.support.token_service import Reply

from entra_emulator import Emulator
from mstoken.errors import UsageError
from mstoken.integrations.docker import HelperError, check_operation, registry_host

USERNAME = "00000000-0000-0000-0000-000000000000"
NOT_FOUND = "credentials not found in native keychain\n"
HELPER = MSTOKEN.with_name("docker-credential-mstoken")


def helper(program: Program, operation: str, stdin: str = "") -> RunResult:
    """Start the helper as Docker does."""
    done = subprocess.run(
        [HELPER, operation],
        input=stdin.encode(),
        capture_output=True,
        env=program.environment,
        cwd=program.folder,
        check=False,
        timeout=60,
    )
    return RunResult(done.returncode, done.stdout, done.stderr.decode())


def by_name(program: Program, entra: Emulator) -> None:
    """Let the program reach the emulator's registries under their names."""
    program.environment["HTTPS_PROXY"] = entra.proxy


@pytest.fixture
def registry(entra: Emulator, tmp_path: Path) -> Iterator[Registry]:
    require("docker-registry")
    folder = tmp_path / "registry"
    folder.mkdir()
    with Registry(entra, folder) as made:
        yield made


def test_skopeo_pushes_and_pulls(at_entra: Program, registry: Registry, entra: Emulator) -> None:
    """A registry that takes only tokens for its own operations; one token request at Entra for all."""
    require("skopeo")
    at_entra.environment |= registry.environment()
    (at_entra.folder / ".docker").mkdir()
    (at_entra.folder / ".docker" / "config.json").write_text(json.dumps({"credHelpers": {HOST: "mstoken"}}))
    image = _image(at_entra.folder / "image")
    before, anonymous = len(entra.token_requests), {**at_entra.environment, "HOME": str(at_entra.folder / "nobody")}
    refused = _skopeo(anonymous, "copy", f"oci:{image}", f"docker://{HOST}/demo:1")
    assert refused.returncode != 0
    for arguments in (
        ["copy", f"oci:{image}", f"docker://{HOST}/demo:1"],
        ["copy", f"docker://{HOST}/demo:1", f"oci:{at_entra.folder / 'back'}"],
        ["list-tags", f"docker://{HOST}/demo"],
    ):
        done = _skopeo(at_entra.environment, *arguments)
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Tags"] == ["1"]
    assert (at_entra.folder / "back" / "index.json").exists()
    assert len(entra.token_requests) == before + 1
    assert len([request for request in registry.requests if request.path == "/oauth2/exchange"]) == 1


def _skopeo(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["skopeo", "--insecure-policy", *arguments],
        env={**environment, "XDG_RUNTIME_DIR": environment["HOME"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _image(folder: Path) -> Path:
    """Write an image without layers in the OCI layout."""
    import hashlib

    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(content: object) -> dict[str, object]:
        raw = json.dumps(content).encode()
        digest = hashlib.sha256(raw).hexdigest()
        (blobs / digest).write_bytes(raw)
        return {"digest": f"sha256:{digest}", "size": len(raw)}

    kinds = "application/vnd.oci.image."
    config = blob({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}, "config": {}})
    manifest = {"schemaVersion": 2, "mediaType": f"{kinds}manifest.v1+json", "layers": []}
    manifest["config"] = {"mediaType": f"{kinds}config.v1+json", **config}
    index = {"schemaVersion": 2, "manifests": [{"mediaType": f"{kinds}manifest.v1+json", **blob(manifest)}]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


def test_get_prints_the_registrys_refresh_token(at_entra: Program, entra: Emulator) -> None:
    """As docker-credential-helpers defines it. A second `get` comes from the cache; `list` names the registry."""
    by_name(at_entra, entra)
    first = helper(at_entra, "get", f"{HOST}\n")
    assert (first.code, first.err) == (0, "")
    answer = json.loads(first.out)
    assert (answer["ServerURL"], answer["Username"]) == (HOST, USERNAME)
    requests = len(entra.requests)
    again = json.loads(helper(at_entra, "get", f"https://{HOST}/v1/").out)
    assert again == {**answer, "ServerURL": f"https://{HOST}/v1/"}
    assert len(entra.requests) == requests
    assert json.loads(helper(at_entra, "list").out) == {f"https://{HOST}": USERNAME}


def test_erase_deletes_the_registrys_token(at_entra: Program, entra: Emulator) -> None:
    """`docker logout`; the next `get` exchanges again, with the same token of Entra."""
    by_name(at_entra, entra)
    helper(at_entra, "get", HOST)
    before = len(entra.token_requests)
    done = helper(at_entra, "erase", HOST)
    assert (done.code, done.raw, done.err) == (0, b"", "")
    assert json.loads(helper(at_entra, "list").out) == {}
    assert helper(at_entra, "get", HOST).code == 0
    assert len(entra.token_requests) == before


def test_a_user_gets_a_token_too(anonymous: Program, entra: Emulator) -> None:
    from mstoken.protocol.jwt import decode

    sign_in(anonymous, entra)
    by_name(anonymous, entra)
    done = helper(anonymous, "get", HOST)
    assert done.code == 0, done.err
    assert decode(json.loads(done.out)["Secret"]).claims["sub"] == NADIA


def test_store_is_refused(at_entra: Program) -> None:
    """A credential that would not be used must not seem stored; nothing of it is printed."""
    stored = json.dumps({"ServerURL": HOST, "Username": "me", "Secret": "s3cret"})
    done = helper(at_entra, "store", stored)
    assert (done.code, done.err) == (1, "")
    assert "docker login is not needed" in done.out
    assert "s3cret" not in done.out


@pytest.mark.parametrize("server", ["index.docker.io", "http://northwind.azurecr.io", f"{HOST}:5000", "::", "\x00"])
def test_other_servers_have_no_credentials(at_entra: Program, entra: Emulator, server: str) -> None:
    """The line with which Docker goes on without; no request, no message."""
    before = len(entra.requests)
    done = helper(at_entra, "get", server)
    assert (done.code, done.out, done.err) == (1, NOT_FOUND, "")
    assert len(entra.requests) == before


def test_without_an_identity_docker_goes_on(anonymous: Program) -> None:
    """An image may be public. What to do is on standard error."""
    done = helper(anonymous, "get", HOST)
    assert (done.code, done.out) == (1, NOT_FOUND)
    assert "No identity is available." in done.err


def test_when_a_person_must_sign_in_docker_shows_it(anonymous: Program, entra: Emulator) -> None:
    """One line on standard output, which Docker prints, with the command."""
    sign_in(anonymous, entra)
    by_name(anonymous, entra)
    entra.revoke(NADIA)
    done = helper(anonymous, "get", HOST)
    assert done.code == 1
    assert done.out.startswith("mstoken: ")
    assert "mstoken login" in done.out
    assert done.out.count("\n") == 1
    assert done.err.startswith("mstoken: error: AADSTS")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(401, {"errors": []}), "refused the token (401)"),
        (Reply(404, ""), "answered 404"),
        (Reply(429, ""), "slow down"),
        (Reply(503, "<html>"), "answered 503"),
        (Reply(200, "<html>"), "without a refresh token"),
        (Reply(200, {"refresh_token": "a\nb"}), "without a refresh token"),
        (Reply(200, []), "without a refresh token"),
    ],
    ids=["401", "404", "429", "503", "html", "two lines", "a list"],
)
def test_a_registry_that_answers_otherwise(
    at_entra: Program, entra: Emulator, tmp_path: Path, reply: Reply, said: str
) -> None:
    folder = tmp_path / "hosts"
    folder.mkdir()
    with NamedHosts(entra, folder, SERVICE, HOST) as server:
        server.script = [reply]
        at_entra.environment |= server.environment()
        done = helper(at_entra, "get", HOST)
    assert done.code == 1
    assert said in done.out
    assert done.out.count("\n") == 1


def test_a_registry_of_another_cloud_is_refused(at_entra: Program, entra: Emulator) -> None:
    """No token of this cloud goes there."""
    before = len(entra.requests)
    done = helper(at_entra, "get", "northwind.azurecr.us")
    assert done.code == 1
    assert "usgov" in done.out
    assert len(entra.requests) == before


def test_version_and_unknown_operations(at_entra: Program) -> None:
    assert helper(at_entra, "version").out.startswith("docker-credential-mstoken (mstoken) ")
    done = helper(at_entra, "fetch")
    assert (done.code, done.out.startswith("unknown operation")) == (1, True)
    assert helper(at_entra, "get").out == "no credentials server URL\n"
    assert at_entra("docker-credential", "get", stdin="example.com").out == NOT_FOUND


def test_servers_of_docker() -> None:
    """A host, a URL, with a path or the default port; anything else is not ours."""
    assert registry_host("Contoso.azurecr.cn:443/team/image") == "contoso.azurecr.cn"
    assert registry_host("https://contoso.azurecr.io") == "contoso.azurecr.io"
    for other in ("azurecr.io", "contoso.azurecr.io.example", "ftp://contoso.azurecr.io", "a@contoso.azurecr.io"):
        assert registry_host(other) == ""
    with pytest.raises(UsageError):
        registry_host("")
    with pytest.raises(HelperError):
        check_operation("")


def test_the_console_script_is_on_the_path() -> None:
    """Docker finds a helper by its name alone."""
    assert shutil.which(str(HELPER))
