"""Federated tokens: which signatures and keys count, and what an issuer has to publish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from tests.support.certificates import rsa_key
from tests.support.oidc_issuer import OidcIssuer
from tests.support.token_service import Reply
from tests.support.unsigned_tokens import base64url_json

Ask = Callable[..., httpx.Response]
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def outcome(ask: Ask) -> Callable[[str], int]:
    """The error code for an assertion; 0 if the application gets its token."""

    def post(assertion: str) -> int:
        answer = ask(
            grant_type="client_credentials",
            scope="https://graph.microsoft.com/.default",
            client_secret=None,
            client_assertion_type=TYPE,
            client_assertion=assertion,
        )
        return 0 if answer.status_code == 200 else int(answer.json()["error_codes"][0])

    return post


Outcome = Callable[[str], int]


@pytest.mark.parametrize("algorithm", ["PS256", "RS384", "RS512", "PS512", "ES256", "HS256", "none"])
def test_only_rs256_is_accepted(issuer: OidcIssuer, outcome: Outcome, algorithm: str) -> None:
    """Whatever key signs: Entra supports no other algorithm of issuers, though it takes PS256 of certificates."""
    claims = jwt.decode(issuer.token(), issuer.key).claims
    keys: dict[str, Any] = {
        "ES256": ECKey.generate_key(auto_kid=False),
        "HS256": OctKey.import_key(b"a secret that the issuer and nobody else knows"),
    }
    header = {"typ": "JWT", "alg": algorithm, "kid": issuer.key.kid}
    if algorithm == "none":
        token = f"{base64url_json(header)}.{base64url_json(claims)}."
    else:
        token = jwt.encode(header, claims, keys.get(algorithm, issuer.key), algorithms=[algorithm])
    assert outcome(token) == 50027


def filler(count: int) -> list[dict[str, Any]]:
    other = RSAKey.import_key(rsa_key(8)).as_dict(private=False)
    return [{**other, "kid": f"other-{number}"} for number in range(count)]


@pytest.mark.parametrize(("before", "expected"), [(0, 0), (98, 0), (99, 0), (100, 7000272), (150, 7000272)])
def test_only_the_first_hundred_keys_count(issuer: OidcIssuer, outcome: Outcome, before: int, expected: int) -> None:
    """The hundredth key of the JWKS still signs; the hundred and first does not exist for Entra."""
    issuer.jwks = {"keys": [*filler(before), issuer.public_key, *filler(20)]}
    assert outcome(issuer.token()) == expected


@pytest.mark.parametrize("claim", [None, "", 5, ["a", "b"]])
def test_a_token_without_an_issuer_is_no_federated_token(issuer: OidcIssuer, outcome: Outcome, claim: Any) -> None:
    """Missing, empty, or no text: it counts as the application's own, whose key it lacks. Nobody is asked for keys."""
    assert outcome(issuer.token(iss=claim)) == 700027
    assert outcome(token_without(issuer, "iss")) == 700027
    assert issuer.requests == []


@pytest.mark.parametrize("claim", ["https://", "http:", "urn:issuer", "HTTPS://EXAMPLE", "https://a b"])
def test_a_strange_issuer_fits_no_credential(issuer: OidcIssuer, outcome: Outcome, claim: str) -> None:
    """700211, and nobody is asked."""
    assert outcome(issuer.token(iss=claim)) == 700211
    assert issuer.requests == []


def token_without(issuer: OidcIssuer, name: str) -> str:
    claims = {key: value for key, value in jwt.decode(issuer.token(), issuer.key).claims.items() if key != name}
    return jwt.encode({"alg": "RS256", "kid": issuer.key.kid}, claims, issuer.key)


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://another.example"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "http://keys.example/jwks"},
        {"jwks_uri": "file:///etc/hostname"},
    ],
)
def test_a_discovery_document_that_does_not_fit_gives_no_keys(
    issuer: OidcIssuer, outcome: Outcome, discovery: dict[str, Any]
) -> None:
    """It names another issuer (OpenID Connect Discovery 1.0 section 4.3), or keys that cannot be fetched: 501661."""
    issuer.discovery = discovery
    assert outcome(issuer.token()) == 501661


def test_a_discovery_document_names_its_issuer_letter_by_letter(issuer: OidcIssuer, outcome: Outcome) -> None:
    """A slash at the end makes another issuer."""
    issuer.discovery = {"issuer": f"{issuer.url}/"}
    assert outcome(issuer.token()) == 501661


@pytest.mark.parametrize("keys", [None, "none", {}, 5])
def test_a_jwks_without_a_list_of_keys_cannot_be_read(issuer: OidcIssuer, outcome: Outcome, keys: Any) -> None:
    """501661, as for an issuer that does not respond."""
    issuer.jwks = {"keys": keys}
    assert outcome(issuer.token()) == 501661


@pytest.mark.parametrize("damaged", [None, "text", 5, {}, {"kty": "RSA"}, {"kty": "RSA", "n": "!", "e": "AQAB"}])
def test_a_key_that_cannot_be_read_does_not_hide_the_others(issuer: OidcIssuer, outcome: Outcome, damaged: Any) -> None:
    """The issuer's own key counts, before or after one that is damaged."""
    issuer.jwks = {"keys": [damaged, issuer.public_key, damaged]}
    assert outcome(issuer.token()) == 0


def test_a_key_without_a_name_serves_tokens_without_one(issuer: OidcIssuer, outcome: Outcome) -> None:
    """RFC 7517 section 4.5: kid is optional. A token that names a key is not checked with another."""
    claims = jwt.decode(issuer.token(), issuer.key).claims
    nameless = {name: value for name, value in issuer.public_key.items() if name != "kid"}
    issuer.jwks = {"keys": [nameless]}
    assert outcome(jwt.encode({"alg": "RS256"}, claims, issuer.key)) == 0
    assert outcome(issuer.token()) == 7000272


def test_an_issuer_that_fails_or_answers_with_something_else_cannot_be_read(
    issuer: OidcIssuer, outcome: Outcome
) -> None:
    """Statuses, text and lists in place of the document."""
    token = issuer.token()
    for reply in (Reply(500, {}), Reply(404, ""), Reply(200, "<html>"), Reply(200, []), Reply(200, "[" * 5000)):
        issuer.script = [reply]
        assert outcome(token) == 501661
