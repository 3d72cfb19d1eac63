"""`mstoken explain`: offline, with the exit code and the next command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.program import Program

from mstoken import aadsts
from mstoken.cli import explain as command
from mstoken.cli.exit_codes import LATER, REFUSED, SIGN_IN


@pytest.fixture
def mstoken(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_a_code_is_explained_in_text(mstoken: Program) -> None:
    """Code, cause, next step, exception and exit code, one per line."""
    result = mstoken("explain", "50076")
    lines = result.out.splitlines()
    assert (result.code, result.err) == (0, "")
    assert lines[0] == "AADSTS50076 UserStrongAuthClientAuthNRequired"
    assert lines[1].startswith("  Cause  ")
    assert lines[2].startswith("  Next   ")
    assert "mstoken login --tenant TENANT --client-id CLIENT_ID" in lines[2]
    assert lines[3] == "  Kind   SignInRequired, exit code 3 (sign-in required)"


def test_advice_is_filled_from_environment_and_profile(mstoken: Program) -> None:
    """The commands contain the caller's own tenant, client and profile, so that they can be pasted."""
    filled = mstoken("explain", "65001", AZURE_TENANT_ID="contoso.example", AZURE_CLIENT_ID="abc").out
    assert "/contoso.example/adminconsent?client_id=abc" in filled
    mstoken.profile('[profile.work]\ntenant = "fabrikam.example"\nclient_id = "def"\n')
    named = mstoken("explain", "65001", MSTOKEN_PROFILE="work").out
    assert "/fabrikam.example/adminconsent?client_id=def" in named
    assert "--profile work" in named


def test_an_invalid_configuration_does_not_prevent_an_explanation(mstoken: Program) -> None:
    """Explanations are needed most when the configuration is wrong."""
    mstoken.profile("this is no TOML [")
    assert mstoken("explain", "65001", MSTOKEN_CLOUD="nowhere").code == 0


@pytest.mark.parametrize(
    "text",
    [
        "invalid_client AADSTS7000215: Invalid client secret provided.  Trace ID: 0  Correlation ID: 0",
        json.dumps({"error": "invalid_client", "error_codes": [7000215], "error_description": "AADSTS7000215: x\r\n"}),
    ],
)
def test_a_whole_response_is_explained_as_argument_and_from_standard_input(mstoken: Program, text: str) -> None:
    """A log line or a JSON body gives the same explanation as an argument, from a pipe, and with a dash."""
    typed = mstoken("explain", text)
    assert typed.out.startswith("AADSTS7000215")
    assert mstoken("explain", stdin=text) == typed
    assert mstoken("explain", "-", stdin=text) == typed


def test_json_has_every_field(mstoken: Program) -> None:
    """Kind, exception, exit code and advice are values."""
    (said,) = json.loads(mstoken("explain", "AADSTS700082", "--output", "json").out)
    assert (said["code"], said["kind"], said["exception"], said["exit_code"]) == (
        "700082",
        "sign_in_required",
        "SignInRequired",
        SIGN_IN,
    )
    assert said["kills_grant"] is True


def test_several_codes_are_explained_in_turn(mstoken: Program) -> None:
    """Each known code gets a paragraph; an unknown one is reported on standard error."""
    result = mstoken("explain", "900421", "429", "12345678")
    paragraphs = result.out.split("\n\n")
    assert [paragraph.splitlines()[0] for paragraph in paragraphs] == ["900421", "HTTP 429"]
    assert "12345678 is unknown" in result.err
    assert result.code == 0


def test_an_unknown_code_is_an_error_with_microsofts_page(mstoken: Program) -> None:
    """The exit code is 2."""
    result = mstoken("explain", "AADSTS12345678")
    assert (result.code, result.out) == (2, "")
    assert "https://login.microsoftonline.com/error?code=12345678" in result.err


@pytest.mark.parametrize("words", [(), ("-",)])
@pytest.mark.parametrize("text", ["", " \n", "\ufeff"])
def test_empty_input_is_named_so(mstoken: Program, text: str, words: tuple[str, ...]) -> None:
    """`mstoken get graph | mstoken explain` pipes in nothing: the error is on standard error."""
    result = mstoken("explain", *words, stdin=text)
    assert (result.code, result.out) == (2, "")
    assert "Standard input is empty." in result.err


@pytest.mark.parametrize("text", ["", "nothing of this is known", "\x1b[31m"])
def test_a_text_without_a_known_word_is_refused(mstoken: Program, text: str) -> None:
    """The exit code is 2, and the remedy names the list."""
    result = mstoken("explain", stdin=text)
    assert (result.code, result.out) == (2, "")
    assert "mstoken explain --list" in result.err


def test_at_a_terminal_it_does_not_wait_for_input(mstoken: Program) -> None:
    """Without a text and a pipe, the error shows the usage."""
    result = mstoken.at_terminal("explain")
    assert result.code == 2
    assert "mstoken explain 50076" in result.err


def test_the_list_can_be_searched(mstoken: Program) -> None:
    """--list shows each code once; words narrow the list, and a word without a match is exit code 2."""
    whole = mstoken("explain", "--list").out.splitlines()
    assert len(whole) == len(aadsts.entries()) - 1
    narrowed = mstoken("explain", "--list", "consent", "administrator").out.splitlines()
    assert 0 < len(narrowed) < len(whole)
    assert any(line.startswith("AADSTS90094 ") for line in narrowed)
    assert mstoken("explain", "--list", "zzzz").code == 2
    assert len(json.loads(mstoken("explain", "--list", "consent", "-o", "json").out)) > 5


def test_every_kind_has_an_exception_and_an_exit_code() -> None:
    """Every entry of the data has the exit code that a script would see."""
    for cause in aadsts.entries():
        assert command._exit_code(cause) in {SIGN_IN, REFUSED, LATER}, cause.code
