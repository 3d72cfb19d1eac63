"""`mstoken inspect`: any token as input, plain text as output, and no secret in it."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.program import Program
from tests.support.unsigned_tokens import (
    APP,
    AZURE_CLI,
    TENANT,
    app_v1,
    base64url_json,
    id_token,
    jwt,
    lifetime,
    user_v1,
    user_v2,
)

from mstoken.cli.inspection import description, kinds, token_input
from mstoken.cli.inspection.summary import summarize
from mstoken.errors import MstokenError
from mstoken.protocol.jwt import Decoded, decode

NOW = time.time()
GRAPH_ID = "00000003-0000-0000-c000-000000000000"
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
NOTHING_ALLOWED = "the token contains no permissions; the API applies its own rules, such as Azure roles, or refuses"


@pytest.fixture
def mstoken(tmp_path: Path) -> Program:
    return Program(tmp_path)


def told(claims: dict[str, Any]) -> dict[str, str]:
    """Return label -> text for a token with these claims; the last of a repeated label."""
    decoded = decode(jwt(claims))
    return dict(description.describe(summarize(decoded), kinds.of_jwt(decoded).name, time.time()))


def test_an_application_token_in_text(mstoken: Program) -> None:
    """Service, issuer, identity, expiry and permissions, one per line, and that the signature was not verified."""
    result = mstoken("inspect", stdin=jwt(app_v1()))
    lines = result.out.splitlines()
    assert (result.code, result.err) == (0, "")
    assert lines[0] == "Access token, v1.0, signed with RS256."
    assert lines[1] == "  For          Microsoft Graph (https://graph.microsoft.com/)"
    assert lines[2] == f"  Issued by    tenant {TENANT} (https://sts.windows.net/{TENANT}/)"
    assert "  Identity     the application itself, no user" in lines
    assert f"  Application  Night job ({APP}), which proved itself with a secret" in lines
    assert "  Allowed      as the application itself: User.Read.All, Mail.Send" in lines
    assert any(line.startswith("  Valid until  ") and line.endswith(" left") for line in lines)
    assert lines[-1] == description.UNVERIFIED


def test_a_user_token_in_text() -> None:
    """The user, the sign-in methods, the application and the roles have names."""
    words = told(user_v1())
    assert words["For"].startswith("Azure Resource Manager")
    assert words["Identity"] == "a user: Ana Silva (ana@contoso.example)"
    assert words["Application"].startswith("Azure CLI (")
    assert words["Allowed"].startswith("delegated, on behalf of the user")
    assert words["Allowed"].endswith(": user_impersonation")
    assert words["Signed in"] == "password (pwd), multifactor authentication (mfa)"
    assert (words["MFA"], words["Directory"]) == ("yes", "Global Administrator")
    assert words["CAE"].startswith("yes")


@pytest.mark.parametrize(
    ("claims", "label", "says"),
    [
        (user_v1(amr=["pwd"]), "MFA", "no"),
        (user_v2(), "MFA", "unknown (no amr; v2.0 access tokens have none)"),
        (user_v2(), "For", "11111111-2222-3333-4444-555555555555"),
        (user_v2(), "Cloud", "Azure public (worldwide, and US Government GCC)"),
        (user_v1(aud="https://management.core.usgovcloudapi.net/"), "Cloud", "US Government (GCC High)"),
        (app_v1(aud=GRAPH_ID), "For", f"Microsoft Graph ({GRAPH_ID})"),
        (app_v1(roles=[]), "Allowed", NOTHING_ALLOWED),
        (user_v1(roles=["Admin"], scp=""), "Allowed", "roles assigned to the user: Admin"),
        (app_v1(xms_mirid="/subscriptions/x"), "Identity", "the managed identity itself, no user"),
        (user_v1(acct=1), "Identity", "a user: Ana Silva (ana@contoso.example), a guest in this tenant"),
        (
            user_v1(idp=f"https://sts.windows.net/{PERSONAL_TENANT}/"),
            "Identity",
            "a user: Ana Silva (ana@contoso.example), signed in at a personal Microsoft account",
        ),
        (app_v1(tid=PERSONAL_TENANT, iss="i"), "Issued by", "personal Microsoft accounts (i)"),
        (app_v1(cnf={"kid": "k"}), "Bound", "to a key (cnf): unusable without that key"),
        (app_v1(wids=["ffffffff", "x"]), "Directory", "ffffffff, x"),
        (user_v1(xms_idrel="1 11"), "Relation", "to the tenant: member, user of a partner, through GDAP"),
        (app_v1(xms_idrel="7 10"), "Relation", "to the tenant: service principal, 10"),
        (app_v1(xms_sub_fct="9 3 11", xms_act_fct="3 9 11"), "Agent", "the identity is an agent identity"),
        (user_v1(xms_sub_fct="3", xms_act_fct="11"), "Agent", "an agent identity acts with the token"),
        (
            user_v1(xms_sub_fct="13", xms_act_fct="3 11"),
            "Agent",
            "the identity is the user account of an agent; an agent identity acts with the token",
        ),
        (app_v1(xms_par_app_azp="30cf4c22"), "Blueprint", "30cf4c22"),
        ({"azp": "x"}, "Expires", "unknown (no exp)"),
        ({"azp": "x", "exp": 1e15}, "Expires", "unknown (no exp)"),
        ({"azp": "x"}, "Identity", "unknown: a user or an application"),
    ],
)  # fmt: skip
def test_other_properties_of_tokens(claims: dict[str, Any], label: str, says: str) -> None:
    """Each property has a label; a missing one is reported as unknown."""
    assert told(claims)[label] == says


def test_claims_that_concern_no_agent_say_nothing_of_one() -> None:
    """Facets of other meaning, and claims of another type."""
    assert not {"Agent", "Blueprint", "Relation"} & set(told(app_v1(xms_sub_fct="3 9", xms_act_fct=11, xms_idrel=7)))


def test_a_v2_application_token_without_idtyp_is_recognized() -> None:
    """If the API does not request idtyp, a subject equal to the object ID means an application."""
    claims = app_v1(ver="2.0", azp=APP)
    del claims["idtyp"], claims["appid"]
    assert told(claims)["Identity"] == "the application itself, no user"


def test_lifetimes_are_compared_with_the_clock() -> None:
    """An expired token, one that is not valid yet, and a valid one are distinguished."""
    gone = told(app_v1(**lifetime(-4000, 3600)))
    assert gone["Expired"].endswith("6 minutes ago")
    early = told(app_v1(**lifetime(630, 3600)))
    assert "in 10 minutes" in early["Not before"]
    assert "Not before" not in told(app_v1())


def test_times_are_shown_in_utc_and_in_local_time(mstoken: Program) -> None:
    """If local time differs from UTC both are shown; JSON has the number."""
    token = jwt(app_v1())
    assert "local time" not in mstoken("inspect", stdin=token).out
    assert "UTC (" in mstoken("inspect", stdin=token, TZ="Asia/Kolkata").out


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (61, "1 minute"), (3700, "1 hour 1 minute"), (90_000, "1 day 1 hour")],
)
def test_a_duration_in_text(seconds: int, words: str) -> None:
    """It has two units."""
    assert description.format_duration(seconds) == words


def test_json_has_the_summary_and_every_claim(mstoken: Program) -> None:
    """The values of the text, all claims, and that the signature is not verified."""
    claims = user_v1()
    result = mstoken("inspect", "--output", "json", stdin=jwt(claims))
    said = json.loads(result.out)
    assert said["claims"] == claims
    assert said["signature_checked"] is False
    assert (said["kind"], said["service_name"], said["mfa"], said["stands_for"]) == (
        "access token",
        "arm",
        True,
        "user",
    )
    assert (said["expires_on"], said["delegated"]) == (claims["exp"], ["user_impersonation"])
    assert 0 < said["expires_in"] <= 3600
    assert (said["relations"], said["subject_agent"], said["actor_agent"], said["blueprint"]) == ([], "", "", "")
    assert len(result.out.splitlines()) == 1


TOKEN = jwt(app_v1())


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"  {TOKEN}\n\n",
        f"Bearer {TOKEN}",
        f"Authorization: bearer {TOKEN}\r\n",
        f"export AZURE_ACCESS_TOKEN='{TOKEN}'\n",
        f'$env:TOKEN = "{TOKEN}"',
        json.dumps({"accessToken": TOKEN, "expires_on": 1, "tokenType": "Bearer"}),
        json.dumps({"token_type": "Bearer", "id_token": jwt(id_token()), "access_token": TOKEN}),
        json.dumps({"status": {"token": TOKEN}}),
        json.dumps([{"Token": TOKEN}]),
        json.dumps(TOKEN),
        f"2026-01-01 DEBUG sending {TOKEN} to graph",
        "\n".join(TOKEN[at : at + 64] for at in range(0, len(TOKEN), 64)),
        f"{TOKEN}\n{jwt(id_token())}\n",
    ],
)
def test_a_token_is_found_in_any_input(text: str) -> None:
    """Bare, after Bearer, assigned, in JSON, in a log line, wrapped, the first of two: the token is the same."""
    assert token_input.find_token(text) == TOKEN


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_output_of_powershell_is_read(encoding: str) -> None:
    """Byte order marks and UTF-16, as PowerShell pipes write them, are not part of the token."""
    assert token_input.find_token(token_input.decode_input(TOKEN.encode(encoding))) == TOKEN


@pytest.mark.parametrize(
    ("token", "name"),
    [
        (f"1.A{'x' * 60}.AgABAwEAAAD", "Entra refresh token or authorization code"),
        (f"0.A{'x' * 60}", "Entra refresh token or authorization code"),
        (f"OAQABAA{'x' * 60}", "Entra refresh token or authorization code, in an older form"),
        (f"M.C105_BAY.-{'x' * 60}", "refresh token or authorization code of a personal Microsoft account"),
        (f"EwB4{'A' * 100}==", "access token of a personal Microsoft account, in the compact form"),
        (f"abc8Q~{'x' * 34}", "client secret of an application, not a token"),
        ("PHNhbWw6QXNzZXJ0aW9uPg==", "SAML assertion, in base64"),
        ("something-else", "opaque token, not a JWT"),
    ],
)
def test_opaque_tokens_are_recognized(token: str, name: str) -> None:
    """A token that is not a JWT is named by its form, if that is known."""
    assert kinds.of_opaque(token).name == name


def test_an_opaque_token_is_described_without_being_shown(mstoken: Program) -> None:
    """A refresh token is recognized, with a warning, and no part of it is printed."""
    token = f"1.A{'secret' * 20}"
    result = mstoken("inspect", stdin=token)
    assert result.code == 0
    assert result.out.startswith("Entra refresh token or authorization code. ")
    assert "secret" not in result.out + result.err
    assert json.loads(mstoken("inspect", "-o", "json", stdin=token).out)["readable"] is False


@pytest.mark.parametrize(
    ("claims", "header", "name"),
    [
        (app_v1(), {"typ": "JWT"}, "access token"),
        (user_v2(), {"typ": "JWT"}, "access token"),
        ({"sub": "x"}, {"typ": "at+jwt"}, "access token"),
        (id_token(), {"typ": "JWT"}, "ID token"),
        ({"iss": "app", "sub": "app", "aud": "https://login.example/oauth2/v2.0/token"}, {}, "client assertion"),
        ({"hello": "world"}, {}, "JWT"),
        ({"at": "e30.e30.x", "ts": 1}, {"typ": "pop"}, "signed request that contains a token (proof of possession)"),
    ],
)  # fmt: skip
def test_kinds_of_jwt_are_distinguished(claims: dict[str, Any], header: dict[str, Any], name: str) -> None:
    """Access tokens, ID tokens and client assertions are recognized by their claims."""
    assert kinds.of_jwt(Decoded(header, claims)).name == name


def test_an_id_token_names_its_application() -> None:
    """The audience of an ID token is an application, not an API; the user is named."""
    words = told(id_token())
    assert words["For"] == f"the application Azure CLI ({AZURE_CLI})"
    assert words["Identity"] == "a user: Ana Silva (ana@contoso.example)"
    assert "Allowed" not in words


@pytest.mark.parametrize(
    ("claims", "request_line"),
    [
        ({"m": "GET", "u": "management.azure.com", "p": "/x", "ts": 0}, "GET management.azure.com/x"),
        ({"u": "/subscriptions/s", "ts": 0}, "/subscriptions/s"),
        ({}, "any request: no part of one is signed"),
    ],
)
def test_a_signed_request_is_described_with_its_token(
    mstoken: Program, claims: dict[str, Any], request_line: str
) -> None:
    """What it signs and when, then the token; also in a header."""
    signed = jwt({**claims, "at": jwt(app_v1())}, {"typ": "pop", "alg": "RS256"})
    result = mstoken("inspect", stdin=f"Authorization: PoP {signed}\n")
    first, for_what, signed_on, between, *within = result.out.splitlines()
    assert first.startswith("Signed request that contains a token (proof of possession), signed with RS256.")
    assert for_what.split(maxsplit=1) == ["For", request_line]
    assert signed_on.split(maxsplit=1)[1] == ("1970-01-01 00:00:00 UTC" if claims else "unknown (no ts)")
    assert between == "The token in it:"
    assert within[0].startswith("Access token, v1.0")


def test_an_encrypted_token_is_reported(mstoken: Program) -> None:
    """A JWE cannot be read."""
    result = mstoken("inspect", stdin=f"{base64url_json({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.a.b.c.d")
    assert (result.code, result.out.split(".")[0]) == (0, "Encrypted JWT")


def test_a_token_on_the_command_line_is_refused_and_not_repeated(mstoken: Program) -> None:
    """Arguments are visible to others, so a token among them is refused in any position, and not shown."""
    for arguments in ([TOKEN], ["--output", "json", TOKEN], [f"--token={TOKEN}"], ["Bearer", TOKEN]):
        result = mstoken("inspect", *arguments)
        assert (result.code, result.out) == (2, "")
        assert TOKEN not in result.err
        assert TOKEN[:20] not in result.err
    assert "Pipe it in: mstoken get graph | mstoken inspect" in mstoken("inspect", TOKEN).err


@pytest.mark.parametrize(
    "given_in",
    ["", "  \n", '{"access_token": ', "{}", '{"error": {"code": 1}}', "no token is here, only words", f"{TOKEN[:40]}"],
)
def test_input_without_a_token_is_refused_with_a_remedy(mstoken: Program, given_in: str) -> None:
    """Empty input, invalid JSON, JSON without a token, prose and half a token end with exit code 2 and a remedy."""
    result = mstoken("inspect", stdin=given_in)
    assert (result.code, result.out) == (2, "")
    assert "  next: Pipe" in result.err


def test_at_a_terminal_it_does_not_wait_for_input(mstoken: Program) -> None:
    """Without a pipe the error shows the usage."""
    result = mstoken.at_terminal("inspect")
    assert result.code == 2
    assert "mstoken get graph | mstoken inspect" in result.err


def test_oversized_input_is_refused(mstoken: Program) -> None:
    """More than the length of a token is not decoded."""
    result = mstoken("inspect", stdin=b"e" * (token_input.MAX_BYTES + 10))
    assert (result.code, result.out) == (2, "")


def test_a_token_cannot_steer_the_terminal(mstoken: Program) -> None:
    """Control characters in a claim are replaced."""
    token = jwt(user_v1(name="Eve\x1b[2J\x9b1m\nFor  Bank", upn="\ud800"))
    result = mstoken("inspect", stdin=token)
    assert result.code == 0
    assert "\x1b" not in result.out
    assert "\x9b" not in result.out
    assert not any(line.startswith("For  Bank") for line in result.out.splitlines())


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted({*app_v1(), *user_v1(), "azp", "idp", "cnf", "acct"})), _anything))
def test_claims_of_any_type_are_described(claims: dict[str, Any]) -> None:
    """Whatever the claims contain, the description works; a token may be malformed."""
    decoded = Decoded({"alg": "RS256"}, claims)
    lines = description.describe(summarize(decoded), kinds.of_jwt(decoded).name, NOW)
    assert {"For", "Issued by", "Identity"} <= {label for label, _ in lines}


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: base64.b64encode(raw).decode()))
def test_any_text_is_inspected_or_refused(text: str) -> None:
    """The search for a token in any text succeeds, or fails with an explanation."""
    try:
        token = token_input.find_token(text)
    except MstokenError:
        return
    assert kinds.of_opaque(token).name
