"""The keyring backend for Azure Artifacts: keyring itself, and real pip, uv and twine with a feed that checks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keyring
import keyring.backend
import keyring.backends.chainer
import pytest
from tests.support.at_entra import NADIA, sign_in
from tests.support.feed_server import HOST, SIMPLE, UPLOAD, FeedServer, wheel
from tests.support.program import Program

from entra_emulator import Emulator
from mstoken.integrations.keyring import feed_url, register
from mstoken.stores import vault_key

BIN = Path(sys.executable).parent
USER = "VssSessionToken"
AzureArtifacts: Any = register()
Chainer: Any = keyring.backends.chainer.ChainerBackend


@pytest.fixture
def feed(entra: Emulator, tmp_path: Path) -> Iterator[FeedServer]:
    folder = tmp_path / "server"
    folder.mkdir()
    with FeedServer(entra, folder) as made:
        yield made


def run(program: Program, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of this virtual environment, without a terminal."""
    private = {"PIP_CONFIG_FILE": "/dev/null", "UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(program.folder / "uv")}
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        env=program.environment | private | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=program.folder,
        timeout=120,
    )


def pip(program: Program, provider: str, index: str = SIMPLE) -> subprocess.CompletedProcess[str]:
    options = ["--no-input", "--no-cache-dir", "--disable-pip-version-check", "--no-deps", "--dest", "got"]
    return run(
        program,
        "python",
        "-m",
        "pip",
        "download",
        *options,
        "--keyring-provider",
        provider,
        "--index-url",
        index,
        "demo",
    )


def test_keyring_finds_the_backend() -> None:
    """By the entry point that the package registers."""
    assert AzureArtifacts in {type(backend) for backend in keyring.backend.get_all_keyring()}


@pytest.mark.parametrize(
    ("provider", "index"),
    [
        ("import", SIMPLE),
        ("import", SIMPLE.replace("://", f"://{USER}@")),
        ("subprocess", SIMPLE.replace("://", f"://{USER}@")),
    ],
    ids=["import", "import, with a user name", "subprocess"],
)
def test_pip_installs_from_a_feed(at_entra: Program, feed: FeedServer, provider: str, index: str) -> None:
    """The application's token is the password, as it is."""
    at_entra.environment |= feed.environment()
    elsewhere = at_entra.folder / "pipx"  # pip starts no keyring of the environment that it runs in
    elsewhere.mkdir()
    (elsewhere / "keyring").symlink_to(BIN / "keyring")
    at_entra.environment["PATH"] = f"{elsewhere}:{at_entra.environment['PATH']}"
    done = pip(at_entra, provider, index)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (at_entra.folder / "got").iterdir()] == ["demo-1.0-py3-none-any.whl"]
    assert {scheme for scheme, _ in feed.accepted} == {"Basic"}
    assert feed.exchanges == []


def test_uv_installs_from_a_feed(at_entra: Program, feed: FeedServer) -> None:
    """uv starts `keyring get URL USER`, so the index has the user name."""
    at_entra.environment |= feed.environment()
    index = SIMPLE.replace("://", f"://{USER}@")
    options = ["--keyring-provider", "subprocess", "--index-url", index, "--target", "got", "--no-cache"]
    done = run(at_entra, "uv", "pip", "install", *options, "--python", sys.executable, "demo")
    assert done.returncode == 0, done.stderr
    assert (at_entra.folder / "got" / "demo.py").exists()


def test_uv_without_a_user_name(at_entra: Program, feed: FeedServer) -> None:
    """With `authenticate = "always"` uv starts `keyring --mode creds get URL`."""
    at_entra.environment |= feed.environment()
    (at_entra.folder / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["demo"]\n'
        f'[[tool.uv.index]]\nname = "feed"\nurl = "{SIMPLE}"\ndefault = true\nauthenticate = "always"\n'
    )
    done = run(at_entra, "uv", "lock", "--keyring-provider", "subprocess", "--python", sys.executable, UV_NO_CONFIG="0")
    assert done.returncode == 0, done.stderr
    assert 'name = "demo"' in (at_entra.folder / "uv.lock").read_text()


