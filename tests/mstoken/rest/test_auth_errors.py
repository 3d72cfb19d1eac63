"""What goes wrong while `auth=` gets a token reaches the caller as mstoken's error, and the API gets no request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import requests
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from mstoken import (
    AsyncClient,
    CallbackAssertion,
    Client,
    ClientAssertion,
    ClientSecret,
    CredentialRejected,
    MstokenError,
    TransportError,
    UnreadableAnswer,
    UntrustedOrigin,
    UsageError,
)

REFUSAL = {"error": "invalid_client", "error_description": "AADSTS7000215: no", "error_codes": [7000215]}
Send = Callable[[Any, TokenService, TokenService], Any]


def by_requests(credential: Any, login: TokenService, api: TokenService) -> Any:
    with Client(TENANT, CLIENT_ID, credential, login.url) as client, requests.Session() as session:
        return session.get(f"{api.url}/me", auth=client.auth("graph", origin=api.url), timeout=20)


def by_httpx(credential: Any, login: TokenService, api: TokenService) -> Any:
    with Client(TENANT, CLIENT_ID, credential, login.url) as client, httpx.Client(trust_env=False) as http:
        return http.get(f"{api.url}/me", auth=client.auth("graph", origin=api.url))


def by_async_httpx(credential: Any, login: TokenService, api: TokenService) -> Any:
    async def main() -> Any:
        async with (
            AsyncClient(TENANT, CLIENT_ID, credential, login.url) as client,
            httpx.AsyncClient(trust_env=False) as http,
        ):
            return await http.get(f"{api.url}/me", auth=client.auth("graph", origin=api.url))

    return asyncio.run(main())


LIBRARIES: tuple[Send, ...] = (by_requests, by_httpx, by_async_httpx)


def fail() -> str:
    raise RuntimeError("the vault is closed")


CASES: dict[str, tuple[Any, Reply, type[MstokenError], str]] = {
    "refused": (ClientSecret("s"), Reply(401, REFUSAL), CredentialRejected, "AADSTS7000215"),
    "no token service": (ClientSecret("s"), Reply(200, "<html>"), UnreadableAnswer, "."),
    "a function of the caller": (
        ClientAssertion(CallbackAssertion(fail)),
        token_reply(),
        UsageError,
        "The function for the assertion failed with RuntimeError",
    ),
}


@pytest.mark.parametrize("send", LIBRARIES, ids=["requests", "httpx", "httpx under asyncio"])
@pytest.mark.parametrize("case", CASES)
def test_an_error_of_the_token_passes_through(token_service: TokenService, send: Send, case: str) -> None:
    """Not as an exception of the library, which would say that the API cannot be reached."""
    credential, reply, expected, words = CASES[case]
    token_service.script = [reply]
    api = TokenService()
    with pytest.raises(expected, match=words) as raised:
        send(credential, token_service, api)
    assert not isinstance(raised.value, requests.RequestException | httpx.HTTPError)
    assert raised.value.remedy
    assert api.requests == []
    api.close()


@pytest.mark.parametrize("send", LIBRARIES, ids=["requests", "httpx", "httpx under asyncio"])
def test_a_sign_in_service_out_of_reach_is_named(send: Send, token_service: TokenService) -> None:
    """The message names the sign-in service's address, and not the API's."""
    gone = TokenService()
    gone.close()
    with pytest.raises(TransportError) as raised:
        send(ClientSecret("s"), gone, token_service)
    assert gone.url.removeprefix("http://") in raised.value.message
    assert token_service.requests == []


def test_an_address_that_must_not_get_the_token_is_refused_by_mstoken(token_service: TokenService) -> None:
    """Before anything is sent, in either library."""
    with Client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url) as client:
        auth = client.auth("graph")
        for get in (requests.get, httpx.get):
            with pytest.raises((UntrustedOrigin, UsageError)):
                get("https://127.0.0.1:9/me", auth=auth, timeout=5)
    assert token_service.requests == []
