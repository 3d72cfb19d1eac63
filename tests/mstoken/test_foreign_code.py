"""Exceptions of foreign code become errors of mstoken at every seam; the seams are read from the source code.

A new `ForeignCode`, a new `except Exception` and a new function field of a credential fail here until they have a row.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import subprocess
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keyring
import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from keyring.backend import KeyringBackend
from tests.support import exceptions
from tests.support.certificates import identity
from tests.support.runners import AsyncioRunner, BlockingRunner, Runner, get_token_within
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, device_code_reply, token_reply

import mstoken
from mstoken import (
    Browser,
    CallbackAssertion,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    DeviceCode,
    MstokenError,
    RefreshToken,
    StoreError,
    TransportError,
    UsageError,
    credentials,
)
from mstoken.browser.launcher import open_url
from mstoken.config.secret_references import resolve
from mstoken.flows.store_port import AccessTokenStore, RefreshTokenStore, Stores
from mstoken.keys.pkcs11 import Pkcs11Key
from mstoken.protocol.http import HttpRequest, HttpResponse
from mstoken.rest.key_vault import key_vault_secret
from mstoken.stores import vault_key
from mstoken.stores.memory import memory_stores
from mstoken.stores.redis_connection import RedisConnection

SOURCE = Path(mstoken.__file__).parent
CERTIFICATE = identity(0).certificate_pem()
APPLICATION = ClientCertificate(data=identity(0).pem(), algorithm="RS256")


class Setup:
    """What a seam needs to raise `error`, blocking or under asyncio."""

    def __init__(
        self, error: BaseException, runner: Runner, service: TokenService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.error, self.runner, self.service, self.monkeypatch = error, runner, service, monkeypatch

    def throw(self, *_: object, **__: object) -> Any:
        raise self.error

    def client(self, credential: Any, **options: Any) -> Any:
        return self.runner.client(TENANT, CLIENT_ID, credential, self.service.url, **options)

    def get_token(self, credential: Any, **options: Any) -> None:
        client = self.client(credential, **options)
        try:
            self.runner.run(lambda: client.get_token("graph"))
        finally:
            self.runner.run(client.close)

    def sign_in(self, credential: Any) -> None:
        client = self.client(credential)
        try:
            self.runner.run(lambda: client.sign_in("graph"))
        finally:
            self.runner.run(client.close)


def assertion(setup: Setup) -> None:
    setup.get_token(ClientAssertion(CallbackAssertion(setup.throw)))


def signature(setup: Setup) -> None:
    setup.get_token(ClientKey(setup.throw, CERTIFICATE))


def certificate_of_key(setup: Setup) -> None:
    setup.get_token(ClientKey(lambda _data, _algorithm: b"", setup.throw))


def device_prompt(setup: Setup) -> None:
    setup.service.script = [device_code_reply()]
    setup.sign_in(DeviceCode(setup.throw))


def new_refresh_token(setup: Setup) -> None:
    setup.service.script = [token_reply(refresh_token="second")]
    setup.get_token(RefreshToken("first", on_new=setup.throw))


def shown_address(setup: Setup) -> None:
    setup.sign_in(Browser(show=setup.throw, open_browser=lambda _: True))


def opened_browser(setup: Setup) -> None:
    setup.sign_in(Browser(open_browser=setup.throw))


def keyring_reference(setup: Setup) -> None:
    with broken_keyring(setup.error):
        resolve("keyring:mstoken/app")


def command_reference(setup: Setup) -> None:
    setup.monkeypatch.setattr(subprocess, "Popen", setup.throw)
    resolve("command:pass show app")


def certificate_file(setup: Setup) -> None:
    setup.monkeypatch.setattr(serialization, "load_pem_private_key", setup.throw)
    setup.get_token(ClientCertificate(data=identity(0).pem()))


def certificate_signature(setup: Setup) -> None:
    APPLICATION.signer()  # loaded once: that takes long
    setup.monkeypatch.setattr(hashes, "SHA256", setup.throw)
    setup.get_token(APPLICATION)


def pkcs11_module(setup: Setup) -> None:
    setup.monkeypatch.setitem(sys.modules, "pkcs11", SimpleNamespace(lib=setup.throw))  # a module of HSMs, any of them
    setup.get_token(ClientKey(Pkcs11Key("/lib/hsm.so", "apps", "orders"), CERTIFICATE))


def access_token_store(setup: Setup) -> None:
    setup.get_token(ClientSecret("s"), stores=Stores(BrokenStore(setup), memory_stores().refresh_tokens))


def standard_error(setup: Setup) -> None:
    setup.service.script = [device_code_reply()]
    setup.monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=setup.throw, flush=setup.throw, encoding="ascii"))
    setup.sign_in(DeviceCode())


def transport(setup: Setup) -> None:
    given = AsyncThrower(setup) if isinstance(setup.runner, AsyncioRunner) else Thrower(setup)
    get_token_within(setup.runner, setup.client(ClientSecret("s"), transport=given), 0.01)


def key_vault_credential(setup: Setup) -> None:
    challenge = 'Bearer authorization="https://login.example/t", resource="https://vault.azure.net"'
    answers = SimpleNamespace(send=lambda _: HttpResponse(401, {"www-authenticate": challenge}, b""))
    key_vault_secret("app.vault.azure.net", "app", SimpleNamespace(get_token=setup.throw), answers)


def body_of_requests(setup: Setup) -> None:
    challenge = 'Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
    setup.service.script = [
        lambda request: token_reply() if "token" in request.path else Reply(401, {}, {"WWW-Authenticate": challenge})
    ]
    client = mstoken.Client(TENANT, CLIENT_ID, ClientSecret("s"), setup.service.url)
    auth = client.auth("api://orders/.default", origin=setup.service.url)
    body = UnseekableBody(b"body")
    body.setup = setup
    with client, requests.Session() as session:
        session.post(f"{setup.service.url}/orders", data=body, auth=auth, timeout=20)


def headers_of_requests(setup: Setup) -> None:
    client = setup.client(ClientSecret("s"))
    auth = client.auth("graph")
    request = SimpleNamespace(url="https://graph.microsoft.com/v1.0/me", headers=BrokenHeaders())
    request.headers.setup = setup

    async def first() -> None:
        await anext(auth.async_auth_flow(request))

    try:
        setup.runner.run(first if isinstance(setup.runner, AsyncioRunner) else lambda: auth(request))
    finally:
        setup.runner.run(client.close)


def progress_of_a_download(setup: Setup) -> None:
    """The transport calls it, between two reads of the socket."""
    setup.service.script = [lambda request: token_reply() if "token" in request.path else Reply(200, b"content")]
    client = setup.client(ClientSecret("s"))
    options = {"scope": "graph", "origin": setup.service.url, "on_progress": setup.throw, "retries": 0}
    with tempfile.TemporaryDirectory() as folder:
        try:
            setup.runner.run(lambda: client.download(f"{setup.service.url}/file", f"{folder}/file", **options))
        finally:
            setup.runner.run(client.close)


def redis_command(setup: Setup) -> None:
    import redis

    setup.monkeypatch.setattr(redis.Redis, "execute_command", setup.throw)
    RedisConnection("redis://127.0.0.1:1", bytes(32)).get("x")


def redis_url(setup: Setup) -> None:
    import redis

    setup.monkeypatch.setattr(redis.Redis, "from_url", setup.throw)
    RedisConnection("redis://127.0.0.1:1", bytes(32)).get("x")


SEAMS: dict[str, tuple[Callable[[Setup], None], type[MstokenError]]] = {
    "flows/federated_assertion.py:_CALLBACK": (assertion, UsageError),
    "credentials/certificate.py:_SIGN": (signature, UsageError),
    "credentials/certificate.py:_CERTIFICATE": (certificate_of_key, UsageError),
    "flows/refresh_token.py:_ON_NEW": (new_refresh_token, StoreError),
    "flows/device_code.py:_PROMPT": (device_prompt, UsageError),
    "flows/authorization_code.py:_SHOW": (shown_address, UsageError),
    "browser/sessions.py:_OPEN": (opened_browser, UsageError),
    "config/secret_references.py:_keyring": (keyring_reference, UsageError),
    "config/secret_references.py:_command": (command_reference, UsageError),
    "keys/certificate.py:_parsing": (certificate_file, UsageError),
    "keys/certificate.py:sign": (certificate_signature, UsageError),
    "keys/pkcs11.py:_calls": (pkcs11_module, UsageError),
    "runtimes/base.py:_STORE": (access_token_store, StoreError),
    "runtimes/base.py:_MESSAGES": (standard_error, UsageError),
    "foreign.py:TRANSPORT": (transport, TransportError),
    "rest/key_vault.py:_CREDENTIAL": (key_vault_credential, StoreError),
    "rest/partial_file.py:ON_PROGRESS": (progress_of_a_download, UsageError),
    "rest/bearer_auth.py:_BODY": (body_of_requests, UsageError),
    "rest/bearer_auth.py:_HEADERS": (headers_of_requests, UsageError),
    "stores/redis_connection.py:_run": (redis_command, StoreError),
    "stores/redis_connection.py:_client": (redis_url, UsageError),
}
"""Where foreign code is called -> how it is made to raise there, and the error's class."""

