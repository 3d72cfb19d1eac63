"""JWTs are taken apart as the RFCs say, and nothing else is taken for one."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.unsigned_tokens import base64url_json, jwt

from mstoken.errors import UsageError
from mstoken.protocol.jwt import MAX_CHARACTERS, decode, looks_like_jwt

texts = st.text(max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=5)


@given(header=objects, claims=objects)
def test_header_and_claims_survive_encoding(header: dict[str, Any], claims: dict[str, Any]) -> None:
    """Whatever objects a JWT is made of, decoding gives them back."""
    header["alg"] = "RS256"
    decoded = decode(jwt(claims, header))
    assert (decoded.header, decoded.claims, decoded.encrypted) == (header, claims, False)


@given(st.text(max_size=200) | st.text("eyJ.-_=A0", max_size=200))
def test_any_text_is_decoded_or_refused_without_being_repeated(text: str) -> None:
    """No text makes decoding fail in another way than UsageError, and the error never holds the text."""
    try:
        said = repr(decode(text))
    except UsageError as error:
        said = str(error)
    assert len(text) < 20 or text not in said


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_in_the_parts_are_decoded_or_refused(header: bytes, claims: bytes) -> None:
    """Bytes that are no JSON object are refused, those that are one are read."""
    first, second = (base64.urlsafe_b64encode(raw).decode() for raw in (header, claims))
    try:
        decoded = decode(f"{first}.{second}.x")
    except UsageError:
        return
    assert decoded.claims == json.loads(claims)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        "a.b.c.d.e.f",
        f"{base64url_json({'alg': 'none'})}.{base64url_json(['not', 'an', 'object'])}.",
        f"{base64url_json('text')}.{base64url_json({})}.x",
        f"{base64url_json({})}.{base64url_json({})[:-1]}.x",
        f"{base64url_json({})}.e+/=.x",
        f"{base64url_json({})}.{base64.urlsafe_b64encode(b'{' * 100_000).decode()}.x",
        f"{base64url_json({})}.{base64.urlsafe_b64encode(b'[' * 100_000).decode()}.x",
    ],
)
def test_an_invalid_jwt_is_refused(token: str) -> None:
    """Wrong numbers of parts, other JSON than objects, broken base64 and bottomless nesting are refused."""
    with pytest.raises(UsageError):
        decode(token)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_invalid_numbers_are_refused(number: str) -> None:
    """What Python takes for a number though JSON or reason does not makes the token unreadable."""
    claims = base64.urlsafe_b64encode(f'{{"exp": {number}}}'.encode()).decode()
    with pytest.raises(UsageError):
        decode(f"{base64url_json({})}.{claims}.x")


def test_a_token_over_the_limit_is_refused_unread() -> None:
    """A text longer than any token is refused by its length alone, though it is a JWT."""
    token = jwt({"pad": "x" * MAX_CHARACTERS})
    assert not looks_like_jwt(token)
    with pytest.raises(UsageError, match="longer"):
        decode(token)


def test_an_encrypted_token_shows_its_header_alone() -> None:
    """Of a JWE, five parts, only the header is readable (RFC 7516 section 3.1)."""
    header = {"alg": "RSA-OAEP", "enc": "A256GCM"}
    decoded = decode(f"{base64url_json(header)}.a.b.c.d")
    assert (decoded.header, decoded.claims, decoded.encrypted) == (header, {}, True)


def test_the_signature_and_the_claims_stay_out_of_the_repr() -> None:
    """Logs of a decoded token name nobody."""
    assert "ana@contoso" not in repr(decode(jwt({"upn": "ana@contoso.example"})))
