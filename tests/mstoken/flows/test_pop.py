"""Proof of possession: a token bound to the client's key, inside a request that the key signs."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import jwt
import pytest
from tests.support.default_chain import client_from_environment, token_claims
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, TokenService, token_reply

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Machine
from mstoken import (
    ClientSecret,
    ManagedIdentity,
    NotConfigured,
    RefreshToken,
    SignInRequired,
    UnreadableAnswer,
    UsageError,
)
from mstoken.protocol.cache_key import cache_key
from mstoken.protocol.jwt import decode
from mstoken.protocol.pop import PopRequest

NADIA = "nadia@northwind-partner.example"
CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/c"


def _client(runner: Runner, entra: Emulator, credential: Any = None) -> Any:
    app = entra.state.default_app
    proof = ClientSecret(app.secrets[0].value)
    made = RefreshToken(entra.sign_in(NADIA), proof) if credential == "user" else proof
    return runner.client(entra.state.default_tenant.id, app.id, made, entra.authority)


def _verified(signed: str) -> dict[str, Any]:
    """The claims of a signed request, checked by PyJWT with the key it names."""
    header = jwt.get_unverified_header(signed)
    unverified = jwt.decode(signed, options={"verify_signature": False})
    key = unverified["cnf"]["jwk"]
    canonical = json.dumps({name: key[name] for name in ("e", "kty", "n")}, separators=(",", ":")).encode()
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    assert (header["alg"], header["typ"], header["kid"]) == ("RS256", "pop", thumbprint)
    claims: dict[str, Any] = jwt.decode(signed, jwt.PyJWK({**key, "alg": "RS256"}), algorithms=["RS256"])
    assert decode(claims["at"]).claims["cnf"]["kid"] == thumbprint
    return claims


@pytest.mark.parametrize("who", ["app", "user"])
def test_the_token_is_bound_to_the_key_that_signs(runner: Runner, entra: Emulator, who: str) -> None:
    """PyJWT accepts the signature, and the token inside names the same key, for an application and for a user."""
    client = _client(runner, entra, who)
    url = "https://management.azure.com/subscriptions?api-version=2022-12-01"
    token = runner.run(partial(client.pop_token, "arm", url=url, method="get", nonce="n-1"))
    claims = _verified(token.token)
    assert (token.token_type, token.expires_on > time.time()) == ("PoP", True)
    assert claims["at"] not in repr(token)
    assert (claims["m"], claims["u"], claims["p"]) == ("GET", "management.azure.com", "/subscriptions")
    assert claims["nonce"] == "n-1"
    assert abs(claims["ts"] - time.time()) < 60
    assert decode(claims["at"]).claims.get("upn") == (NADIA if who == "user" else None)


def test_a_cluster_is_named_as_kubelogin_does(runner: Runner, entra: Emulator) -> None:
    """What is no URL is signed as it is, in `u`; nothing is said of method and path, and a nonce is made each time."""
    client = _client(runner, entra)
    first, second = (_verified(runner.run(partial(client.pop_token, "arc-k8s", url=CLUSTER)).token) for _ in range(2))
    assert first["u"] == CLUSTER
    assert not {"m", "p"} & set(first)
    assert len(first["nonce"]) >= 32
    assert first["nonce"] != second["nonce"]


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://Management.Azure.COM", "management.azure.com", "/"),
        ("https://management.azure.com:443/a?b=c", "management.azure.com", "/a"),
        ("https://management.azure.com:8443/a%20b", "management.azure.com:8443", "/a%20b"),
        ("https://management.azure.com/a b", "management.azure.com", "/a%20b"),
        ("http://[::1]:80/x", "[::1]", "/x"),
    ],
)
def test_host_and_path_of_the_url_are_signed(url: str, host: str, path: str) -> None:
    """As a server sees them: the host in lower case, with a port where it is not the usual one; not the query."""
    assert PopRequest(url).named() == {"u": host, "p": path}


@pytest.mark.parametrize("url", ["https://", "https://[", "https:///path", "://host", "https://me@host/a"])
def test_an_invalid_url_is_refused(url: str) -> None:
    """A mistake in the URL is told, and not signed as if it were a cluster's name."""
    with pytest.raises(UsageError, match="not a URL"):
        PopRequest(url)


