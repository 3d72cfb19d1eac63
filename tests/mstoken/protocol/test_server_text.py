"""Whatever strings a server sends: each is checked by its use, and none costs a good access token."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.unsigned_tokens import AZURE_CLI, id_token, jwt

from mstoken import Authority, ClientSecret, DeviceCode
from mstoken.errors import MstokenError, UnreadableAnswer
from mstoken.messages import printable
from mstoken.model import TokenRequest
from mstoken.protocol.authorize_url import Secrets, code_of, is_ours
from mstoken.protocol.challenge import challenged_claims, claims_challenge
from mstoken.protocol.claims import claims_parameter
from mstoken.protocol.device_authorization import parse_device_authorization
from mstoken.protocol.http import HttpResponse
from mstoken.protocol.id_token import parse_id_token
from mstoken.protocol.job_token import parse_job_token
from mstoken.protocol.jwt import looks_like_jwt
from mstoken.protocol.refusal import refusal_of
from mstoken.protocol.server_text import claims_in, is_spaced, is_visible, is_word, one_line
from mstoken.protocol.token_endpoint import parse_token_response
from mstoken.protocol.user_realm import federated_with

NOW = 2_000_000_000.0
REQUEST = TokenRequest(
    Authority.of("login.microsoftonline.com", "contoso.example"), AZURE_CLI, ClientSecret("s"), ("https://x/.default",)
)
HOSTILE = [
    "\ud800",
    "a\udfffb",
    "a\r\nSet-Cookie: b=c",
    "a\nb",
    "a\x1b[2Jb",
    "a\x00b",
    "a\x7fb",
    "a\x9b2Jb",
    "a\x85b",
    "a\u202eb",
    "a\u2066b\u2069",
    "a\u200bb",
    "a\u2028b",
    "\ufeffa",
    "é",
    "\U000e0001",
]


def response(status: int, **body: Any) -> HttpResponse:
    return HttpResponse(status, {}, json.dumps(body).encode())


def answer(**more: Any) -> HttpResponse:
    return response(200, **{"access_token": "token", "token_type": "Bearer", "expires_in": 3599} | more)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    ("name", "attribute"),
    [("refresh_token", "refresh_token"), ("id_token", "id_token"), ("foci", "family"), ("scope", "")],
)
def test_an_unusable_optional_field_is_dropped_and_logged(name: str, attribute: str, text: str) -> None:
    """The access token is there, and the field is as if it had not come."""
    parsed = parse_token_response(answer(**{name: text}), REQUEST, NOW, 0.0)
    assert parsed.token.token == "token"
    assert parsed.unusable == (name,)
    assert (getattr(parsed, attribute) if attribute else parsed.token.scope) == ""


@pytest.mark.parametrize("value", [7, True, ["r"], {"a": "r"}, 0])
@pytest.mark.parametrize("name", ["refresh_token", "id_token", "foci", "scope"])
def test_an_optional_field_of_another_type_is_dropped(name: str, value: object) -> None:
    """A number or a list in the place of text; null is as if it were not there."""
    assert parse_token_response(answer(**{name: value}), REQUEST, NOW, 0.0).unusable == (name,)
    assert parse_token_response(answer(**{name: None}), REQUEST, NOW, 0.0).unusable == ()


def test_usable_text_is_unchanged() -> None:
    """Every visible ASCII character; a refresh token and a scope may have spaces (RFC 6749 appendices A.4 and A.17)."""
    visible = "".join(map(chr, range(0x21, 0x7F)))
    fields = {"refresh_token": f"r {visible}", "scope": f"a {visible}", "foci": "1", "id_token": visible}
    parsed = parse_token_response(answer(access_token=visible, **fields), REQUEST, NOW, 0.0)
    assert (parsed.token.token, parsed.token.scope) == (visible, f"a {visible}")
    assert (parsed.refresh_token, parsed.family, parsed.id_token) == (f"r {visible}", "1", visible)
    assert parsed.unusable == ()


@pytest.mark.parametrize("text", [*HOSTILE, "Be arer", "B" * 101, " "])
@pytest.mark.parametrize("name", ["access_token", "token_type"])
def test_a_token_that_no_header_can_carry_is_refused(name: str, text: str) -> None:
    """`Authorization: TYPE TOKEN` has one line and one space (RFC 9110 section 11.4)."""
    if (name, text) == ("access_token", "B" * 101):
        text = ""
    with pytest.raises(UnreadableAnswer, match=name):
        parse_token_response(answer(**{name: text}), REQUEST, NOW, 0.0)


@pytest.mark.parametrize("kind", [7, ["Bearer"], {"a": 1}, True])
def test_a_token_type_that_is_no_text_is_refused(kind: object) -> None:
    """RFC 6749 section 7.1: a token of a type that is not understood is not used."""
    with pytest.raises(UnreadableAnswer, match="token_type"):
        parse_token_response(answer(token_type=kind), REQUEST, NOW, 0.0)


@pytest.mark.parametrize(
    "claims", ["\ud800", '{"a":"\ud800"}', '{"a":"\\ud800"}', "[1]", "{", "x", 7, ["{}"], "{}" * 30_000]
)
def test_unsendable_claims_are_dropped_from_the_error(claims: object) -> None:
    """The refusal keeps its kind and code, and says what it lacks."""
    body = {"error": "interaction_required", "error_description": "AADSTS50076: MFA.", "claims": claims}
    error = refusal_of(response(400, **body), NOW, REQUEST)
    assert type(error).__name__ == "SignInRequired"
    assert getattr(error, "claims", None) == ""
    assert "not a JSON object" in str(error)
    str(error).encode()


def test_sendable_claims_are_unchanged() -> None:
    """They go back to the service byte for byte, other alphabets included."""
    text = '{"access_token":{"acrs":{"essential":true,"value":"ç"}}}'
    error = refusal_of(response(400, error="interaction_required", claims=text), NOW, REQUEST)
    assert getattr(error, "claims", None) == text
    assert "not a JSON object" not in str(error)
    assert challenged_claims(claims_challenge(text)) == text
    assert claims_in(claims_parameter(text, enable_cae=True)) is not None


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("status", [400, 401, 429, 500])
@pytest.mark.parametrize("name", ["error", "error_description", "suberror", "trace_id", "correlation_id", "timestamp"])
def test_an_error_contains_no_terminal_control_characters(name: str, status: int, text: str) -> None:
    """Message, remedy and every field: one line each that can be shown and encoded."""
    body = {"error": "invalid_grant", "error_description": "AADSTS50173: x", name: f"x{text}y"}
    error = refusal_of(response(status, **body), NOW, REQUEST)
    refusal = getattr(error, "refusal", None)
    words = [error.message, *error.remedy.splitlines(), refusal and repr(refusal)]
    for word in filter(None, words):
        assert word.isprintable()
        word.encode()


def test_a_very_long_number_is_not_a_code() -> None:
    """`error_codes` may hold any number that JSON can write."""
    error = refusal_of(response(400, error="invalid_grant", error_codes=[10**300, -1, 0, 50076]), NOW, REQUEST)
    assert getattr(error, "codes", None) == (50076,)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_users_name_is_shown_on_one_line(text: str) -> None:
    """Names in an ID token are for people; a tenant goes into a profile and into URLs, and is one or nothing."""
    asked = TokenRequest(REQUEST.authority, AZURE_CLI, DeviceCode(), ("x",))
    claims = id_token(nonce="n", exp=NOW + 60, name=f"Ana{text}", preferred_username=f"ana{text}", tid=f"t{text}")
    person = parse_id_token(jwt(claims), asked, "n", NOW)
    for shown in (person.name, person.username):
        assert shown.startswith(("Ana", "ana"))
        assert shown.isprintable()
    assert person.tenant == ""
    with pytest.raises(UnreadableAnswer, match="another request"):
        parse_id_token(jwt(claims | {"nonce": text}), asked, "n", NOW)


@pytest.mark.parametrize("text", HOSTILE)
def test_parameters_of_the_redirect_are_checked(text: str) -> None:
    """A state or code that a terminal handed on with bytes that are no text is not ours, or not a code."""
    assert not is_ours({"state": text}, Secrets("state", "nonce", "verifier"))
    with pytest.raises(UnreadableAnswer):
        code_of({"code": text}, REQUEST, NOW)
    with pytest.raises(MstokenError) as caught:
        code_of({"error": f"x{text}", "error_description": text, "claims": text}, REQUEST, NOW)
    assert str(caught.value).replace("\n", "").isprintable()


@pytest.mark.parametrize("text", HOSTILE)
def test_device_codes_are_shown_or_refused(text: str) -> None:
    """The sentence for the person has nothing that cannot be seen; codes and address are what they should be."""
    whole: dict[str, Any] = {
        "device_code": "d",
        "user_code": "ABC",
        "verification_uri": "https://microsoft.com/devicelogin",
        "expires_in": 900,
    }
    said = parse_device_authorization(
        response(200, **whole, message=f"Open https://microsoft.com/devicelogin{text} and type ABC"), REQUEST, NOW
    )
    assert said.prompt.message.isprintable()
    for name in ("device_code", "verification_uri"):
        with pytest.raises(UnreadableAnswer):
            parse_device_authorization(response(200, **whole | {name: whole[name] + text}), REQUEST, NOW)


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_hosts_and_tokens_are_checked(text: str) -> None:
    """A federation host is shown; a job's token goes into a form, and is a JWT or nothing."""
    realm = {"account_type": "Federated", "federation_active_auth_url": f"https://sts{text}/x", "domain_name": text}
    assert federated_with(response(200, **realm)).isprintable()
    assert federated_with(response(200, **realm | {"federation_active_auth_url": 7})).isprintable()
    with pytest.raises(UnreadableAnswer):
        parse_job_token(response(200, value=f"{jwt({})}{text}"), "value", "The job", NOW)
    assert not looks_like_jwt(f"{jwt({})}{text}")


