"""What ties an ID token to the sign-in it came with."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.unsigned_tokens import AZURE_CLI, TENANT, id_token, jwt

from mstoken import Authority, DeviceCode
from mstoken.errors import UnreadableAnswer
from mstoken.model import TokenRequest
from mstoken.protocol.id_token import Person, read_person
from mstoken.values import replace

NOW = 2_000_000_000.0
REQUEST = TokenRequest(Authority.of("login.microsoftonline.com", TENANT), AZURE_CLI, DeviceCode(), ("User.Read",))


def made(**more: Any) -> str:
    return jwt(id_token(nonce="n", exp=NOW + 3600, **more))


def test_it_says_who_signed_in() -> None:
    """User name, name and the tenant that signed them in."""
    person = read_person(made(), REQUEST, "n", NOW)
    assert person == Person("ana@contoso.example", "Ana Silva", TENANT)


def test_without_one_it_is_nobody() -> None:
    """A server may give none where no nonce was sent, which is no error."""
    assert read_person("", REQUEST, "", NOW) == Person()


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
def test_what_belongs_elsewhere_is_refused(token: str, word: str) -> None:
    """Another audience, another nonce or none, no token, a time that is over: nothing of the sign-in is kept."""
    with pytest.raises(UnreadableAnswer, match=word):
        read_person(token, REQUEST, "n", NOW)


def test_clocks_may_differ_by_minutes() -> None:
    """A token that expired five minutes ago by our clock is taken; ours may be fast."""
    assert read_person(jwt(id_token(nonce="n", exp=NOW - 299)), REQUEST, "n", NOW).name == "Ana Silva"


def test_an_audience_may_be_a_list() -> None:
    """RFC 7519 section 4.1.3; letter case does not count in a GUID."""
    assert read_person(made(aud=["x", AZURE_CLI.upper()]), REQUEST, "n", NOW).name == "Ana Silva"


def test_letter_case_of_an_audience_counts_at_a_standard_server() -> None:
    """Client ids of other servers are any text, and `App` and `app` are two applications."""
    asked = replace(REQUEST, authority=Authority.oauth("https://as.example/token"), client_id="App")
    assert read_person(made(aud="App"), asked, "n", NOW).name == "Ana Silva"
    with pytest.raises(UnreadableAnswer, match="another application"):
        read_person(made(aud="app"), asked, "n", NOW)
