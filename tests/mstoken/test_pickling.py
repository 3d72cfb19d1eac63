"""Clients in other processes: pickled without connections and memory, with their credential."""

from __future__ import annotations

import multiprocessing
import pickle
from functools import partial

import pytest
from tests.support.certificates import identity
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService

from mstoken import Authority, Client, ClientCertificate, ClientSecret, ManagedIdentity, RefreshToken
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
def test_a_copy_asks_for_itself(runner: Runner, token_service: TokenService, credential: Credential) -> None:
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
def test_every_kind_of_client_is_the_same_again(runner: Runner, authority: Authority | str) -> None:
    """National clouds, standard OAuth servers and managed identities."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), authority)
    machine = runner.client("", "", ManagedIdentity(client_id=CLIENT_ID))
    for one in (client, machine):
        again = pickle.loads(pickle.dumps(one))  # noqa: S301 - our own
        assert (again.authority, again.cloud, again.credential) == (one.authority, one.cloud, one.credential)
