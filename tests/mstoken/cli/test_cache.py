"""`mstoken cache`: what is kept is shown without secrets and goes when it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.support.program import Program
from tests.support.redis_server import RedisServer

from entra_emulator import Emulator

NADIA = "nadia@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"


@pytest.fixture
def tokens(at_entra: Program, entra: Emulator) -> list[str]:
    """Three tokens that are kept: two of the application, in two tenants, and one of a person."""
    customer = entra.state.default_customer
    assert customer
    assert at_entra("login", "--profile", "work", stdin=entra.sign_in(NADIA)).code == 0
    return [
        at_entra("get", "graph").out.strip(),
        at_entra("get", "graph", "--tenant", customer.id).out.strip(),
        at_entra("get", "arm", "--profile", "work").out.strip(),
    ]


@pytest.fixture
def filled(at_entra: Program, tokens: list[str]) -> Program:
    """The program where they are kept."""
    assert all(tokens)
    return at_entra


def _shown(program: Program, *options: str) -> list[tuple[str, str]]:
    result = program("cache", "show", "-o", "json", *options)
    assert result.code == 0, result.err
    return [(one["scope"], one["account"]) for one in json.loads(result.out)]


GRAPH, ARM = "https://graph.microsoft.com/.default", "https://management.azure.com//.default"


def test_show_tells_whose_and_for_what_and_no_secret(filled: Program, tokens: list[str], entra: Emulator) -> None:
    """A line for each token: tenant, scope, account, client, minutes left; nothing of the tokens."""
    result = filled("cache", "show")
    assert result.code == 0
    assert result.out.count("\n") == 3
    for word in (entra.state.default_tenant.id, GRAPH, ARM, "work", entra.state.default_app.id, " min"):
        assert word in result.out
    for token in tokens:
        assert token[:20] not in result.out + result.err
    assert sorted(_shown(filled)) == [(GRAPH, ""), (GRAPH, ""), (ARM, "work")]


def test_show_and_clear_choose_by_tenant_service_and_account(filled: Program, entra: Emulator) -> None:
    """Each option narrows, a service by any of its names; clearing takes the same ones and says how many."""
    customer = entra.state.default_customer
    assert customer
    assert _shown(filled, "--tenant", customer.id) == [(GRAPH, "")]
    assert _shown(filled, "--service", "msgraph") == [(GRAPH, "")] * 2
    assert _shown(filled, "--service", "https://management.azure.com/subscriptions") == [(ARM, "work")]
    assert _shown(filled, "--account", "work", "--service", "graph") == []
    result = filled("cache", "clear", "--service", "graph", "--tenant", customer.id)
    assert (result.code, result.out, result.err) == (0, "", "mstoken: 1 token removed from the cache.\n")
    assert sorted(_shown(filled)) == [(GRAPH, ""), (ARM, "work")]
    assert filled("cache", "clear", "--account", "work").err == "mstoken: 1 token removed from the cache.\n"
    assert _shown(filled) == [(GRAPH, "")]


def test_what_was_cleared_is_asked_for_again(filled: Program, tokens: list[str], entra: Emulator) -> None:
    """The command line's quick answer goes too; a sign-in stays."""
    before = len(entra.token_requests)
    assert filled("get", "graph").out.strip() == tokens[0]
    assert len(entra.token_requests) == before
    assert filled("cache", "clear").err == "mstoken: 3 tokens removed from the cache.\n"
    assert filled("cache", "show").err == "mstoken: There are no matching tokens in the cache.\n"
    assert filled("get", "graph").out.strip() != tokens[0]
    assert filled("get", "arm", "--profile", "work").code == 0
    assert len(entra.token_requests) == before + 2


def test_an_unknown_service_is_a_usage_error(at_entra: Program) -> None:
    """Nothing is cleared when the name is not understood."""
    result = at_entra("cache", "clear", "--service", "grahp")
    assert result.code == 2
    assert "grahp" in result.err


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis server of the test's own."""
    server = RedisServer()
    yield server
    server.close()


def test_a_store_named_by_variable_or_profile_is_used(at_entra: Program, entra: Emulator, redis: RedisServer) -> None:
    """Two machines with one Redis: what one got the other has; what is cleared there is cleared for both."""
    (at_entra.config / "url").write_text(redis.url)
    at_entra.profile('[profile.shared]\nstore = "file:url"\n')
    there = {"MSTOKEN_STORE": redis.url, "MSTOKEN_CACHE_DIR": str(at_entra.folder / "elsewhere")}
    before = len(entra.token_requests)
    first = at_entra("get", "graph", "--profile", "shared")
    second = at_entra("get", "graph", **there)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert first.out == second.out
    assert len(entra.token_requests) == before + 1
    assert not list((at_entra.folder / "elsewhere").rglob("*.token"))
    assert at_entra("cache", "show", **there).out.count("\n") == 1
    assert at_entra("cache", "clear", "--profile", "shared").err == "mstoken: 1 token removed from the cache.\n"
    assert at_entra("cache", "show", **there).out == ""


def test_a_store_with_a_password_does_not_belong_in_the_profile(at_entra: Program) -> None:
    """It is refused, with where it may be, and not repeated."""
    at_entra.profile('[profile.shared]\nstore = "redis://user:hunter2@host"\n')
    result = at_entra("get", "graph", "--profile", "shared")
    assert result.code == 2
    assert "MSTOKEN_STORE" in result.err
    assert "hunter2" not in result.err


def test_a_store_without_a_key_is_a_usage_error(at_entra: Program) -> None:
    """Machines have to share the key; nothing is sent to the server without it."""
    result = at_entra("get", "graph", MSTOKEN_STORE="redis://:hunter2@127.0.0.1:1", MSTOKEN_VAULT_KEY="")
    assert result.code == 2
    assert "openssl rand -base64 32" in result.err
    assert "hunter2" not in result.err


def test_while_redis_is_away_the_token_is_printed_and_one_note_says_so(at_entra: Program) -> None:
    """The address is named, the password is not."""
    result = at_entra("get", "graph", MSTOKEN_STORE="redis://:hunter2@127.0.0.1:1/0")
    assert (result.code, result.out.count(".")) == (0, 2), result.err
    assert result.err.count("mstoken:") == 1
    assert "127.0.0.1:1" in result.err
    assert "hunter2" not in result.err


@pytest.mark.parametrize("arguments", [("show",), ("clear",), ("clear", "--tenant", "contoso.onmicrosoft.com")])
def test_while_redis_is_away_nothing_is_said_to_be_gone(at_entra: Program, arguments: tuple[str, ...]) -> None:
    """Who looks, or wants tokens forgotten, is told that the server could not be asked; the exit code says so too."""
    result = at_entra("cache", *arguments, MSTOKEN_STORE="redis://:hunter2@127.0.0.1:1/0")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("mstoken: error: Redis at 127.0.0.1:1/0 cannot be used")
    assert "forgotten" not in result.err
    assert "hunter2" not in result.err
