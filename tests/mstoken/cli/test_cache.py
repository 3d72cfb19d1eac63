"""`mstoken cache`: listing cached tokens without secrets, and clearing them."""

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
    """Three cached tokens: two of the application, in two tenants, and one of a user."""
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
    """The program with the cached tokens."""
    assert all(tokens)
    return at_entra


def _shown(program: Program, *options: str) -> list[tuple[str, str]]:
    result = program("cache", "show", "-o", "json", *options)
    assert result.code == 0, result.err
    return [(one["scope"], one["account"]) for one in json.loads(result.out)]


GRAPH, ARM = "https://graph.microsoft.com/.default", "https://management.azure.com//.default"


def test_show_lists_each_token_without_secrets(filled: Program, tokens: list[str], entra: Emulator) -> None:
    """Each line has tenant, scope, account, client and remaining minutes, and no part of the token."""
    result = filled("cache", "show")
    assert result.code == 0
    assert result.out.count("\n") == 3
    for word in (entra.state.default_tenant.id, GRAPH, ARM, "work", entra.state.default_app.id, " min"):
        assert word in result.out
    for token in tokens:
        assert token[:20] not in result.out + result.err
    assert sorted(_shown(filled)) == [(GRAPH, ""), (GRAPH, ""), (ARM, "work")]


def test_show_and_clear_filter_by_tenant_service_and_account(filled: Program, entra: Emulator) -> None:
    """Each option narrows the list, a service by any of its names; clear takes the same options."""
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


def test_a_cleared_token_is_requested_again(filled: Program, tokens: list[str], entra: Emulator) -> None:
    """The command line's fast path is cleared too; a sign-in stays."""
    before = len(entra.token_requests)
    assert filled("get", "graph").out.strip() == tokens[0]
    assert len(entra.token_requests) == before
    assert filled("cache", "clear").err == "mstoken: 3 tokens removed from the cache.\n"
    assert filled("cache", "show").err == "mstoken: There are no matching tokens in the cache.\n"
    assert filled("get", "graph").out.strip() != tokens[0]
    assert filled("get", "arm", "--profile", "work").code == 0
    assert len(entra.token_requests) == before + 2


def test_an_unknown_service_is_a_usage_error(at_entra: Program) -> None:
    """Nothing is cleared if the name is unknown."""
    result = at_entra("cache", "clear", "--service", "grahp")
    assert result.code == 2
    assert "grahp" in result.err


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis server for one test."""
    server = RedisServer()
    yield server
    server.close()


def test_a_store_named_by_variable_or_profile_is_used(at_entra: Program, entra: Emulator, redis: RedisServer) -> None:
    """Two machines share one Redis: both see each other's tokens, and clearing applies to both."""
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


def test_a_store_url_with_a_password_is_refused_in_the_profile(at_entra: Program) -> None:
    """The error says where it may be, and does not repeat it."""
    at_entra.profile('[profile.shared]\nstore = "redis://user:hunter2@host"\n')
    result = at_entra("get", "graph", "--profile", "shared")
    assert result.code == 2
    assert "MSTOKEN_STORE" in result.err
    assert "hunter2" not in result.err


def test_a_store_without_a_key_is_a_usage_error(at_entra: Program) -> None:
    """All machines need the same key; without it nothing is sent to the server."""
    result = at_entra("get", "graph", MSTOKEN_STORE="redis://:hunter2@127.0.0.1:1", MSTOKEN_VAULT_KEY="")
    assert result.code == 2
    assert "openssl rand -base64 32" in result.err
    assert "hunter2" not in result.err


def test_while_redis_is_unavailable_the_token_is_printed_with_one_warning(at_entra: Program) -> None:
    """The warning names the address, not the password."""
    result = at_entra("get", "graph", MSTOKEN_STORE="redis://:hunter2@127.0.0.1:1/0")
    assert (result.code, result.out.count(".")) == (0, 2), result.err
    assert result.err.count("mstoken:") == 1
    assert "127.0.0.1:1" in result.err
    assert "hunter2" not in result.err


@pytest.mark.parametrize("arguments", [("show",), ("clear",), ("clear", "--tenant", "contoso.onmicrosoft.com")])
def test_while_redis_is_unavailable_the_cache_commands_fail(at_entra: Program, arguments: tuple[str, ...]) -> None:
    """Show and clear report that the server cannot be used, with a non-zero exit code."""
    result = at_entra("cache", *arguments, MSTOKEN_STORE="redis://:hunter2@127.0.0.1:1/0")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("mstoken: error: Redis at 127.0.0.1:1/0 cannot be used")
    assert "forgotten" not in result.err
    assert "hunter2" not in result.err
