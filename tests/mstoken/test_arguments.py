"""Arguments of the wrong type are refused where they enter, with what to write, and never with their value."""

from __future__ import annotations

import traceback
from functools import partial
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService, token_reply

from mstoken import Client, ClientSecret

SECRET = "s3cret-value"


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ((TENANT, CLIENT_ID, SECRET), "write ClientSecret(secret)"),
        ((TENANT, CLIENT_ID, ClientSecret), "write ClientSecret(…)"),
        ((TENANT, CLIENT_ID, None), "such as ClientSecret(secret)"),
        ((TENANT, CLIENT_ID, {"client_secret": SECRET}), "such as ClientSecret(secret)"),
        ((None, CLIENT_ID, ClientSecret(SECRET)), "'contoso.onmicrosoft.com'"),
        ((TENANT, None, ClientSecret(SECRET)), "application's (client) ID"),
        ((TENANT, 42, ClientSecret(SECRET)), "application's (client) ID"),
    ],
    ids=["text", "class", "None", "dictionary", "tenant None", "client None", "client number"],
)
def test_invalid_client_arguments_have_a_remedy(runner: Runner, arguments: tuple[Any, ...], advice: str) -> None:
    """A TypeError at once, not an AttributeError later."""
    with pytest.raises(TypeError) as caught:
        runner.client(*arguments)
    assert advice in str(caught.value)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize(
    ("scopes", "options", "advice"),
    [
        ((["graph"],), {}, 'get_token("graph")'),
        ((("graph", "arm"),), {}, "get_token(*scopes)"),
        ((None,), {}, "not None"),
        ((b"graph",), {}, "not of the type bytes"),
        (("graph",), {"min_ttl": "600"}, "min_ttl=600"),
        (("graph",), {"min_ttl": True}, "min_ttl=600"),
        (("graph",), {"min_ttl": None}, "min_ttl=600"),
        (("graph",), {"min_ttl": ""}, "min_ttl=600"),
        (("graph",), {"timeout": "10"}, "timeout=10"),
        (("graph",), {"timeout": False}, "timeout=10"),
        (("graph",), {"fresh": "no"}, "fresh is True or False"),
        (("graph",), {"fresh": 0}, "fresh is True or False"),
        (("graph",), {"fresh": None}, "fresh is True or False"),
        (("graph",), {"enable_cae": 0}, "enable_cae is True or False"),
        (("graph",), {"enable_cae": "yes"}, "enable_cae is True or False"),
        (("graph",), {"claims": {"access_token": {}}}, "json.dumps(claims)"),
        (("graph",), {"tenant_id": 5}, "'contoso.onmicrosoft.com'"),
    ],
    ids=lambda value: str(value) if not isinstance(value, str) else "",
)
@pytest.mark.parametrize("calls_before", [0, 1], ids=["first call", "token cached"])
def test_invalid_get_token_arguments_have_a_remedy(
    runner: Runner, token_service: TokenService, calls_before: int, scopes: Any, options: dict[str, Any], advice: str
) -> None:
    """Whether or not a token is cached."""
    token_service.script = [token_reply()]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url)
    for _ in range(calls_before):
        runner.run(lambda: client.get_token("graph"))
    with pytest.raises(TypeError) as caught:
        runner.run(lambda: client.get_token(*scopes, **options))
    assert advice in str(caught.value)
    assert caught.value.__cause__ is None
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_timeout_is_a_number(runner: Runner) -> None:
    """Text is not taken for one."""
    with pytest.raises(TypeError, match="timeout=10"):
        runner.run(lambda: runner.client(TENANT, CLIENT_ID, ClientSecret(SECRET)).get_token("graph", timeout="10"))


@pytest.mark.parametrize("calls_before", [0, 1], ids=["first call", "token cached"])
@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_is_a_positive_number(token_service: TokenService, calls_before: int, timeout: float) -> None:
    """Zero would mean no time at all, and an endless wait is no timeout; whether or not a token is cached."""
    token_service.script = [token_reply()]
    client = Client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url)
    for _ in range(calls_before):
        client.get_token("graph")
    with pytest.raises(ValueError, match="timeout=10"):
        client.get_token("graph", timeout=timeout)


def test_correct_options_return_the_token_in_memory(runner: Runner, token_service: TokenService) -> None:
    """Checking them sends no request."""
    token_service.script = [token_reply()]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url)
    options: list[dict[str, Any]] = [{}, {"timeout": 5}, {"timeout": 0.5}, {"min_ttl": 0.0}, {"fresh": False}]
    for given in options:
        runner.run(partial(client.get_token, "graph", **given))
    assert len(token_service.requests) == 1
