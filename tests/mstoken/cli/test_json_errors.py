"""With `-o json`, an error on standard error is one JSON object."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.support.program import Program

from entra_emulator import Emulator

GUID = re.compile("[0-9a-f-]{36}")
FIELDS = {
    "kind",
    "code",
    "suberror",
    "message",
    "service_message",
    "remedy",
    "command",
    "correlation_id",
    "retry_in",
    "exit_code",
    "notes",
}


def error_of(program: Program, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run a command that fails, and return its error; standard error must be one JSON object and nothing else."""
    result = program(*arguments, **environment)
    error: dict[str, Any] = json.loads(result.err)
    assert set(error) == FIELDS
    assert (result.out, result.code) == ("", error["exit_code"])
    return error


def test_a_refusal_has_all_its_fields(at_entra: Program) -> None:
    """Kind, code, message, the service's text, remedy, command and correlation ID."""
    error = error_of(at_entra, "get", "graph", "-o", "json", AZURE_CLIENT_SECRET="wrong")
    assert (error["kind"], error["code"], error["exit_code"]) == ("credential_rejected", 7000215, 4)
    assert error["service_message"].startswith("AADSTS7000215")
    assert error["command"].startswith("az ad app credential reset --id ")
    assert GUID.fullmatch(error["correlation_id"])
    assert error["correlation_id"] in error["message"]
    assert error["remedy"]


def test_a_suberror_is_a_field(at_entra: Program, entra: Emulator) -> None:
    """Entra's finer word is there for scripts."""
    entra.inject(code=50076, suberror="basic_action")
    error = error_of(at_entra, "get", "graph", "--fresh", "-o", "json")
    assert (error["kind"], error["code"], error["suberror"]) == ("sign_in_required", 50076, "basic_action")
    assert error["command"].startswith("mstoken login ")


def test_a_429_has_its_seconds(at_entra: Program, entra: Emulator) -> None:
    """`retry_in` is a number, and the remedy says the same."""
    entra.inject(status=429, retry_after_in=99, times=None)
    try:
        error = error_of(at_entra, "get", "graph", "--fresh", "-o", "json", "--client-id", entra.add_app("Busy").id)
    finally:
        entra.faults.clear()
    assert (error["kind"], error["retry_in"], error["exit_code"]) == ("throttled", 99, 5)
    assert "99 seconds" in error["remedy"]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("get", "grph", "--output=json"), "usage_error"),
        (("get", "graph", "--nonsense", "-ojson"), "usage_error"),
        (("services", "nothing-like-it", "-o", "json"), "usage_error"),
        (("explain", "999", "--output", "json"), "usage_error"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else value,
)
def test_a_mistake_in_the_command_line_is_json_too(at_entra: Program, words: tuple[str, ...], kind: str) -> None:
    """A script parses every error in the same way, whoever finds the mistake."""
    assert error_of(at_entra, *words)["kind"] == kind


def test_notes_before_the_error_are_in_it(at_entra: Program) -> None:
    """A warning does not stand before the object, where it would break the JSON."""
    at_entra.profile('[profile.work]\ntenant = "contoso.example"\nclient_id = "c"\nclient_secret = "env:NOTHING"\n')
    words = ("get", "graph", "--profile", "work", "-o", "json")
    error = error_of(at_entra, *words, NOTHING="x", AZURE_TENANT_ID="another.example")
    assert any("AZURE_TENANT_ID is set and ignored" in note for note in error["notes"])


def test_notes_without_an_error_are_printed_as_text(at_entra: Program) -> None:
    """A successful command prints its result as JSON and its notes as before."""
    result = at_entra("services", "graph", "-o", "json")
    assert (result.code, result.err) == (0, "")
    at_entra.profile('[profile.work]\ntenant = "x.example"\nclient_secret = "env:AZURE_CLIENT_SECRET"\n')
    who = {"AZURE_TENANT_ID": at_entra.environment["AZURE_TENANT_ID"]}
    own = at_entra("get", "graph", "-o", "json", "--tenant", who["AZURE_TENANT_ID"])
    assert json.loads(own.out)["token_type"] == "Bearer"


def test_no_placeholder_is_printed(at_entra: Program, entra: Emulator) -> None:
    """An error whose remedy names the correlation ID has the ID itself there."""
    entra.inject(code=53003)
    text = at_entra("get", "graph", "--fresh").err
    assert "<" not in text
    assert re.search("correlation ID [0-9a-f-]{36}", text)
    assert "<" not in at_entra("explain", "53003", "50076", "700016", AZURE_TENANT_ID="", AZURE_CLIENT_ID="").out