def test_one_token_serves_many_requests_and_no_bearer(runner: Runner, entra: Emulator) -> None:
    """Each request is signed anew around one token; a bearer token is asked for by itself."""
    client = _client(runner, entra)
    before = len(entra.token_requests)
    signed = [runner.run(partial(client.pop_token, "arm", nonce=nonce)) for nonce in ("1", "2")]
    bearer = runner.run(partial(client.get_token, "arm"))
    inside = {_verified(one.token)["at"] for one in signed}
    assert len(inside) == 1
    assert len({one.token for one in signed}) == 2
    assert [kept.key for kept in client._stores.access_tokens.tokens()] == [cache_key(client.token_request("arm"))]
    assert "cnf" not in decode(bearer.token).claims
    assert (bearer.token_type, len(entra.token_requests) - before) == ("Bearer", 2)


def test_another_client_has_another_key(runner: Runner, entra: Emulator) -> None:
    """Two clients do not share a key, nor a token."""
    tokens = [runner.run(partial(_client(runner, entra).pop_token, "arm")).token for _ in range(2)]
    first, second = (_verified(token)["cnf"]["jwk"]["n"] for token in tokens)
    assert first != second


def test_many_callers_share_one_request(runner: Runner, entra: Emulator) -> None:
    """One bound token is asked for, however many want to sign at once."""
    client = _client(runner, entra)
    before = len(entra.token_requests)
    signed = runner.gather(partial(client.pop_token, "arm"), 20)
    assert len({_verified(one.token)["at"] for one in signed}) == 1
    assert len(entra.token_requests) == before + 1


def test_tokens_of_an_ended_sign_in_are_removed(runner: Runner, entra: Emulator) -> None:
    """When the service says that the sign-in is over, the bound tokens of it serve no more either."""
    client = _client(runner, entra, "user")
    runner.run(partial(client.pop_token, "arm"))
    entra.revoke(NADIA)
    with pytest.raises(SignInRequired):
        runner.run(partial(client.pop_token, "graph"))
    with pytest.raises(SignInRequired):
        runner.run(partial(client.pop_token, "arm"))


def test_a_token_with_claims_replaces_the_one_without(runner: Runner, token_service: TokenService) -> None:
    """After a claims challenge the next signed request has the token that met it."""
    token_service.script = [token_reply("old", token_type="pop"), token_reply("new", token_type="pop")]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    options: list[dict[str, str]] = [{}, {"claims": '{"access_token":{"nbf":{"essential":true}}}'}, {}]
    signed = [runner.run(partial(client.pop_token, "arm", **one)).token for one in options]
    assert [decode(one).claims["at"] for one in signed] == ["old", "new", "new"]
    assert "claims" in token_service.requests[1].form


def test_a_bearer_token_in_the_response_is_refused(runner: Runner, token_service: TokenService) -> None:
    """A service that ignores the wish gets told; the unbound token is not signed around."""
    token_service.script = [token_reply()]
    client = runner.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    with pytest.raises(UnreadableAnswer, match="issued a bearer token"):
        runner.run(partial(client.pop_token, "arm"))
    form = token_service.requests[0].form
    confirmation = json.loads(base64.urlsafe_b64decode(form["req_cnf"] + "=="))
    assert (form["token_type"], "=" in form["req_cnf"]) == ("pop", False)
    assert (list(confirmation), confirmation["xms_ksl"]) == (["kid", "xms_ksl"], "sw")  # as kubelogin and Azure CLI


def test_a_managed_identity_gets_no_bound_token(runner: Runner) -> None:
    """Where tokens cannot be bound it is said before anybody is asked."""
    client = runner.client("", "", ManagedIdentity(environment={}))
    with pytest.raises(UsageError, match="ManagedIdentity"):
        runner.run(partial(client.pop_token, "arm"))


def test_a_chain_skips_credentials_that_cannot_bind_a_key(
    runner: Runner, clean: dict[str, str], machine: Machine, profile: None, tmp_path: Path
) -> None:
    """The machine would serve first; its tokens cannot be bound, so the profile's person serves, and only here."""
    client = client_from_environment(runner, clean | machine.environment("imds"))
    for _ in range(2):
        claims = _verified(runner.run(partial(client.pop_token, "arm")).token)
        assert decode(claims["at"]).claims["upn"] == NADIA
        (tmp_path / "refresh").unlink(missing_ok=True)  # who has served is not looked up again
    assert machine.requests == []
    assert "upn" not in token_claims(runner, client, "arm")


def test_a_chain_without_a_bindable_credential_lists_the_reasons(
    runner: Runner, clean: dict[str, str], machine: Machine
) -> None:
    """The machine is there, and the error says why it does not serve."""
    client = client_from_environment(runner, clean | machine.environment("app_service"))
    with pytest.raises(NotConfigured, match="managed identity: its tokens cannot be bound to a key"):
        runner.run(partial(client.pop_token, "arm"))
