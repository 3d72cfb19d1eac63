"""`mstoken whoami`: who you are, as what, in which tenant, and where this identity comes from."""

from __future__ import annotations

import json

import pytest
from tests.support.program import Program
from tests.support.token_service import CLIENT_ID, TokenService
from tests.support.tool_stand_ins import StandIn
from tests.support.unsigned_tokens import jwt, lifetime

from entra_emulator import Emulator

NADIA = "nadia@northwind-partner.example"


def test_an_application_of_the_environment(at_entra: Program, entra: Emulator) -> None:
    """One screen: identity, tenant, application, what it may do, until when, and its source."""
    done = at_entra("whoami")
    assert (done.code, done.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in done.out.replace("Object ID", "Object-ID").splitlines())
    assert lines["Identity"] == "the application itself, no user"
    assert lines["Tenant"] == entra.state.default_tenant.id
    assert entra.state.default_app.id in lines["Application"]
    assert lines["From"] == "the environment (AZURE_CLIENT_ID and the like)"
    assert "as the application itself" in lines["Allowed"]
    assert len(done.out.splitlines()) < 24


def test_a_user_of_a_profile(anonymous: Program, entra: Emulator) -> None:
    """The profile and the account of its stored sign-in are named."""
    secret = entra.state.default_app.secrets[0].value
    identity = {"AZURE_TENANT_ID": entra.state.default_tenant.id, "AZURE_CLIENT_ID": entra.state.default_app.id}
    given = identity | {"AZURE_CLIENT_SECRET": secret}
    assert anonymous("login", "--profile", "work", stdin=entra.sign_in(NADIA), **given).code == 0
    done = anonymous("whoami", "--profile", "work", AZURE_CLIENT_SECRET=secret)
    assert done.code == 0, done.err
    assert "a user: Nadia" in done.out
    assert NADIA in done.out
    assert f"the profile work in {anonymous.config}/config.toml" in done.out
    found = json.loads(anonymous("whoami", "--profile", "work", "-o", "json", AZURE_CLIENT_SECRET=secret).out)
    assert (found["kind"], found["user"], found["tenant"]) == ("user", NADIA, entra.state.default_tenant.id)
    assert (found["source"], found["profile"], found["account"]) == ("profile", "work", "work")


def test_a_tools_sign_in(anonymous: Program, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The link of the chain is named, and how its sign-in was made."""
    az = StandIn(tmp_path_factory.mktemp("az"), "az")
    az.signed_in()
    az.prints_token(
        jwt({**lifetime(), "upn": NADIA, "scp": "User.Read", "tid": "t", "aud": "https://graph.microsoft.com"})
    )
    anonymous.environment |= az.environment
    done = anonymous("whoami")
    assert done.code == 0, done.err
    assert f"a user: {NADIA}" in done.out
    assert "Azure CLI, whose sign-in was made with az login" in done.out
    found = json.loads(anonymous("whoami", "-o", "json").out)
    assert (found["source"], found["user"], found["permissions"]) == ("Azure CLI", NADIA, ["User.Read"])


def test_a_token_that_only_its_service_can_read(anonymous: Program, token_service: TokenService) -> None:
    """What is known without it is shown."""
    given = {"AZURE_TENANT_ID": "contoso.com", "AZURE_CLIENT_ID": CLIENT_ID, "AZURE_CLIENT_SECRET": "s"}
    done = anonymous("whoami", **given, AZURE_AUTHORITY_HOST=token_service.url)
    assert done.code == 0, done.err
    assert "unknown: only the service can read its token" in done.out
    assert CLIENT_ID in done.out
    assert "contoso.com" in done.out


def test_without_an_identity_it_fails_as_get_does(anonymous: Program) -> None:
    """The error names every link."""
    done = anonymous("whoami")
    assert (done.code, done.out) == (2, "")
    assert done.err == anonymous("get", "graph").err


def test_the_token_is_not_shown(at_entra: Program) -> None:
    """Not in text, not in JSON."""
    token = at_entra("get", "graph").out.strip()
    for form in ("text", "json"):
        assert token not in at_entra("whoami", "-o", form).out
