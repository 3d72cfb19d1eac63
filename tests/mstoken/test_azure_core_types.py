"""What a client returns where azure-core is loaded: azure-core's own types, which some SDKs insist on."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from functools import partial
from typing import Any

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService, token_reply

from mstoken import ClientSecret, Token

FIELDS = ("token", "expires_on", "token_type", "refresh_on", "scope", "got_on")


@pytest.fixture
def client(runner: Runner, token_service: TokenService) -> Any:
    token_service.script = [token_reply("the-token", scope="a b")]
    return runner.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url)


def test_get_token_returns_an_access_token(runner: Runner, client: Any) -> None:
    """New and from memory: an instance with an index, unpacking and _asdict, and our attributes besides."""
    for _ in range(2):
        token: Any = runner.run(lambda: client.get_token("graph"))
        assert AccessToken in type(token).__mro__
        value, expires_on = token
        assert (token[0], value, token.token) == ("the-token",) * 3
        assert token._asdict() == {"token": "the-token", "expires_on": expires_on}
        assert (token.token_type, token.scope) == ("Bearer", "a b")
        assert token.got_on < token.refresh_on < token.expires_on
        assert token._replace(expires_on=1) == ("the-token", 1)


def test_get_token_info_returns_an_access_token_info(runner: Runner, client: Any) -> None:
    """azure-core's type and ours at once, with the same values as get_token's."""
    for _ in range(2):
        info = runner.run(lambda: client.get_token_info("graph"))
        assert isinstance(info, AccessTokenInfo)
        assert isinstance(info, Token)
        token = runner.run(lambda: client.get_token("graph"))
        assert [getattr(info, name) for name in FIELDS] == [getattr(token, name) for name in FIELDS]


def test_no_type_shows_the_token(runner: Runner, client: Any) -> None:
    """azure-core's own representations do."""
    for ask in (client.get_token, client.get_token_info):
        token = runner.run(partial(ask, "graph"))
        assert "the-token" not in repr(token) + str(token) + f"{token}"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda token: pickle.loads(pickle.dumps(token))])  # noqa: S301 - our own
def test_a_copy_is_the_same(runner: Runner, client: Any, again: Any) -> None:
    """Copied or pickled, the token keeps its type and values."""
    for ask in (client.get_token, client.get_token_info):
        token = runner.run(partial(ask, "graph"))
        assert type(again(token)) is type(token)
        assert [getattr(again(token), name) for name in FIELDS] == [getattr(token, name) for name in FIELDS]


def test_a_token_from_before_azure_core_was_loaded_has_its_type(
    runner: Runner, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in memory was put there when nobody could know the type."""
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "azure.core.credentials")
        assert type(runner.run(lambda: client.get_token("graph"))) is Token
        assert type(runner.run(lambda: client.get_token_info("graph"))) is Token
    assert isinstance(runner.run(lambda: client.get_token("graph")), AccessToken)


def test_without_azure_core_nothing_is_imported(token_service: TokenService) -> None:
    """The client looks at what is loaded, and loads nothing."""
    script = f"""
import sys
from mstoken import Client, ClientSecret
client = Client({TENANT!r}, {CLIENT_ID!r}, ClientSecret("s"), {token_service.url!r})
kinds = {{type(client.get_token("graph")).__module__, type(client.get_token_info("graph")).__module__}}
print(kinds, [name for name in sys.modules if name.startswith("azure")])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'mstoken.model'} []"
