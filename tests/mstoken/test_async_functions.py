"""Async functions and objects of callers: AsyncClient awaits them; what nothing would await is refused by name.

A coroutine that nobody awaits does nothing, and Python's warning about it comes too late: warnings fail these tests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.certificates import identity
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import AsyncioRunner, BlockingRunner, Runner
from tests.support.scripted_user import ScriptedUser
from tests.support.token_service import CLIENT_ID, TENANT, TokenService, device_code_reply, token_reply

from entra_emulator import Emulator
from mstoken import (
    AsyncClient,
    Browser,
    CallbackAssertion,
    Client,
    ClientAssertion,
    ClientKey,
    ClientSecret,
    DeviceCode,
    RefreshToken,
    StoreError,
    UsageError,
)
from mstoken.flows.store_port import Stores
from mstoken.model import Token
from mstoken.protocol.http import HttpRequest, HttpResponse
from mstoken.rest.key_vault import key_vault_refresh_tokens, key_vault_secret
from mstoken.stores.memory import memory_stores

PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
CERTIFICATE = identity(0).certificate_pem()
JWT = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"


class Listener:
    """An async function that takes any arguments; `calls` is filled only if it is awaited to its end."""

    def __init__(self, result: Any = None) -> None:
        self.result, self.calls = result, list[tuple[Any, ...]]()

    async def __call__(self, *given: Any) -> Any:
        await asyncio.sleep(0)
        self.calls.append(given)
        return self.result


def get_token(runner: Runner, service: TokenService, credential: Any) -> Token:
    client = runner.client(TENANT, CLIENT_ID, credential, service.url)
    use_fake_clock(client)
    token: Token = runner.run(lambda: client.get_token("graph"))
    return token


CREDENTIALS: dict[str, tuple[Callable[[Listener], Any], Any, str]] = {
    "prompt": (DeviceCode, None, "The function that shows the device code"),
    "on_new": (
        lambda listener: RefreshToken("first", on_new=listener),
        None,
        "The function that stores the new refresh token",
    ),
    "assertion": (lambda listener: ClientAssertion(CallbackAssertion(listener)), JWT, "The function for the assertion"),
    "sign": (lambda listener: ClientKey(listener, CERTIFICATE), b"signature", "The function for the signature"),
}
"""Function -> the credential with it, what it returns, and its name in messages."""


def script(service: TokenService, name: str) -> None:
    first = [device_code_reply()] if name == "prompt" else []
    service.script = [*first, token_reply(refresh_token="second")]


@pytest.mark.parametrize("name", [name for name in CREDENTIALS if name != "sign"])
def test_an_async_function_of_a_credential_is_awaited(token_service: TokenService, name: str) -> None:
    """Once, to its end, before the token is returned. `sign` has its tests beside the certificates."""
    make, result, _ = CREDENTIALS[name]
    listener, runner = Listener(result), AsyncioRunner()
    script(token_service, name)
    assert get_token(runner, token_service, make(listener)).token == "token-1"
    assert len(listener.calls) == 1
    runner.close()


@pytest.mark.parametrize("name", CREDENTIALS)
def test_an_async_function_in_blocking_code_is_refused_by_name(token_service: TokenService, name: str) -> None:
    """The message names the function, and what to use."""
    make, result, title = CREDENTIALS[name]
    listener = Listener(result)
    script(token_service, name)
    with pytest.raises(UsageError) as raised:
        get_token(BlockingRunner(), token_service, make(listener))
    assert raised.value.message == f"{title} is async."
    assert raised.value.remedy == "Use AsyncClient, or give a plain function."
    assert not listener.calls


def test_the_browsers_functions_may_be_async(entra: Emulator) -> None:
    """`show` and `open_browser` are awaited, and what the second one returns counts."""
    otto = ScriptedUser(entra, "otto@northwind-partner.example")
    runner, shown = AsyncioRunner(), Listener()

    async def open_browser(url: str) -> bool:
        return await asyncio.to_thread(otto.open, url)

    browser = Browser(show=shown, open_browser=open_browser)
    client = runner.client("organizations", PUBLIC_APP, browser, entra.authority)
    assert runner.run(lambda: client.get_token("graph")).token
    assert len(shown.calls) == 1
    runner.close()
    otto.close()


@pytest.mark.parametrize("name", ["show", "open_browser"])
def test_the_browsers_async_functions_are_refused_in_blocking_code(token_service: TokenService, name: str) -> None:
    """Neither would be called, and the sign-in would wait for a browser that nobody opens."""
    listener = Listener(result=True)
    functions: dict[str, Any] = {"show": lambda _: None, "open_browser": lambda _: True, name: listener}
    client = Client(TENANT, CLIENT_ID, Browser(**functions), token_service.url)
    with client, pytest.raises(UsageError, match=r"The function that (shows the address|opens the browser) is async\."):
        client.get_token("graph")
    assert not listener.calls


def test_an_async_certificate_is_refused_by_either_client(runner: Runner, token_service: TokenService) -> None:
    """A credential loads it once and blocking, whichever client asks."""
    key = ClientKey(lambda _data, _algorithm: b"", Listener(CERTIFICATE))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"The function for the certificate is async\.") as raised:
        get_token(runner, token_service, key)
    assert "plain" in raised.value.remedy


class AsyncStore:
    """A store as somebody writes it for asyncio; `slow` decides whether AsyncClient calls it in a thread."""

    def __init__(self, *, slow: bool) -> None:
        self.slow, self.calls = slow, Listener()

    def __getattr__(self, name: str) -> Any:
        return self.calls


@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.parametrize("which", ["access tokens", "refresh tokens"])
def test_an_async_store_is_refused_by_either_client(
    runner: Runner, token_service: TokenService, which: str, *, slow: bool
) -> None:
    """Stores are blocking, and AsyncClient reaches slow ones through a thread."""
    given: Any = AsyncStore(slow=slow)
    memory = memory_stores()
    stores = Stores(given, memory.refresh_tokens) if which == "access tokens" else Stores(memory.access_tokens, given)
    credential = ClientSecret("s") if which == "access tokens" else RefreshToken("first")
    client = runner.client(TENANT, CLIENT_ID, credential, token_service.url, stores=stores)
    with pytest.raises(UsageError, match=r"The store given to the client is async\."):
        runner.run(lambda: client.get_token("graph"))
    assert not given.calls.calls


class AsyncTransport:
    """A transport for AsyncClient."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError(request.url)

    async def close(self) -> None:
        raise AssertionError


