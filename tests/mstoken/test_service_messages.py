"""Errors keep what the service said: our message first, then the service's own sentence, then what to do next."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService

from mstoken import Authority, ClientSecret, CredentialRejected, RefreshToken, Throttled, TokenRefused, TryLater

SUBJECT = "repo:contoso/orders:ref:refs/heads/main"
SENTENCE = f"AADSTS700213: No matching federated identity record found for presented assertion subject '{SUBJECT}'."


def refused(runner: Runner, service: TokenService, reply: Reply, client: Any = None) -> Any:
    """The error of a call that the service answers with `reply`, however often."""
    service.script = [reply] * 4
    client = client or runner.client(TENANT, CLIENT_ID, ClientSecret("secret-1"), service.url)
    with pytest.raises((TokenRefused, TryLater)) as caught:
        runner.run(lambda: client.get_token("graph"))
    return caught.value


def test_a_known_code_keeps_the_values_of_the_services_sentence(runner: Runner, token_service: TokenService) -> None:
    """Our advice refers to the subject, which only the service's sentence contains."""
    body = {"error": "invalid_client", "error_description": f"{SENTENCE} Trace ID: 1 Timestamp: now"}
    error = refused(runner, token_service, Reply(401, body))
    assert isinstance(error, CredentialRejected)
    assert SUBJECT not in error.message
    assert error.service_message == SENTENCE
    assert str(error).split("\n")[:2] == [error.message, f"Service: {SENTENCE}"]
    assert str(error).endswith(error.remedy)


def test_an_unknown_code_is_quoted_once(runner: Runner, token_service: TokenService) -> None:
    """Where the message is the service's own sentence already, it is not repeated."""
    body = {"error": "invalid_request", "error_description": "AADSTS123456789: Something new happened."}
    error = refused(runner, token_service, Reply(400, body))
    assert (error.service_message, str(error).count("Something new happened.")) == ("", 1)


def test_a_throttled_call_keeps_the_services_sentence(runner: Runner, token_service: TokenService) -> None:
    """Errors that pass have the same attribute."""
    body = {"error": "temporarily_unavailable", "error_description": "AADSTS90055: Too many of tenant contoso."}
    error = refused(runner, token_service, Reply(429, body, {"Retry-After": "3000"}))
    assert isinstance(error, Throttled)
    assert "tenant contoso" in str(error)


def test_copies_and_pickles_keep_the_services_sentence(runner: Runner, token_service: TokenService) -> None:
    """Process pools pickle exceptions."""
    error = refused(runner, token_service, Reply(401, {"error": "invalid_client", "error_description": SENTENCE}))
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own bytes
        assert (twin.message, twin.service_message) == (error.message, SENTENCE)


@pytest.mark.parametrize("trick", ["\x1b[2J", "\r\n", "\u202e", "\u2028", "\x9b", "\u200f"])
def test_control_characters_of_the_service_are_dropped(runner: Runner, token_service: TokenService, trick: str) -> None:
    """A sentence stays one line and cannot steer a terminal."""
    body = {"error": "invalid_client", "error_description": f"AADSTS700213: before{trick}after"}
    error = refused(runner, token_service, Reply(401, body))
    assert error.service_message.isprintable()
    assert error.service_message.startswith("AADSTS700213: before")
    assert error.service_message.endswith("after")


def test_a_secret_that_the_service_repeats_is_not_shown(runner: Runner, token_service: TokenService) -> None:
    """Servers other than Entra quote what they refuse."""
    body = {"error": "invalid_grant", "error_description": "invalid refresh token: rt-very-secret"}
    authority = Authority.oauth(f"{token_service.url}/token")
    client = runner.client("", CLIENT_ID, RefreshToken("rt-very-secret"), authority)
    error = refused(runner, token_service, Reply(400, body), client)
    assert "rt-very-secret" not in f"{error} {error!r} {error.service_message}"
    assert "invalid refresh token" in str(error)
