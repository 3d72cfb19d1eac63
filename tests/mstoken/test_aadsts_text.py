"""Error codes are found in any text, and remedies are filled safely, whatever the text and the values are."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mstoken import aadsts
from mstoken.aadsts import codes_in, explain, fill

BODY = json.dumps(
    {
        "error": "invalid_grant",
        "error_description": "AADSTS50076: You must use MFA.\r\nTrace ID: 00000000-0000-0000-0000-000000000000",
        "error_codes": [50076, 50079],
        "error_uri": "https://login.microsoftonline.com/error?code=50076",
    }
)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("AADSTS50076", ("50076",)),
        ("50076", ("50076",)),
        (" 50076, 7000215\r\n", ("50076", "7000215")),
        ("AADSTS70002: Error validating credentials. AADSTS50012: Invalid", ("70002", "50012")),
        ("AADSTS7000222: keys are expired. Trace ID: 12345678-0000-0000-0000-000000000000", ("7000222",)),
        ("AADSTS700082: inactivity.\xa0The token", ("700082",)),
        ("AADSTS\xa050076", ("50076",)),
        ("<b>AADSTS&nbsp;50076</b>&#58; &quot;error_codes&quot;:[50079]", ("50076", "50079")),
        ("&#65;ADSTS50076 &#x41;ADSTS50079", ("50076", "50079")),
        (BODY, ("50076", "50079")),
        (json.dumps({"detail": BODY}), ("50076", "50079")),
        ('{"error_codes": [\n  90002\n]}', ("90002",)),
        ('{"code":900421,"description":"MFA"}', ("900421",)),
        ('{"code": "900421"}', ("900421",)),
        ("Error code: 50053, sign-in error code 50057, errorCode=50055", ("50053", "50057", "50055")),
        ("?error=access_denied&error_description=AADSTS65004%3a+declined", ("65004",)),
        ("no code here, only 50076 apples at 2024-02-19", ()),
        ("code=0.AXkA50076 statusCode: 500 postcode 12345", ()),
        ("code=12345-6789 code=1234567abc code=12345_6", ()),
        ("AADSTS", ()),
        ("AADSTS1234567890123", ()),
        ("", ()),
    ],
)
def test_codes_are_found_in_any_text(text: str, codes: tuple[str, ...]) -> None:
    """Every code is found in prose, JSON, HTML and addresses, in order and once, and nothing else is taken for one."""
    assert codes_in(text) == codes


@pytest.mark.parametrize(
    "piece",
    [
        "AADSTS",
        "AADSTS ",
        "error_codes:[",
        "error_codes:[1,",
        "code=",
        "&#",
        "&#9",
        "&",
        "9",
        " 9",
        "9,",
        "_a",
        "\x1b[",
    ],
)
def test_hostile_megabytes_are_read_in_linear_time(piece: str) -> None:
    """A megabyte built to make patterns backtrack are answered; quadratic work would not end."""
    text = piece * (1_000_000 // len(piece))
    assert len(codes_in(text)) <= 100
    assert len(explain(text)) <= 100


def test_the_number_of_codes_is_limited() -> None:
    """A text with more codes than anyone can read gives the first hundred."""
    text = " ".join(f"AADSTS{number}" for number in range(50000, 60000))
    assert codes_in(text) == tuple(str(number) for number in range(50000, 50100))
    assert len(codes_in(" ".join(str(number) for number in range(50000, 50150)))) == 100


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_any_text_can_be_searched_and_explained(text: str) -> None:
    """No text makes codes_in or explain fail; codes are digits, and every explanation has a kind and a remedy."""
    codes = codes_in(text)
    assert all(re.fullmatch("[0-9]{3,9}", code) for code in codes)
    assert len(set(codes)) == len(codes)
    for cause in explain(text):
        assert cause.kind in aadsts.KINDS
        assert cause.remedy


@settings(deadline=None)  # the machine may be busy
@given(st.text(), st.text())
def test_a_code_is_found_anywhere_in_the_text(before: str, after: str) -> None:
    """Whatever stands around it, AADSTS50076 is found."""
    assert "50076" in codes_in(f"{before[:50]} AADSTS50076 {after}")


def test_explain_fills_the_remedy_from_the_callers_own_configuration() -> None:
    """The remedy is the exact command for this profile or tenant, and readable without either."""
    (known,) = explain("AADSTS50076", tenant="contoso.com", client_id="11111111-1111-1111-1111-111111111111")
    assert "`mstoken login --tenant contoso.com --client-id 11111111-1111-1111-1111-111111111111`" in known.remedy
    (profile,) = explain("AADSTS50076", profile="work", tenant="contoso.com")
    assert "`mstoken login --profile work`" in profile.remedy
    (bare,) = explain("50076")
    assert "`mstoken login --tenant TENANT --client-id CLIENT_ID`" in bare.remedy


def test_numbers_take_precedence_over_names() -> None:
    """A body with a number is explained by it alone, one without by its names, and plain prose by nothing."""
    assert [cause.code for cause in explain(BODY)] == ["50076", "50079"]
    assert [c.code for c in explain('{"error":"invalid_grant","suberror":"bad_token"}')] == [
        "invalid_grant",
        "bad_token",
    ]
    assert explain('{"error":"invalid_grant","error_codes":[9002313]}')[0].kind == "sign_in_required"
    assert explain("AADSTS7654321: something new")[0].code == "7654321"
    assert explain("all is well") == explain("200") == explain("") == ()


def test_values_are_quoted_for_the_shell_inside_commands_only() -> None:
    """A blank or a semicolon in a value cannot leave its place in a command; in prose it is shown as it is."""
    assert fill("tenant {tenant}: `get {tenant}`", tenant="a; rm -rf /") == "tenant a; rm -rf /: `get 'a; rm -rf /'`"


def test_values_are_never_templates() -> None:
    """A value that looks like a placeholder or a format string stays what it is."""
    assert fill("{tenant} {client_id}", tenant="{client_id}", client_id="{0.__class__}") == "{client_id} {0.__class__}"
    assert fill("{0} {unknown} {tenant!r} {", tenant="t") == "{0} {unknown} {tenant!r} {"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link", "link"),
        ("\x9b31mred", "red"),
        ("a\r\nb\tc\u2028d", "a b c d"),
        ("a\u202eb\u200bc\x00d", "abcd"),
        ("\x1b[31m", "TENANT"),
        ("", "TENANT"),
        (None, "TENANT"),
        ("x" * 501, "TENANT"),
    ],
)
def test_nothing_reaches_the_terminal_but_text(value: str | None, shown: str) -> None:
    """Escapes, controls, line breaks and invisible characters are taken out; an empty or endless value is unknown."""
    assert fill("{tenant}", tenant=value) == shown


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=200))
def test_a_command_has_the_value_as_one_word(value: str) -> None:
    """Whatever the value, a shell reads it in the filled command as exactly one word, without control characters."""
    filled = fill("`login --tenant {tenant} --end`", tenant=value)
    assert not any(unicodedata.category(char).startswith("C") for char in filled)
    shown = fill("{tenant}", tenant=value)
    if shown != "TENANT":
        assert shlex.split(filled[1:-1]) == ["login", "--tenant", shown, "--end"]


@settings(deadline=None)  # the machine may be busy
@given(st.text(), st.dictionaries(st.sampled_from(sorted(aadsts.FALLBACKS)), st.text()))
def test_any_template_can_be_filled(template: str, context: dict[str, str]) -> None:
    """No template and no value make fill fail."""
    assert isinstance(fill(template, **context), str)


def test_the_consent_url_cannot_be_changed_by_a_value() -> None:
    """Values in the consent page's address are percent-encoded, so they cannot change host, path or query."""
    filled = fill("{consent_url}", tenant="a/b?c", client_id="x&y=z#", authority="login.example:8443")
    assert filled == "https://login.example:8443/a%2Fb%3Fc/adminconsent?client_id=x%26y%3Dz%23"


def test_importing_reads_no_data_and_nothing_slow() -> None:
    """Until an error is looked up, neither tomllib nor the data is loaded."""
    program = "import sys, mstoken.aadsts; print(sorted({'tomllib', 'urllib.parse', 'html'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-Ic", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
