"""A standard OAuth 2.0 server that is not ours (npm's oidc-provider): both grants, blocking and under asyncio."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from tests.support.certificates import identity
from tests.support.node import needs_node
from tests.support.program import Program
from tests.support.runners import Runner

from mstoken import (
    Authority,
    ClientCertificate,
    ClientSecret,
    CredentialRejected,
    RefreshToken,
    SignInRequired,
    UntrustedOrigin,
    UsageError,
)

NODE = Path(__file__).parent.parent / "node"
SECRET = "only-for-this-test-0123456789"
SIGNING_APP = identity(0)
PUBLIC_KEY = RSAKey.import_key(SIGNING_APP.public_pem()).as_dict(private=False)

pytestmark = needs_node


@pytest.fixture
def server() -> Iterator[dict[str, str]]:
    """A fresh server, where its token endpoint is and a refresh token of its user."""
    with subprocess.Popen(
        ["node", NODE / "oauth_server.mjs"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "CLIENT_SECRET": SECRET, "CLIENT_KEY": json.dumps(PUBLIC_KEY)},
        text=True,
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate(timeout=60)


def claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_client_credentials(runner: Runner, server: dict[str, str]) -> None:
    """The client-credentials grant gives a token that the server itself signed for the resource."""
    client = runner.client("", "orders-app", ClientSecret(SECRET), Authority.oauth(server["token_endpoint"]))
    token = runner.run(lambda: client.get_token("orders.read"))
    assert claims(token.token)["aud"] == "https://api.example.com/orders"
    assert claims(token.token)["client_id"] == "orders-app"
    assert runner.run(lambda: client.get_token("orders.read")) == token


@pytest.mark.parametrize("named", ["token endpoint", "issuer"])
@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_assertions_signed_by_us_are_accepted(
    runner: Runner, server: dict[str, str], algorithm: Any, named: str
) -> None:
    """private_key_jwt (RFC 7523): it verifies signature, issuer, audience, times, and that no assertion comes twice."""
    audience = server["token_endpoint"].removesuffix("/token") if named == "issuer" else ""
    credential = ClientCertificate(data=SIGNING_APP.pem(), algorithm=algorithm, audience=audience)
    authority = Authority.oauth(server["token_endpoint"])
    client = runner.client("", f"signing-app-{algorithm}", credential, authority)
    tokens = [runner.run(lambda: client.get_token("orders.read", fresh=True)) for _ in range(3)]
    assert {claims(token.token)["client_id"] for token in tokens} == {f"signing-app-{algorithm}"}
    assert len({token.token for token in tokens}) == 3


def test_an_assertion_signed_with_another_key_is_refused(runner: Runner, server: dict[str, str]) -> None:
    """The server knows the application's public key and takes no other."""
    credential = ClientCertificate(data=identity(2).pem())
    client = runner.client("", "signing-app-PS256", credential, Authority.oauth(server["token_endpoint"]))
    with pytest.raises(CredentialRejected):
        runner.run(lambda: client.get_token("orders.read"))


def test_single_use_refresh_tokens_follow_one_another(runner: Runner, server: dict[str, str]) -> None:
    """Each renewal uses the refresh token of the one before; the server revokes reuse, and never sees any."""
    seen: list[str] = []
    credential = RefreshToken(server["refresh_token"], ClientSecret(SECRET), on_new=seen.append)
    client = runner.client("", "orders-app", credential, Authority.oauth(server["token_endpoint"]))
    tokens = [runner.run(lambda: client.get_token("orders.read", fresh=True)) for _ in range(3)]
    assert {claims(token.token)["sub"] for token in tokens} == {"ada"}
    assert len({token.token for token in tokens}) == 3
    assert len(set(seen)) == 3


def test_parallel_renewals_of_a_single_use_token_all_succeed(runner: Runner, server: dict[str, str]) -> None:
    """Twenty callers who insist on a fresh token queue up rather than spend one refresh token twice."""
    credential = RefreshToken(server["refresh_token"], ClientSecret(SECRET))
    client = runner.client("", "orders-app", credential, Authority.oauth(server["token_endpoint"]))
    outcomes = runner.gather(lambda: client.get_token("orders.read", fresh=True), 20)
    assert len({outcome.token for outcome in outcomes}) == 20


def test_its_token_is_sent_to_the_named_origin_only(runner: Runner, server: dict[str, str]) -> None:
    """A scope that is called as one of Graph's does not make the token Graph's; an origin that is named gets it."""
    client = runner.client("", "orders-app", ClientSecret(SECRET), Authority.oauth(server["token_endpoint"]))
    graph, own = "https://graph.microsoft.com/v1.0/me", server["token_endpoint"].removesuffix("/token")
    with pytest.raises(UntrustedOrigin):
        runner.run(lambda: client.request("GET", graph, scope="orders.read"))
    with pytest.raises(UsageError, match="does not tell"):
        runner.run(lambda: client.request("GET", graph))
    answer = runner.run(lambda: client.request("GET", f"{own}/.well-known/openid-configuration", scope="x", origin=own))
    assert answer.status == 200


def test_from_the_shell(server: dict[str, str], tmp_path: Path) -> None:
    """A profile that names the token endpoint serves both grants, and what the token says is told."""
    program = Program(tmp_path)
    program.profile(
        f'[profile.orders]\ntoken_endpoint = "{server["token_endpoint"]}"\nclient_id = "orders-app"\n'
        'client_secret = "env:ORDERS_SECRET"\n'
    )
    program.environment |= {"ORDERS_SECRET": SECRET, "MSTOKEN_PROFILE": "orders"}
    own = program("get", "orders.read")
    assert own.code == 0, own.err
    assert program("login", stdin=server["refresh_token"]).code == 0
    renewed = [program("get", "orders.read", "--fresh") for _ in range(2)]
    assert [result.code for result in renewed] == [0, 0]
    assert "Allowed      as the application itself: orders.read" in program("inspect", stdin=own.out).out
    assert "Identity     a user: ada" in program("inspect", stdin=renewed[1].out).out


@pytest.mark.parametrize(
    ("credential", "kind"),
    [
        (ClientSecret("wrong"), CredentialRejected),
        (RefreshToken("unknown", ClientSecret(SECRET)), SignInRequired),
    ],
)
def test_its_errors_are_mapped(runner: Runner, server: dict[str, str], credential: Any, kind: type[Exception]) -> None:
    """Errors without AADSTS codes get their kind from RFC 6749's names, and a remedy."""
    client = runner.client("", "orders-app", credential, Authority.oauth(server["token_endpoint"]))
    with pytest.raises(kind) as caught:
        runner.run(lambda: client.get_token("orders.read"))
    assert getattr(caught.value, "remedy", "")
