"""What every refusal of the token endpoint carries beside its code."""

import re

from tests.support.refusals import GRAPH, Ask

from entra_emulator import Emulator

APP = {"grant_type": "client_credentials", "scope": GRAPH}


def test_description_ends_with_the_ids_of_the_body(ask: Ask) -> None:
    """Trace ID, Correlation ID and Timestamp end the description, after spaces, and repeat the body's members."""
    body = ask(grant_type="no_such_grant").json()
    tail = f" Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']} Timestamp: {body['timestamp']}"
    assert body["error_description"].endswith(tail)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", body["timestamp"])


def test_description_may_be_separated_as_until_2023(entra: Emulator, ask: Ask) -> None:
    """With description_separator crlf the three tail parts stand on lines of their own."""
    entra.state.settings.description_separator = "crlf"
    body = ask(grant_type="no_such_grant").json()
    lines = body["error_description"].split("\r\n")
    assert lines[1:] == [
        f"Trace ID: {body['trace_id']}",
        f"Correlation ID: {body['correlation_id']}",
        f"Timestamp: {body['timestamp']}",
    ]


def test_correlation_id_is_the_clients(ask: Ask) -> None:
    """A client-request-id that is a GUID becomes the correlation id and is echoed; anything else is replaced."""
    mine = "0f8fad5b-d9cb-469f-a165-70867728950e"
    answer = ask(grant_type="x", headers={"client-request-id": mine})
    assert answer.json()["correlation_id"] == answer.headers["client-request-id"] == mine
    other = ask(grant_type="x", headers={"client-request-id": "no guid"})
    assert other.json()["correlation_id"] != "no guid"
    assert "client-request-id" not in other.headers
    assert other.headers["x-ms-request-id"] == other.json()["trace_id"]


def test_age_of_the_refresh_token_is_in_the_telemetry_header(entra: Emulator, user_token: Ask) -> None:
    """The fourth field of x-ms-clitelem is the age of the refresh token in milliseconds."""
    token = entra.sign_in(entra.state.settings.user)
    entra.clock.advance(100)
    age = float(user_token(refresh_token=token).headers["x-ms-clitelem"].split(",")[3])
    assert 100_000 <= age < 160_000


def test_refusal_keeps_secrets_out(entra: Emulator, ask: Ask) -> None:
    """What a client sends as secret or refresh token is not repeated in an answer."""
    assert "hunter2" not in ask(**{**APP, "client_secret": "hunter2"}).text
    assert "hunter2" not in ask(grant_type="refresh_token", refresh_token="hunter2").text