WORDED = {"keys/certificate.py:_parsing": (ValueError, TypeError)}
"""What cryptography documents has words of our own, without the cause, whose text names impossible reasons."""

FALLBACKS = {
    "browser/launcher.py:start",  # the address is shown in any case
    "stores/vault_key.py:_usable",  # no keyring
    "stores/vault_key.py:run",  # no keyring
    "stores/redis_connection.py:_run",  # a StoreError, see above
    "stores/redis_connection.py:_client",  # a UsageError, see above
    "foreign.py:text_of",
    "values.py:_shown",
    "runtimes/single_flight.py:_copied",
    "flows/single_flight.py:_renewed",
    "cli/error_handling.py:run",
    "cli/request_lines.py:_result",  # a record for the line
    "integrations/mcp/bridge.py:_call",  # an error for the client
    "cli/session_server.py:_answer",  # a record for the program that called
    "integrations/serving/service.py:answer",  # status 500 for the program that asked, and a line of the log
}
"""Every other `except Exception`: they handle it or raise it again."""


class BrokenStore:
    """Raises in every method."""

    slow = True

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def __getattr__(self, name: str) -> Any:
        return self._setup.throw


class Thrower:
    """A transport of somebody else."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def send(self, request: HttpRequest) -> HttpResponse:
        return self._setup.throw(request)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._setup.throw()


class AsyncThrower:
    """The same for asyncio."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    async def send(self, request: HttpRequest) -> HttpResponse:
        return self._setup.throw(request)  # type: ignore[no-any-return]

    async def close(self) -> None:
        self._setup.throw()