any_text = st.text(st.characters(categories=None), max_size=12)  # surrogates too


@given(st.dictionaries(st.sampled_from(["refresh_token", "id_token", "scope", "foci", "token_type"]), any_text))
def test_any_text_is_used_dropped_or_refused(fields: dict[str, str]) -> None:
    """What comes out can be stored, sent and shown, whatever came in."""
    try:
        parsed = parse_token_response(answer(**fields), REQUEST, NOW, 0.0)
    except UnreadableAnswer:
        assert not is_word(fields["token_type"])
        return
    for text in (parsed.token.token_type, parsed.token.scope, parsed.refresh_token, parsed.id_token, parsed.family):
        assert text.isascii()
        assert text.isprintable()
    kept = {"refresh_token": parsed.refresh_token, "id_token": parsed.id_token, "foci": parsed.family}
    for name, text in {**kept, "scope": parsed.token.scope}.items():
        assert text == ("" if name in parsed.unusable else fields.get(name, ""))


@given(any_text)
def test_the_checks_agree_with_unicode(text: str) -> None:
    """Visible and spaced text is ASCII; a line for people has no control, format or surrogate character."""
    assert is_visible(text) == (bool(text) and all("!" <= letter <= "~" for letter in text))
    assert is_spaced(text) == all(" " <= letter <= "~" for letter in text)
    for shown in (one_line(text), printable(text).replace("\n", "")):
        assert not any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in shown)
        shown.encode()