def test_twine_publishes_to_a_feed(at_entra: Program, feed: FeedServer) -> None:
    at_entra.environment |= feed.environment()
    path = at_entra.folder / "demo-1.0-py3-none-any.whl"
    path.write_bytes(wheel())
    done = run(at_entra, "twine", "upload", "--non-interactive", "--repository-url", UPLOAD, str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert feed.uploads == [path.name]


def test_a_users_token_is_exchanged_once(anonymous: Program, feed: FeedServer, entra: Emulator) -> None:
    """For a session token for packages that ends with the user's token; the next pip uses the same one."""
    sign_in(anonymous, entra)
    anonymous.environment |= feed.environment()
    before = len(entra.token_requests)
    for provider in ("import", "import"):
        done = pip(anonymous, provider)
        assert done.returncode == 0, done.stderr
    [exchange] = feed.exchanges
    assert (exchange["scope"], exchange["displayName"]) == ("vso.packaging_write", "mstoken")
    assert exchange["validTo"].endswith("Z")
    assert {claims["upn"] for _, claims in feed.accepted} == {NADIA}
    assert len(entra.token_requests) == before + 1
    assert "2 cached access tokens" in anonymous("logout").err  # the session token too


@pytest.mark.parametrize(
    "issuer", ["https://evil.example/", "http://vssps.dev.azure.com/contoso/", "https://dev.azure.com.evil.example/"]
)
def test_a_token_goes_only_to_hosts_of_azure_devops(
    anonymous: Program, feed: FeedServer, entra: Emulator, issuer: str
) -> None:
    """A feed cannot send the token elsewhere; the user's token itself is then the password."""
    sign_in(anonymous, entra)
    feed.issuer, feed.issuing = issuer, False
    anonymous.environment |= feed.environment()
    done = run(anonymous, "keyring", "get", SIMPLE, USER)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == anonymous("get", "ado", "--tenant", feed.tenant).out.strip()
    assert {request.method for request in feed.requests} == {"GET"}


def test_an_exchange_that_fails_leaves_the_users_token(anonymous: Program, feed: FeedServer, entra: Emulator) -> None:
    sign_in(anonymous, entra)
    feed.issuing = False
    anonymous.environment |= feed.environment()
    done = pip(anonymous, "import")
    assert done.returncode == 0, done.stderr


def test_the_tenant_is_the_feeds(at_entra: Program, feed: FeedServer, entra: Emulator) -> None:
    """As its 401 says; the anonymous request for it is sent once a day."""
    customer = entra.state.default_customer
    assert customer is not None
    feed.tenant = customer.id
    at_entra.environment |= feed.environment()
    for _ in range(2):
        assert run(at_entra, "keyring", "get", SIMPLE, USER).returncode == 0
        assert entra.token_requests[-1].path.startswith(f"/{customer.id}/")
    assert len(feed.requests) == 1


def test_keyring_prints_user_name_and_password(at_entra: Program, feed: FeedServer) -> None:
    """`--mode creds`, and a bare host, which pip and uv ask for after the URL."""
    at_entra.environment |= feed.environment()
    token = at_entra("get", "ado").out.strip()
    for service in (HOST, "contoso.pkgs.visualstudio.com"):
        done = run(at_entra, "keyring", "--mode", "creds", "get", service)
        assert (done.returncode, done.stdout.split(), done.stderr) == (0, [USER, token], "")
    assert run(at_entra, "keyring", "get", HOST, "me").stdout.strip() == token


def test_other_services_are_not_ours(at_entra: Program, entra: Emulator) -> None:
    """No output, no request; keyring reports that it found nothing."""
    before = len(entra.token_requests)
    for service in (
        "https://pypi.example/simple/",
        "pkgs.dev.azure.com.evil.example",
        "http://pkgs.dev.azure.com/x",
        "mstoken",
    ):
        done = run(at_entra, "keyring", "get", service, USER)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert len(entra.token_requests) == before


@pytest.mark.parametrize(
    "garbage", ["", "::", "https://", "\x00", "https://[::1", "pkgs.dev.azure.com:444", "https://a@b@c"]
)
def test_garbage_is_not_a_feed(garbage: str) -> None:
    assert feed_url(garbage) == ""


def test_without_an_identity_keyring_finds_nothing(anonymous: Program) -> None:
    """No message: pip asks for every index, and keyring's other backends may know the password."""
    done = run(anonymous, "keyring", "get", HOST, USER)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_when_a_person_must_sign_in_it_says_so(anonymous: Program, feed: FeedServer, entra: Emulator) -> None:
    """pip goes on without a password; standard error has the command that signs in."""
    sign_in(anonymous, entra)
    entra.revoke(NADIA)
    anonymous.environment |= feed.environment()
    done = run(anonymous, "keyring", "get", SIMPLE, USER)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("mstoken: error: AADSTS")
    assert "next: " in done.stderr
    assert "mstoken login" in done.stderr
    again = pip(anonymous, "import")
    assert again.returncode == 1
    assert "mstoken login" in again.stderr
    assert "Keyring is skipped" not in again.stderr


def test_it_stores_nothing() -> None:
    """keyring's chain then asks the next backend."""
    with pytest.raises(NotImplementedError):
        AzureArtifacts().set_password("https://pkgs.dev.azure.com/x", "me", "secret")
    with pytest.raises(NotImplementedError):
        AzureArtifacts().delete_password("https://pkgs.dev.azure.com/x", "me")


class Weak:
    """A keyring that stores secrets as plain text has such a priority. Not registered, so other tests do not get it."""

    priority = 0.5


class Strong:
    priority = 5.0


@pytest.mark.parametrize(
    ("backends", "usable"),
    [
        ([AzureArtifacts()], False),
        ([AzureArtifacts(), Weak()], False),
        ([AzureArtifacts(), Strong(), Weak()], True),
        ([Strong()], True),
    ],
    ids=["alone", "before a weak one", "before a strong one", "absent"],
)
def test_the_vaults_key_is_stored_only_where_the_next_backend_protects_it(
    backends: list[object], usable: object
) -> None:
    """The backend's priority must not make a keyring of plain text look protected."""
    assert vault_key._usable(SimpleNamespace(priority=10.0, backends=backends)) is usable
    if len(backends) == 1:
        assert vault_key._usable(backends[0]) is usable


def test_keyrings_chain_has_a_list_of_backends() -> None:
    """That is how it is recognized."""
    assert isinstance(Chainer().backends, list)
