"""Clients in other processes: pickled without connections and memory, with their credential."""

from __future__ import annotations

import multiprocessing
import pickle
from functools import partial
from typing import Any

import pytest
import requests
from tests.support.certificates import identity
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService

import mstoken
from mstoken import (
    AsyncClient,
    Authority,
    AzureCli,
    Client,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    DeviceCode,
    FileAssertion,
    ManagedIdentity,
    OnBehalfOf,
    Password,
    RefreshToken,
    WorkloadIdentity,
)
from mstoken.credentials import Credential


def _token(client: Client) -> str:
    return client.get_token("graph").token


def test_a_spawned_process_gets_a_token(token_service: TokenService) -> None:
    """As Spark, Dask and multiprocessing send objects; the child makes its own connections."""
    client = Client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    assert _token(client) == "token-1"
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_token, (client,)) == "token-1"
    assert len(token_service.requests) == 2


@pytest.mark.parametrize(
    "credential",
    [ClientSecret("s"), RefreshToken("r", ClientSecret("s")), ClientCertificate(data=identity().pem())],
)
def test_a_copy_requests_its_own_token(runner: Runner, token_service: TokenService, credential: Credential) -> None:
    """Same identity, cloud and profile; what is in memory stays behind."""
    client = runner.client(TENANT, CLIENT_ID, credential, token_service.url)
    client.profile = "work"
    runner.run(partial(client.get_token, "graph"))
    copied = pickle.loads(pickle.dumps(client))  # noqa: S301 - our own
    assert (copied.authority, copied.cloud, copied.client_id) == (client.authority, client.cloud, client.client_id)
    assert (copied.credential, copied.profile) == (credential, "work")
    runner.run(partial(copied.get_token, "graph"))
    assert len(token_service.requests) == 2


@pytest.mark.parametrize("authority", ["usgov", Authority.oauth("https://id.example/token"), ""])
def test_every_kind_of_client_survives_pickling(runner: Runner, authority: Authority | str) -> None:
    """National clouds, standard OAuth servers and managed identities."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), authority)
    machine = runner.client("", "", ManagedIdentity(client_id=CLIENT_ID))
    for one in (client, machine):
        again = pickle.loads(pickle.dumps(one))  # noqa: S301 - our own
        assert (again.authority, again.cloud, again.credential) == (one.authority, one.cloud, one.credential)


def sign(data: bytes, algorithm: str) -> bytes:
    raise AssertionError("nothing is signed here")


@pytest.mark.parametrize(
    "credential",
    [
        ClientKey(sign, identity().certificate_pem()),
        WorkloadIdentity(environment={"AZURE_FEDERATED_TOKEN_FILE": "/nowhere"}),
        ManagedIdentity(environment={"IDENTITY_ENDPOINT": "http://127.0.0.1:1", "IDENTITY_HEADER": "s"}),
        ClientAssertion(FileAssertion("/nowhere")),
        Password("a@contoso.example", "p"),
        DeviceCode(account="a"),
        AzureCli(),
        OnBehalfOf("the caller's token", ClientSecret("s")),
    ],
    ids=lambda credential: type(credential).__name__,
)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_credential_survives_pickling(runner: Runner, credential: Credential, protocol: int) -> None:
    """With every protocol that Python still writes, and it shows its secret no more than before."""
    client = runner.client(TENANT, CLIENT_ID, credential)
    again = pickle.loads(pickle.dumps(client, protocol))  # noqa: S301 - our own
    assert again.credential == credential
    assert repr(again) == repr(client)


def test_the_identity_of_a_chain_survives_pickling(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mstoken.default()` in a task of Spark."""
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    client: Any = mstoken.default()
    again = pickle.loads(pickle.dumps(client))  # noqa: S301 - our own
    assert [link.name for link in again.credential.links] == [link.name for link in client.credential.links]


def test_auth_survives_pickling_and_authorizes(token_service: TokenService) -> None:
    """Of requests and httpx: a task gets a session's `auth`, and requests a token of its own."""
    client = Client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    for auth in (client.auth("graph"), AsyncClient(TENANT, CLIENT_ID, ClientSecret("s")).auth("graph")):
        again = pickle.loads(pickle.dumps(auth))  # noqa: S301 - our own
        assert type(again).__name__ == type(auth).__name__
    request = requests.Request("GET", "https://graph.microsoft.com/v1.0/me").prepare()
    pickle.loads(pickle.dumps(client.auth("graph")))(request)  # noqa: S301 - our own
    assert request.headers["Authorization"] == "Bearer token-1"


def test_a_client_that_acts_for_a_caller_survives_pickling(token_service: TokenService) -> None:
    """It requests its token by itself; the web API's connections stay behind."""
    web_api = Client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)
    caller = pickle.loads(pickle.dumps(web_api.on_behalf_of("eyJhbGciOiJSUzI1NiJ9.e30.c2ln")))  # noqa: S301 - our own
    assert caller.get_token("graph").token == "token-1"
    assert token_service.requests[0].form["assertion"] == "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
