"""In Python too, text that the system made of bytes that are not UTF-8 is refused by name before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService

from mstoken import (
    AgentIdentity,
    AgentUser,
    Authority,
    AuthorizationCode,
    Browser,
    ClientAssertion,
    ClientCertificate,
    ClientSecret,
    DeviceCode,
    FileAssertion,
    FmiPath,
    ManagedIdentity,
    OnBehalfOf,
    Password,
    RefreshToken,
    TokenAssertion,
    UsageError,
    WorkloadIdentity,
)

ODD = "secret-\udce9"
SECRET = ClientSecret("s")

CREDENTIALS = [
    ClientSecret(ODD),
    ClientCertificate(data="x", password=ODD),
    ClientAssertion(TokenAssertion(ManagedIdentity(client_id=ODD))),
    ClientAssertion(TokenAssertion(ManagedIdentity(), audience=ODD)),
    RefreshToken(ODD),
    RefreshToken(account=ODD),
    RefreshToken("r", ClientSecret(ODD)),
    Browser(account=ODD),
    Browser(login_hint=ODD),
    AuthorizationCode(ODD, "https://localhost"),
    AuthorizationCode("c", ODD),
    DeviceCode(account=ODD),
    Password(ODD, "pw"),
    Password("anna", ODD),
    OnBehalfOf(ODD, SECRET),
    OnBehalfOf("t", SECRET, ODD),
    FmiPath(SECRET, ODD),
    AgentIdentity(SECRET, ODD),
    AgentUser(AgentIdentity(SECRET, "a"), username=ODD),
    ManagedIdentity(resource_id=ODD),
]


@pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda one: type(one).__name__)
def test_a_credential_that_could_not_be_sent_is_refused(runner: Runner, credential: Any) -> None:
    """The error names the field and does not show what is in it."""
    with pytest.raises(UsageError, match=r"\w+ of \w+ cannot be encoded in UTF-8") as caught:
        runner.client(TENANT, CLIENT_ID, credential)
    assert "secret-" not in str(caught.value)


@pytest.mark.parametrize(("tenant", "client_id"), [(ODD, CLIENT_ID), (TENANT, ODD)])
def test_ids_that_could_not_be_sent_are_refused(runner: Runner, tenant: str, client_id: str) -> None:
    """Before a client is made."""
    with pytest.raises(UsageError):
        runner.client(tenant, client_id, SECRET)


@pytest.mark.parametrize("arguments", [{"claims": '{"a":"\udce9"}'}, {"claims": '{"a":"\\udce9"}'}, {"tenant_id": ODD}])
def test_arguments_of_a_call_are_checked_too(runner: Runner, token_service: TokenService, arguments: Any) -> None:
    """Claims and tenants of one call; no request is made."""
    client = runner.client(TENANT, CLIENT_ID, SECRET, token_service.url)
    with pytest.raises(UsageError):
        runner.run(lambda: client.get_token("graph", **arguments))
    assert token_service.requests == []


@pytest.mark.parametrize("authority", ["Entra", "standard"])
def test_scopes_that_could_not_be_sent_are_refused(runner: Runner, token_service: TokenService, authority: str) -> None:
    """At Entra and at a standard OAuth server, whose scopes are any text."""
    where: Any = token_service.url if authority == "Entra" else Authority.oauth(f"{token_service.url}/token")
    client = runner.client("" if authority == "standard" else TENANT, CLIENT_ID, SECRET, where)
    with pytest.raises(UsageError):
        runner.run(lambda: client.get_token(f"https://api.example/{ODD}"))
    assert token_service.requests == []


def client_call(client: Any) -> Any:
    return lambda: client.get_token("graph")


def test_an_undecodable_path_is_a_usage_error(runner: Runner, token_service: TokenService, tmp_path: Path) -> None:
    """File names are bytes on POSIX; whether such a path is tried or refused, the caller gets a UsageError."""
    path = f"{tmp_path}/{ODD}"
    credentials = (ClientAssertion(FileAssertion(path)), WorkloadIdentity(path), ClientCertificate(path))
    for client in [runner.client(TENANT, CLIENT_ID, one, token_service.url) for one in credentials]:
        with pytest.raises(UsageError):
            runner.run(client_call(client))