class BlockingTransport:
    """A transport for Client."""

    closed = False

    def send(self, request: HttpRequest) -> HttpResponse:
        assert request.url
        return HttpResponse(200, {}, b"{}")

    def close(self) -> None:
        self.closed = True


def test_an_async_transport_is_refused_by_client() -> None:
    """When it sends, and when it closes."""
    given: Any = AsyncTransport()
    client = Client(TENANT, CLIENT_ID, ClientSecret("s"), transport=given)
    for call in (lambda: client.get_token("graph"), client.close):
        with pytest.raises(UsageError, match=r"The transport given to the client is async\.") as raised:
            call()
        assert "AsyncClient" in raised.value.remedy


def test_a_blocking_transport_is_refused_by_async_client() -> None:
    """It would stop the event loop for as long as a request takes. Closing closes it all the same."""
    given: Any = BlockingTransport()

    async def main() -> None:
        async with AsyncClient(TENANT, CLIENT_ID, ClientSecret("s"), transport=given) as client:
            with pytest.raises(UsageError, match="The transport given to the client is not async") as raised:
                await client.get_token("graph")
            assert "Use Client" in raised.value.remedy

    asyncio.run(main())
    assert given.closed


def test_a_key_vault_is_reached_with_blocking_objects() -> None:
    """An AsyncClient as the credential, or an async transport, is refused: sign-ins are stored by blocking code."""
    answers: Any = BlockingTransport()
    challenge = 'Bearer authorization="https://login.example/t", resource="https://vault.azure.net"'
    answers.send = lambda _: HttpResponse(401, {"www-authenticate": challenge}, b"")
    given: Any = AsyncClient(TENANT, CLIENT_ID, ClientSecret("s"))
    with pytest.raises(StoreError, match=r"The credential given for the key vault is async\."):
        key_vault_secret("app.vault.azure.net", "app", given, answers)
    transport: Any = AsyncTransport()
    with pytest.raises(StoreError, match=r"The transport given to the client is async\."):
        key_vault_refresh_tokens("app.vault.azure.net", given, transport).load("account")
