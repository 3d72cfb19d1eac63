"""What ties an ID token to the sign-in it came with."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.unsigned_tokens import AZURE_CLI, TENANT, id_token, jwt

from mstoken import Authority, DeviceCode
from mstoken.errors import UnreadableAnswer
from mstoken.model import TokenRequest
from mstoken.protocol.id_token import SignedInUser, parse_id_token
from mstoken.values import replace

NOW = 2_000_000_000.0
REQUEST = TokenRequest(Authority.of("login.microsoftonline.com", TENANT), AZURE_CLI, DeviceCode(), ("User.Read",))


def made(**more: Any) -> str:
    return jwt(id_token(nonce="n", exp=NOW + 3600, **more))


def test_the_id_token_names_the_user() -> None:
    """User name, name and the tenant that signed them in."""
    person = parse_id_token(made(), REQUEST, "n", NOW)
    assert person == SignedInUser("ana@contoso.example", "Ana Silva", TENANT)


def test_without_an_id_token_the_user_is_unknown() -> None:
    """A server may give none where no nonce was sent, which is no error."""
    assert parse_id_token("", REQUEST, "", NOW) == SignedInUser()


@pytest.mark.parametrize(
    ("token", "word"),
    [
        (made(aud="another-application"), "another application"),
        (made(aud=["another", "application"]), "another application"),
        (jwt(id_token(nonce="other", exp=NOW + 3600)), "another request"),
        (jwt(id_token(exp=NOW + 3600)), "another request"),
        (jwt(id_token(nonce="n", exp=NOW - 301)), "expired"),
        (jwt({key: value for key, value in id_token(nonce="n").items() if key != "exp"}), "expired"),
        ("not.a.token", "no JWT"),
        ("", "returned no ID token"),
    ],
)
def test_an_id_token_of_another_request_is_refused(token: str, word: str) -> None:
    """Another audience, another nonce or none, no token, a time that is over: nothing of the sign-in is kept."""
    with pytest.raises(UnreadableAnswer, match=word):
        parse_id_token(token, REQUEST, "n", NOW)


def test_clocks_may_differ_by_minutes() -> None:
    """A token that expired five minutes ago by our clock is taken; ours may be fast."""
    assert parse_id_token(jwt(id_token(nonce="n", exp=NOW - 299)), REQUEST, "n", NOW).name == "Ana Silva"


def test_an_audience_may_be_a_list() -> None:
    """RFC 7519 section 4.1.3; letter case does not count in a GUID."""
    assert parse_id_token(made(aud=["x", AZURE_CLI.upper()]), REQUEST, "n", NOW).name == "Ana Silva"


def test_letter_case_of_an_audience_counts_at_a_standard_server() -> None:
    """Client ids of other servers are any text, and `App` and `app` are two applications."""
    asked = replace(REQUEST, authority=Authority.oauth("https://as.example/token"), client_id="App")
    assert parse_id_token(made(aud="App"), asked, "n", NOW).name == "Ana Silva"
    with pytest.raises(UnreadableAnswer, match="another application"):
        parse_id_token(made(aud="app"), asked, "n", NOW)
