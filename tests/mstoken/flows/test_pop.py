"""Proof of possession: a token bound to the client's key, inside a request that the key signs."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from functools import partial
from typing import Any

import jwt
import pytest
from tests.support.token_service import CLIENT_ID, TENANT, TokenService, token_reply
from tests.support.worlds import World

from entra_emulator import Emulator
from mstoken import ClientSecret, ManagedIdentity, RefreshToken, UnreadableAnswer, UsageError
from mstoken.protocol.jwt import decode

NADIA = "nadia@northwind-partner.example"
CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/c"


def _client(world: World, entra: Emulator, credential: Any = None) -> Any:
    app = entra.state.default_app
    proof = ClientSecret(app.secrets[0].value)
    made = RefreshToken(entra.sign_in(NADIA), proof) if credential == "user" else proof
    return world.client(entra.state.default_tenant.id, app.id, made, entra.authority)


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
def test_the_token_is_bound_to_the_key_that_signs(world: World, entra: Emulator, who: str) -> None:
    """PyJWT accepts the signature, and the token inside names the same key, for an application and for a user."""
    client = _client(world, entra, who)
    url = "https://management.azure.com/subscriptions?api-version=2022-12-01"
    claims = _verified(world.run(partial(client.pop_token, "arm", url=url, method="get", nonce="n-1")))
    assert (claims["m"], claims["u"], claims["p"]) == ("GET", "management.azure.com", "/subscriptions")
    assert claims["nonce"] == "n-1"
    assert abs(claims["ts"] - time.time()) < 60
    assert decode(claims["at"]).claims.get("upn") == (NADIA if who == "user" else None)


def test_a_cluster_is_named_as_kubelogin_does(world: World, entra: Emulator) -> None:
    """What is no URL is signed as it is, in `u`; nothing is said of method and path."""
    claims = _verified(world.run(partial(_client(world, entra).pop_token, "arm", url=CLUSTER)))
    assert claims["u"] == CLUSTER
    assert not {"m", "p", "nonce"} & set(claims)


def test_one_token_serves_many_requests_and_no_bearer(world: World, entra: Emulator) -> None:
    """Each request is signed anew around one token; a bearer token is asked for by itself."""
    client = _client(world, entra)
    before = len(entra.token_requests)
    signed = [world.run(partial(client.pop_token, "arm", nonce=nonce)) for nonce in ("1", "2")]
    bearer = world.run(partial(client.get_token, "arm"))
    inside = {_verified(one)["at"] for one in signed}
    assert len(inside) == 1
    assert len(set(signed)) == 2
    assert "cnf" not in decode(bearer.token).claims
    assert (bearer.token_type, len(entra.token_requests) - before) == ("Bearer", 2)


def test_another_client_has_another_key(world: World, entra: Emulator) -> None:
    """Two clients do not share a key, nor a token."""
    keys = [_verified(world.run(partial(_client(world, entra).pop_token, "arm")))["cnf"]["jwk"]["n"] for _ in range(2)]
    assert keys[0] != keys[1]


def test_a_bearer_token_in_its_place_is_refused(world: World, token_service: TokenService) -> None:
    """A service that ignores the wish gets told; the unbound token is not signed around."""
    token_service.script = [token_reply()]
    client = world.client(TENANT, CLIENT_ID, ClientSecret("not-a-secret"), token_service.url)
    with pytest.raises(UnreadableAnswer, match="bearer token came"):
        world.run(partial(client.pop_token, "arm"))
    form = token_service.asked[0].form
    kid = json.loads(base64.urlsafe_b64decode(form["req_cnf"] + "=="))
    assert (form["token_type"], list(kid)) == ("pop", ["kid"])


def test_a_machine_gets_none(world: World) -> None:
    """Where tokens cannot be bound it is said before anybody is asked."""
    client = world.client("", "", ManagedIdentity(environment={}))
    with pytest.raises(UsageError, match="ManagedIdentity"):
        world.run(partial(client.pop_token, "arm"))
