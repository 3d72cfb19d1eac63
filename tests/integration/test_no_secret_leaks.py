"""After a full run no secret stands in clear in any file on disk, in any log at debug level, or in any traceback."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import get_args
from urllib.parse import quote_plus

import pytest
from tests.support.certificates import Identity, identity
from tests.support.program import Program, RunResult
from tests.support.redis_server import KEY, PASSWORD, QUOTED, RedisServer
from tests.support.unsigned_tokens import jwt, user_v2

from entra_emulator import Emulator
from mstoken import (
    AgentIdentity,
    AgentUser,
    AsyncClient,
    AuthorizationCode,
    AzureCli,
    AzureDeveloperCli,
    AzurePowerShell,
    Browser,
    CallbackAssertion,
    Client,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    DeviceCode,
    FmiPath,
    ManagedIdentity,
    MstokenError,
    OnBehalfOf,
    Password,
    RefreshToken,
    Stores,
    WorkloadIdentity,
    redis_stores,
)
from mstoken.credentials import Chain, ChainLink, Credential
from mstoken.flows.store_port import TokenInfo
from mstoken.stores.user_folders import is_in_memory
from mstoken.stores.user_stores import user_stores

NADIA = "nadia@northwind-partner.example"
OTTO = "otto@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
WRONG = "wrong~hunter2-secret"
PASSWORDS = "right+hunter2/password", "wrong+hunter2/password"
ASSERTION = jwt(user_v2(name="hunter2"))


@pytest.fixture(scope="module")
def entra() -> Iterator[Emulator]:
    """A local Entra ID, all of whose secrets are known."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder on a disk: there, nothing may be clear."""
    for place in (tempfile.gettempdir(), "/var/tmp", str(Path.home())):  # noqa: S108
        if os.access(place, os.W_OK) and not is_in_memory(place):
            made = Path(tempfile.mkdtemp(dir=place, prefix="mstoken-test-"))
            yield made
            shutil.rmtree(made)
            return
    pytest.skip("no writable folder on a disk")


def _forms(secret: str) -> Iterable[bytes]:
    """How a secret may be written: as it is, in part, in a form or URL, as base64."""
    for base64url_json in {secret, secret[:40], secret[-40:]}:
        yield base64url_json.encode()
        yield quote_plus(base64url_json).encode()
        yield base64.b64encode(base64url_json.encode())[: len(base64url_json)]


def _found(secrets: Iterable[str], places: dict[str, bytes]) -> list[str]:
    """Where which secret is seen, by its first letters."""
    forms = {form for secret in secrets if len(secret) >= 8 for form in _forms(secret)}
    assert forms
    return [f"{where}: {form[:12]!r}…" for where, content in places.items() for form in forms if form in content]


def _files(folder: Path) -> dict[str, bytes]:
    files = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files
    return files


def _secrets(entra: Emulator, *more: str) -> list[str]:
    """Every secret and refresh token that the emulator knows, and more."""
    own = [secret.value for app in entra.state.apps.values() for secret in app.secrets]
    return [*own, *entra.state.refresh_tokens.issued, *more]


def test_the_scan_finds_a_planted_secret(tmp_path: Path) -> None:
    """A secret as it is, in a form, or as base64 is found, so that finding none means something."""
    secret = "8Q~s3cret+with/odd=signs"
    encoded = base64.b64encode(secret.encode()).decode()
    for number, form in enumerate([secret, f"client_secret={quote_plus(secret)}", encoded]):
        (tmp_path / str(number)).write_text(f"before {form} after")
    assert {line.rpartition(": ")[0] for line in _found([secret], _files(tmp_path))} == set(_files(tmp_path))


def test_no_file_and_no_message_of_the_program_holds_a_secret(entra: Emulator, disk: Path) -> None:
    """Signing in, asking, failing, renewing, showing and clearing, with tracebacks on: in no file and in no message."""
    program = Program(disk)
    (disk / "tmp").mkdir()
    program.environment |= entra.environment() | {
        "MSTOKEN_CACHE_DIR": str(disk / "cache"),
        "MSTOKEN_CONFIG_DIR": str(program.config),
        "TMPDIR": str(disk / "tmp"),
        "MSTOKEN_DEBUG": "1",
        "PYTHONDEVMODE": "1",
        "PYTHONWARNINGS": "ignore",
    }
    tokens: list[str] = []
    said: dict[str, bytes] = {}

    def run(*arguments: str, stdin: str = "", **environment: str) -> RunResult:
        result = program(*arguments, stdin=stdin, **environment)
        if arguments[0] == "get":
            tokens.append(result.out.strip())
        else:
            said[f"stdout of {arguments}"] = result.raw
        said[f"stderr of {arguments} {sorted(environment)}"] = result.err.encode()
        return result

    assert run("login", "--profile", "work", stdin=entra.sign_in(NADIA)).code == 0
    assert run("get", "graph").code == 0
    assert run("get", "arm", "--profile", "work").code == 0
    assert run("request", "GET", "https://graph.microsoft.com/v1.0/organization").code == 0
    assert run("get", "vault", AZURE_CLIENT_SECRET=WRONG).code == 4
    assert run("get", "vault", MSTOKEN_REFRESH_TOKEN=WRONG, AZURE_CLIENT_SECRET="").code in {3, 4}
    assert run("get", "vault", AZURE_AUTHORITY_HOST="https://127.0.0.1:9").code == 5
    assert run("get", "vault", MSTOKEN_STORE=f"redis://{QUOTED}@127.0.0.1:9").code == 0
    assert run("get", "graph", MSTOKEN_CACHE_DIR="/proc/nobody").code == 0
    for arguments in (
        ("cache", "show"),
        ("accounts", "-o", "json"),
        ("keepalive", "--older-than", "0"),
        ("doctor",),
        ("cache", "clear"),
    ):
        run(*arguments)
    secrets = _secrets(entra, WRONG, PASSWORD, program.environment["MSTOKEN_VAULT_KEY"], *filter(None, tokens))
    assert len(secrets) > 8
    assert "Traceback" not in "".join(map(bytes.decode, said.values()))
    assert _found(secrets, said) == []
    (program.config / "config.toml").read_text()  # it is there and is scanned
    assert _found(secrets, _files(disk)) == []


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis server that writes all it gets to its disk."""
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture
def own_environment(entra: Emulator, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process's environment: the emulator's, with a known key of the vault."""
    for name, value in {**entra.environment(), "MSTOKEN_VAULT_KEY": base64.b64encode(KEY).decode()}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MSTOKEN_CACHE_DIR", str(disk / "cache"))