class UnseekableBody(io.BytesIO):
    """A body that can be read once."""

    setup: Setup

    def __len__(self) -> int:
        return len(self.getvalue())

    def seek(self, *args: int) -> int:
        return self.setup.throw(*args)  # type: ignore[no-any-return]


class BrokenHeaders(dict[str, str]):
    """Headers that nobody can write."""

    setup: Setup

    def __setitem__(self, name: str, value: str) -> None:
        self.setup.throw(name, value)


class broken_keyring:  # noqa: N801 - used as a function
    """The system's keyring is one whose backend raises `error`."""

    def __init__(self, error: BaseException) -> None:
        class Broken(KeyringBackend):
            priority = 1

            def get_password(self, service: str, username: str) -> str | None:  # noqa: ARG002
                raise error

            set_password = delete_password = get_password  # type: ignore[assignment]

        self._broken = Broken()  # type: ignore[no-untyped-call]

    def __enter__(self) -> None:
        self._before = keyring.get_keyring()
        keyring.set_keyring(self._broken)

    def __exit__(self, *_: object) -> None:
        keyring.set_keyring(self._before)


def found_in_source(wanted: Callable[[ast.AST], bool]) -> set[str]:
    """`file:name` of every wanted node, by the constant that it is assigned to, else by its function."""
    found = set()

    def look(node: ast.AST, name: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = node.name
        elif isinstance(node, ast.Assign) and not name and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        if wanted(node):
            found.add(f"{place}:{name}")
        for child in ast.iter_child_nodes(node):
            look(child, name)

    for path in SOURCE.rglob("*.py"):
        place, text = path.relative_to(SOURCE).as_posix(), path.read_text()
        if any(word in text for word in ("except Exception", *GUARDS)):
            look(ast.parse(text), "")
    return found


def is_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in GUARDS


GUARDS = {"ForeignCode", "without_frames"}


def is_broad_handler(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name) and node.type.id == "Exception"


def test_every_seam_has_a_row() -> None:
    """A seam that nobody breaks here may let an exception through."""
    assert found_in_source(is_guard) == set(SEAMS)


def test_every_broad_handler_has_a_row() -> None:
    """Elsewhere an exception of mstoken's own would disappear."""
    assert found_in_source(is_broad_handler) == FALLBACKS


def test_every_function_of_a_credential_is_called_at_a_seam() -> None:
    """The fields are read from the classes; a function that is called bare would look like a bug of mstoken."""
    fields = {
        f"{kind.__name__}.{name}"
        for kind in vars(credentials).values()
        if inspect.isclass(kind) and kind.__module__.startswith("mstoken.")
        for name, annotation in inspect.get_annotations(kind).items()
        if "Callable" in annotation
    }
    ours = {"ChainLink.settle"}  # made by config/chain.py, which reads references
    assert fields - ours == {
        "CallbackAssertion.call",
        "ClientKey.sign",
        "ClientKey.certificate",
        "DeviceCode.prompt",
        "RefreshToken.on_new",
        "Browser.show",
        "Browser.open_browser",
    }


@pytest.mark.parametrize("seam", SEAMS)
def test_any_exception_becomes_an_error_of_mstoken(
    runner: Runner, token_service: TokenService, monkeypatch: pytest.MonkeyPatch, seam: str
) -> None:
    """With what failed, what to do next, and the original as its cause."""
    run, expected = SEAMS[seam]
    for error in exceptions.ordinary():
        with monkeypatch.context() as patch, pytest.raises(MstokenError) as caught:
            run(Setup(error, runner, token_service, patch))
        assert type(caught.value) is expected, error
        assert caught.value.remedy
        assert len(str(caught.value)) < 1000
        if not isinstance(error, WORDED.get(seam, ())):
            assert error in causes_of(caught.value)


def causes_of(error: BaseException) -> list[BaseException]:
    """Python itself puts a RuntimeError before a StopIteration that leaves a coroutine or a generator."""
    return [] if error.__cause__ is None else [error.__cause__, *causes_of(error.__cause__)]


@pytest.mark.parametrize("seam", SEAMS)
def test_what_ends_the_program_or_the_task_passes_through(
    runner: Runner, token_service: TokenService, monkeypatch: pytest.MonkeyPatch, seam: str
) -> None:
    """Ctrl-C, exit and cancellation are nobody's failure."""
    run, _ = SEAMS[seam]
    for kind in exceptions.ENDS:
        if kind is GeneratorExit and isinstance(runner, AsyncioRunner) and seam == "browser/sessions.py:_OPEN":
            continue  # an asynchronous generator that waits in its `finally` cannot be left by it
        with monkeypatch.context() as patch, pytest.raises(kind):
            run(Setup(kind(), runner, token_service, patch))


@pytest.mark.parametrize("seam", SEAMS)
def test_an_error_of_mstoken_passes_through(
    runner: Runner, token_service: TokenService, monkeypatch: pytest.MonkeyPatch, seam: str
) -> None:
    """A function that gets its token from another client, for example."""
    run, _ = SEAMS[seam]
    error = StoreError("The vault is closed.", "Open it.")
    with monkeypatch.context() as patch, pytest.raises(StoreError) as caught:
        run(Setup(error, runner, token_service, patch))
    assert caught.value.message == error.message


@pytest.mark.parametrize("protocol", [AccessTokenStore, RefreshTokenStore])
@pytest.mark.parametrize("slow", [True, False])
def test_every_method_of_a_custom_store_is_a_seam(
    runner: Runner, token_service: TokenService, monkeypatch: pytest.MonkeyPatch, protocol: type, *, slow: bool
) -> None:
    """The methods are those of the protocol; what a lock returns to unlock it is one more."""
    setup = Setup(StopIteration(), runner, token_service, monkeypatch)
    broken: Any = BrokenStore(setup)
    broken.slow = slow
    port = setup.client(ClientSecret("s"), stores=Stores(broken, broken))._port()
    store = port._tokens if protocol is AccessTokenStore else port._refresh_tokens
    for name in vars(protocol):
        if not name.startswith("_") and name != "slow":
            with pytest.raises(StoreError) as caught:
                getattr(store, name)()
            assert caught.value.__cause__ is setup.error
    broken.try_lock = lambda _: setup.throw
    release = port._tokens.try_lock("key")
    with pytest.raises(StoreError):
        setup.runner.run(lambda: port.unlock(release)) if isinstance(runner, AsyncioRunner) else port.run(
            port.unlock(release)
        )


def test_an_async_function_is_a_seam_too(token_service: TokenService, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it raises is raised while it is awaited. StopIteration cannot leave a coroutine; Python replaces it."""
    runner = AsyncioRunner()
    for error in exceptions.ordinary():
        setup = Setup(error, runner, token_service, monkeypatch)

        async def fetch(setup: Setup = setup) -> str:
            await asyncio.sleep(0)
            return setup.throw()  # type: ignore[no-any-return]

        with pytest.raises(UsageError) as caught:
            setup.get_token(ClientAssertion(CallbackAssertion(fetch)))
        assert caught.value.__cause__ is error or isinstance(error, StopIteration | StopAsyncIteration)
    runner.close()


def test_a_transport_that_fails_before_it_returns_a_coroutine(
    token_service: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that checks its arguments first; and one that fails to close."""
    runner = AsyncioRunner()
    setup = Setup(StopIteration(), runner, token_service, monkeypatch)
    client = setup.client(ClientSecret("s"), transport=Thrower(setup))
    with pytest.raises(TransportError) as caught:
        get_token_within(runner, client, 0.01)
    assert caught.value.__cause__ is setup.error
    with pytest.raises(TransportError):
        runner.run(client.close)
    runner.close()
    with pytest.raises(TransportError):
        BlockingRunner().client(TENANT, CLIENT_ID, ClientSecret("s"), transport=Thrower(setup)).close()


def test_callers_that_wait_for_the_same_token_get_the_cause_too(
    runner: Runner, token_service: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One caller of ten calls the function."""
    setup = Setup(exceptions.Uncopyable(1, 2), runner, token_service, monkeypatch)
    client = setup.client(ClientAssertion(CallbackAssertion(setup.throw)))
    for error in runner.gather(lambda: client.get_token("graph"), 10):
        assert isinstance(error, UsageError)
        assert error.__cause__ is setup.error


def test_a_keyring_that_fails_is_no_keyring(tmp_path: Path) -> None:
    """The vault's key goes into its file; a vault whose key is in that keyring says so."""
    for error in exceptions.ordinary():
        with broken_keyring(error):
            made = vault_key.new_key(str(tmp_path / "key"))
            assert made.source == vault_key.FILE
            with pytest.raises(StoreError, match="not available any more"):
                vault_key.existing_key(vault_key.KEYRING, "vault 1", str(tmp_path / "key"))


@pytest.mark.parametrize("answer", [b"bytes", 5, object()])
def test_a_keyring_that_returns_no_text_is_refused(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    """A backend's mistake, not a bug of mstoken."""
    monkeypatch.setattr(keyring, "get_password", lambda *_: answer)
    with pytest.raises(UsageError, match="not text"):
        resolve("keyring:mstoken/app")
    with pytest.raises(StoreError):
        vault_key.existing_key(vault_key.KEYRING, "vault 1", "/nowhere/key")


def test_a_browser_that_fails_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sign-in then shows its address."""
    monkeypatch.setenv("BROWSER", "any")
    for error in exceptions.ordinary():

        def throw(_: str, error: Exception = error) -> bool:
            raise error

        monkeypatch.setattr(webbrowser, "open", throw)
        assert open_url("https://login.example") is False


@pytest.mark.parametrize("given", [None, 5, ["certificate"]])
def test_a_certificate_that_is_neither_text_nor_bytes_is_refused(
    runner: Runner, token_service: TokenService, given: object
) -> None:
    """Such as that of a function without a return statement."""
    key: Any = ClientKey(lambda _data, _algorithm: b"", lambda: given)  # type: ignore[arg-type, return-value]
    client = runner.client(TENANT, CLIENT_ID, key, token_service.url)
    with pytest.raises(UsageError, match="not text or bytes"):
        runner.run(lambda: client.get_token("graph"))
