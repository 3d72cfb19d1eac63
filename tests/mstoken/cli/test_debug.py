"""`--debug` and MSTOKEN_DEBUG: one line for each step, and no secret in any of them."""

from __future__ import annotations

import re

import pytest
from tests.support.program import Program

from entra_emulator import Emulator

GUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def steps(standard_error: str) -> list[str]:
    """Return the steps, with GUIDs, times and the port replaced."""
    text = re.sub(r"\d+\.\d{3} s", "0.000 s", re.sub(GUID, "ID", re.sub("[0-9a-f-]{36}", "ID", standard_error)))
    text = re.sub(r"localhost:\d+", "localhost", re.sub(r"valid for \d+ s", "valid for 3599 s", text))
    return [line.removeprefix("mstoken: debug: ") for line in text.splitlines()]


FIRST = [
    "identity: settings from environment",
    "identity: client secret of client ID at https://localhost/ID",
    "cache: miss for https://graph.microsoft.com/.default in the user's token folder",
    "request: POST localhost/ID/oauth2/v2.0/token: 200 in 0.000 s, client-request-id ID",
]
SECOND = [
    "identity: settings from environment",
    "identity: client secret of client ID at https://localhost/ID",
    "cache: hit for https://graph.microsoft.com/.default in the user's token folder, valid for 3599 s",
]


@pytest.mark.parametrize(
    "words", [("--debug", "get", "graph"), ("get", "--debug", "graph"), ("get", "graph", "--debug")], ids=" ".join
)
def test_debug_anywhere_shows_one_line_for_each_step(at_entra: Program, words: tuple[str, ...]) -> None:
    """Which identity and why, cache hit or miss and where, and each request with its client-request-id."""
    first, second = at_entra(*words), at_entra(*words)
    assert steps(first.err) == FIRST
    assert steps(second.err) == SECOND
    assert first.out == second.out != ""


def test_the_variable_does_the_same(at_entra: Program) -> None:
    """MSTOKEN_DEBUG=1 shows the steps of a cached token too."""
    assert steps(at_entra("get", "graph", MSTOKEN_DEBUG="1").err) == FIRST
    assert steps(at_entra("get", "graph", MSTOKEN_DEBUG="1").err) == SECOND


def test_without_debug_nothing_is_printed(at_entra: Program) -> None:
    """A successful call is silent on standard error."""
    assert at_entra("get", "graph").err == ""


def test_debug_after_two_dashes_is_no_option_of_mstoken(at_entra: Program) -> None:
    """The words of another program's command line are its own."""
    result = at_entra("emulator", "--", "echo", "--debug")
    assert (result.code, result.out) == (0, "--debug\n")
    assert "mstoken: debug" not in result.err


def test_a_retry_and_its_wait_are_steps(at_entra: Program, entra: Emulator) -> None:
    """After a 429, the log shows how long mstoken waits, and the second attempt with the same client-request-id."""
    entra.inject(status=429, retry_after_in=1)
    result = at_entra("get", "graph", "--fresh", "--debug")
    lines = [line for line in steps(result.err) if line.startswith(("request", "wait"))]
    ids = re.findall(f"client-request-id ({GUID})", result.err)
    assert lines[0].startswith("request: POST localhost/ID/oauth2/v2.0/token: 429 in ")
    assert lines[1] == "wait: 1.0 s before attempt 2 of 3"
    assert lines[-1].startswith("request: POST localhost/ID/oauth2/v2.0/token: 200 in ")
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_no_step_has_a_secret_or_a_token(at_entra: Program) -> None:
    """Neither the secret that was sent nor the token that came is in any line."""
    result = at_entra("get", "graph", "--debug")
    assert at_entra.environment["AZURE_CLIENT_SECRET"] not in result.err
    assert result.out.strip() not in result.err


def test_the_steps_of_a_skipped_link_name_what_is_not_set(anonymous: Program) -> None:
    """Without an identity, each link of the chain has a line, and the error follows."""
    result = anonymous("get", "graph", "--debug")
    assert "mstoken: debug: identity: environment skipped: not set: AZURE_TENANT_ID" in result.err
    assert "mstoken: debug: identity: managed identity skipped: not available here" in result.err
    assert result.code == 2
