"""`mstoken get` for applications without a secret: by certificate, key store and assertion, and as agents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.mstoken.cli.conftest import AGENT, APP, UPN
from tests.support.certificates import PASSWORD
from tests.support.oidc_issuer import OidcIssuer
from tests.support.program import Program

from entra_emulator import Emulator
from mstoken.protocol.jwt import decode


def with_profile(program: Program, entra: Emulator, **settings: object) -> None:
    who = {"tenant": entra.state.default_tenant.id, "client_id": entra.state.default_app.id}
    lines = (f"{name} = {json.dumps(value)}\n" for name, value in {**who, **settings}.items())
    program.profile(f"[profile.work]\n{''.join(lines)}")


def test_a_certificate_by_the_azure_sdks_variables(at_entra: Program, known: Emulator) -> None:
    """AZURE_CLIENT_CERTIFICATE_PATH and _PASSWORD authenticate the application; a second run sends no request."""
    del at_entra.environment["AZURE_CLIENT_SECRET"]
    (at_entra.folder / "app.pfx").write_bytes(APP.pfx(PASSWORD))
    before = len(known.token_requests)
    variables = {
        "AZURE_CLIENT_CERTIFICATE_PATH": str(at_entra.folder / "app.pfx"),
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": PASSWORD,
        "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN": "true",
    }
    first, second = at_entra("get", "graph", **variables), at_entra("get", "graph", **variables)
    assert (first.code, first.err) == (0, "")
    assert decode(first.out.strip()).claims["appidacr"] == "2"
    assert first.out == second.out
    assert len(known.token_requests) == before + 1


def test_a_wrong_certificate_password_is_reported(at_entra: Program, known: Emulator) -> None:
    """Exit code 2, with the file and the variable, without the password."""
    del at_entra.environment["AZURE_CLIENT_SECRET"]
    (at_entra.folder / "app.pfx").write_bytes(APP.pfx(PASSWORD))
    result = at_entra(
        "get",
        "graph",
        AZURE_CLIENT_CERTIFICATE_PATH=str(at_entra.folder / "app.pfx"),
        AZURE_CLIENT_CERTIFICATE_PASSWORD="wrong-one",
    )
    assert (result.code, result.out) == (2, "")
    assert "password is wrong" in result.err
    assert "AZURE_CLIENT_CERTIFICATE_PASSWORD" in result.err
    assert "wrong-one" not in result.err


def test_a_certificate_of_a_profile(anonymous: Program, known: Emulator) -> None:
    """The path is relative to the configuration, the password a reference; RS256 and the chain are optional."""
    (anonymous.config / "app.pem").write_bytes(APP.pem(PASSWORD))
    with_profile(
        anonymous,
        known,
        client_certificate="app.pem",
        client_certificate_password="env:CERTIFICATE_PASSWORD",
        client_algorithm="RS256",
        send_certificate_chain=True,
    )
    result = anonymous("get", "graph", "--profile", "work", CERTIFICATE_PASSWORD=PASSWORD)
    assert (result.code, result.err) == (0, "")
    assert result.out.count(".") == 2


def test_github_actions_by_a_profile(anonymous: Program, known: Emulator, issuer: OidcIssuer) -> None:
    """`client_assertion = "github"` uses the job's variables; outside a job the error names the missing ones."""
    with_profile(anonymous, known, client_assertion="github")
    result = anonymous("get", "graph", "--profile", "work", **issuer.github())
    assert (result.code, result.err) == (0, "")
    outside = anonymous("get", "arm", "--profile", "work")
    assert (outside.code, outside.out) == (2, "")
    assert "id-token: write" in outside.err


@pytest.mark.parametrize("source", ["azure-pipelines", "azure-pipelines:connection-1", "file", "env", "command"])
def test_other_assertions_by_a_profile(anonymous: Program, known: Emulator, issuer: OidcIssuer, source: str) -> None:
    """Azure Pipelines, a file, a variable as GitLab sets it, and a program's output authenticate the application."""
    path: Path = anonymous.config / "token.jwt"
    path.write_text(issuer.token())
    forms = {"file": "file:token.jwt", "env": "env:ID_TOKEN", "command": f"command:cat {path}"}
    with_profile(anonymous, known, client_assertion=forms.get(source, source))
    result = anonymous("get", "graph", "--profile", "work", ID_TOKEN=issuer.token(), **issuer.pipelines())
    assert (result.code, result.err) == (0, "")


def test_an_agent_and_its_user_by_a_profile(anonymous: Program, known: Emulator) -> None:
    """`agent` gets the agent's own tokens, `agent_user` those of its user account."""
    secret = f"file:{anonymous.config / 'secret'}"
    (anonymous.config / "secret").write_text(known.state.default_app.secrets[0].value)
    with_profile(anonymous, known, client_secret=secret, agent=AGENT)
    agent = anonymous("get", "graph", "--profile", "work")
    assert (agent.code, decode(agent.out.strip()).claims["appid"]) == (0, AGENT)
    with_profile(anonymous, known, client_secret=secret, agent=AGENT, agent_user=UPN)
    user = anonymous("get", "graph", "--profile", "work")
    assert (user.code, decode(user.out.strip()).claims["upn"]) == (0, UPN)
    with_profile(anonymous, known, client_secret=secret, fmi_path="runner")
    path = anonymous("get", "--scope", "api://AzureADTokenExchange/.default", "--profile", "work")
    assert decode(path.out.strip()).claims["sub"].endswith("/runner")


def test_a_user_who_is_not_the_agents_is_refused(anonymous: Program, known: Emulator) -> None:
    """Exit code 4 or 3 with Entra's code, and no token."""
    (anonymous.config / "secret").write_text(known.state.default_app.secrets[0].value)
    with_profile(
        anonymous, known, client_secret="file:secret", agent=AGENT, agent_user="nadia@northwind-partner.example"
    )
    result = anonymous("get", "graph", "--profile", "work")
    assert (result.code in (3, 4), result.out) == (True, "")
    assert "AADSTS50034" in result.err