@pytest.mark.usefixtures("own_environment")
@pytest.mark.parametrize("kind", ["user", "redis"])
def test_no_log_traceback_or_store_of_the_library_holds_a_secret(
    entra: Emulator,
    disk: Path,
    tmp_path: Path,
    redis: RedisServer,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    """Both clients, a person and an application, answers and refusals; every logger of the process at debug level."""
    caplog.set_level(logging.DEBUG)
    stores: Stores = redis_stores(redis.url, KEY) if kind == "redis" else user_stores()
    app, tenant = entra.state.default_app, entra.state.default_tenant.id
    good, bad = ClientSecret(app.secrets[0].value), ClientSecret(WRONG)
    stores.refresh_tokens.put("account:nadia", entra.sign_in(NADIA), TokenInfo(entra.authority, tenant, app.id))
    seen: list[object] = [stores, stores.access_tokens, stores.refresh_tokens]
    tokens: list[str] = []

    def attempt(call: Callable[[], object]) -> None:
        try:
            seen.append(token := call())
            tokens.append(getattr(token, "token", ""))
        except MstokenError as error:
            seen.extend(["".join(traceback.format_exception(error)), error, error.args, vars(error)])

    otto = entra.state.user(OTTO)
    assert otto
    otto[1].password = PASSWORDS[0]
    strangers = identity(1)
    key = strangers.pem().split(b"PRIVATE KEY-----")[1].splitlines()[2].decode()
    people = (RefreshToken(account="nadia", client=good), RefreshToken(entra.sign_in(NADIA), good))
    more = (RefreshToken(WRONG, good), RefreshToken(account="nadia", client=bad), OnBehalfOf(ASSERTION, good))
    public = tuple(Password(OTTO, password) for password in PASSWORDS)
    others = _others(strangers, bad, tmp_path, entra.authority)
    credentials: list[Credential] = [good, bad, *people, *more, *public, *others]
    assert {type(credential) for credential in credentials} == set(get_args(Credential))
    for credential in credentials:
        client_id = PUBLIC_APP if credential in public else app.id
        client = Client(tenant, client_id, credential, entra.authority, stores)
        seen.append(client)
        for service in ("graph",) if credential in others else ("graph", "arm"):
            attempt(partial(client.get_token, service, fresh=True))
            attempt(partial(_by_asyncio, client, service))
    assert len([token for token in tokens if token]) >= 8
    assert len([one for one in seen if isinstance(one, str) and "Traceback" in one]) >= 4
    own = (WRONG, *PASSWORDS, ASSERTION, key, base64.b64encode(KEY).decode())
    secrets = _secrets(entra, *own, *filter(None, tokens))
    places = {"the log": caplog.text.encode(), "reprs and tracebacks": repr(seen).encode()}
    assert _found(secrets, places | _files(disk if kind == "user" else redis.folder)) == []


def _others(strangers: Identity, bad: ClientSecret, folder: Path, authority: str) -> list[Credential]:
    """One of each class that has a test of its own elsewhere: here it fails, and says so."""
    (folder / "assertion").write_text(ASSERTION)
    nobody: dict[str, str] = {"PATH": "", "HOME": str(folder)}
    machine = {"IDENTITY_ENDPOINT": f"{authority}/msi", "IDENTITY_HEADER": WRONG}
    code = AuthorizationCode(WRONG, "http://localhost", verifier=WRONG, client=bad, nonce=WRONG)
    return [
        ClientCertificate(data=strangers.pem()),
        ClientKey(lambda *_: WRONG.encode(), strangers.certificate_pem()),
        ClientAssertion(CallbackAssertion(lambda: ASSERTION)),
        code,
        Browser(client=bad, open_browser=lambda _: False, show=lambda _: None, timeout_in=0.1),
        DeviceCode(lambda _: _decline(), client=bad),
        FmiPath(bad, "path"),
        AgentIdentity(bad, "11111111-2222-4333-8444-555555555555"),
        AgentUser(AgentIdentity(bad, "11111111-2222-4333-8444-555555555555"), username=NADIA),
        ManagedIdentity(environment=machine),
        WorkloadIdentity(str(folder / "assertion")),
        *(tool(environment=nobody) for tool in (AzureCli, AzurePowerShell, AzureDeveloperCli)),
        Chain((ChainLink("environment", "", "", bad),)),
    ]


def _decline() -> None:
    """The user of a device code goes away."""
    raise ValueError(WRONG[:4])


def _by_asyncio(client: Client, service: str) -> object:
    async def main() -> object:
        arguments = (client.authority.tenant, client.client_id, client.credential, client.authority, client._stores)
        async with AsyncClient(*arguments) as other:
            return await other.get_token(service, fresh=True)

    return asyncio.run(main())
