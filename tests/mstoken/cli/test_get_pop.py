"""`mstoken get --pop`: a token bound to a key, inside a signed request, by transcript."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from tests.support.program import Program, RunResult

from entra_emulator import Emulator

CLUSTER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/c"
URL = "https://management.azure.com/subscriptions?api-version=2022-12-01"
NADIA = "nadia@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"


def verified(signed: str) -> dict[str, Any]:
    """Return the claims of a signed request, verified with the key that it names (PyJWT)."""
    key = jwt.decode(signed, options={"verify_signature": False})["cnf"]["jwk"]
    assert jwt.get_unverified_header(signed)["typ"] == "pop"
    claims: dict[str, Any] = jwt.decode(signed, jwt.PyJWK({**key, "alg": "RS256"}), algorithms=["RS256"])
    return claims


def inner(signed: str) -> dict[str, Any]:
    """Return the claims of the access token inside."""
    claims: dict[str, Any] = jwt.decode(verified(signed)["at"], options={"verify_signature": False})
    return claims


def one_line(result: RunResult) -> str:
    assert (result.code, result.err) == (0, "")
    [line] = result.out.splitlines()
    return line


def test_a_signed_request_for_a_cluster(at_entra: Program, entra: Emulator) -> None:
    """Like kubelogin's --pop-enabled and --pop-claims u=ID; the key is not stored, so each run sends a request."""
    before = len(entra.token_requests)
    first, second = (one_line(at_entra("get", "arc-k8s", "--pop", CLUSTER)) for _ in range(2))
    assert verified(first)["u"] == verified(second)["u"] == CLUSTER
    assert inner(first)["cnf"]["kid"] != inner(second)["cnf"]["kid"]
    assert len(entra.token_requests) == before + 2
    assert at_entra("cache", "show").out == ""  # a token bound to a lost key is useless, so it is not cached


def test_the_url_determines_the_service(at_entra: Program) -> None:
    """Without a service name, the signed URL determines the service; as a header the result is ready to send."""
    line = one_line(at_entra("get", "--pop", URL, "--pop-method", "get", "--pop-nonce", "from-the-api", "-o", "header"))
    scheme, _, signed = line.removeprefix("Authorization: ").partition(" ")
    claims = verified(signed)
    assert scheme == "PoP"
    assert (claims["m"], claims["u"], claims["p"]) == ("GET", "management.azure.com", "/subscriptions")
    assert claims["nonce"] == "from-the-api"
    assert inner(signed)["aud"] == "https://management.azure.com/"


def test_json_has_the_expiry(at_entra: Program) -> None:
    """It is that of the token inside."""
    found = json.loads(at_entra("get", "arm", "--pop", URL, "-o", "json").out)
    assert found["token_type"] == "PoP"
    assert found["expires_on"] == pytest.approx(inner(found["token"])["exp"], abs=5)


def test_a_cached_bearer_token_is_not_used(at_entra: Program) -> None:
    """Nor is the signed request cached for bearer requests."""
    bearer = one_line(at_entra("get", "arm"))
    assert verified(one_line(at_entra("get", "arm", "--pop", URL)))["at"] != bearer
    assert one_line(at_entra("get", "arm")) == bearer


def test_a_sign_in_is_bound_too(anonymous: Program, entra: Emulator) -> None:
    """The default profile's user gets bound tokens; the stored refresh token is used and renewed."""
    login = anonymous(
        "login", "--tenant", "organizations", "--client-id", PUBLIC_APP, stdin=entra.sign_in(NADIA, PUBLIC_APP)
    )
    assert login.code == 0
    assert inner(one_line(anonymous("get", "arm", "--pop", URL)))["upn"] == NADIA


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("arm", "--pop-method", "GET"), "--pop-method and --pop-nonce need --pop"),
        (("arm", "--pop", URL, "-o", "az"), "--output az is for bearer tokens"),
        (("arm", "--pop", "https://"), "not a URL"),
        (("--pop", CLUSTER), "No service or scope"),
    ],
)
def test_contradictory_options_are_refused(
    at_entra: Program, entra: Emulator, arguments: tuple[str, ...], said: str
) -> None:
    """A usage error, before any request."""
    before = len(entra.token_requests)
    result = at_entra("get", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert len(entra.token_requests) == before


def test_a_managed_identity_cannot_be_bound(anonymous: Program, entra: Emulator) -> None:
    """The error says so, if only a managed identity is available."""
    with entra.machine() as machine:
        result = anonymous("get", "arm", "--pop", URL, **machine.environment("app_service"))
        assert machine.requests == []
    assert (result.code, result.out) == (2, "")
    assert "managed identity: its tokens cannot be bound to a key" in result.err
