"""The logger `mstoken`: the steps of a call, for Python programs."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from entra_emulator import Emulator
from mstoken import Client, ClientSecret
from mstoken.errors import TransportError

SECRET = "not-a-real-secret"


def client_for(service: TokenService) -> Client:
    return Client(TENANT, CLIENT_ID, ClientSecret(SECRET), service.url)


def messages(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    """The kinds of the steps of one level: the words before the colon."""
    return [record.message.partition(":")[0] for record in caplog.records if record.levelno == level]


def test_the_logger_has_the_same_steps(caplog: pytest.LogCaptureFixture, token_service: TokenService) -> None:
    """Requests are INFO; the identity and the cache are DEBUG. A hit in memory is a step too."""
    token_service.script = [token_reply()]
    caplog.set_level(logging.DEBUG, "mstoken")
    client = client_for(token_service)
    client.get_token("graph")
    assert messages(caplog, logging.INFO) == ["request"]
    assert messages(caplog, logging.DEBUG) == ["identity", "cache"]
    caplog.clear()
    client.get_token("graph")
    assert caplog.records[-1].message.startswith("cache: hit for https://graph.microsoft.com/.default in memory")


def test_nothing_is_logged_by_default(caplog: pytest.LogCaptureFixture, token_service: TokenService) -> None:
    """A program that sets no level sees no step."""
    token_service.script = [token_reply()]
    client_for(token_service).get_token("graph")
    assert caplog.records == []


def test_a_request_without_a_response_is_a_step(caplog: pytest.LogCaptureFixture) -> None:
    """The step names the kind of the error, not its text."""
    caplog.set_level(logging.INFO, "mstoken")
    client = Client(TENANT, CLIENT_ID, ClientSecret(SECRET), "http://127.0.0.1:9")
    with pytest.raises(TransportError):
        client.get_token("graph", timeout=1)
    assert "no response (TransportError)" in caplog.records[0].message


def test_no_step_contains_sent_or_received_data(caplog: pytest.LogCaptureFixture, token_service: TokenService) -> None:
    """Secret, token, query, header values, bodies and the server's words stay out, whatever they look like."""
    token_service.script = [token_reply("opaque"), Reply(200, {"odd": "words-of-the-api"}, {"X-Note": "header-value"})]
    caplog.set_level(logging.DEBUG, "mstoken")
    url = f"{token_service.url}/path?key=query-value"
    client = client_for(token_service)
    client.request("POST", url, scope="graph", origin=token_service.url, headers={"X-Mine": "my-header"}, json={"a": 1})
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert f"POST {token_service.url.removeprefix('http://')}/path: 200" in text
    for hidden in (SECRET, "opaque", "query-value", "words-of-the-api", "header-value", "my-header"):
        assert hidden not in text


@pytest.mark.parametrize(
    "secret",
    [
        "eyJhbGciOiJSUzI1NiJ9%2EeyJzdWIiOiIxIn0%2Ec2ln",
        "abc8Q%7EZm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9v",
        "k" * 120,
    ],
    ids=["token", "client secret", "long"],
)
def test_a_path_shows_no_secret(caplog: pytest.LogCaptureFixture, token_service: TokenService, secret: str) -> None:
    """The rest of the path stays, so that the request can be recognized. Without %, the first two are refused."""
    token_service.script = [token_reply(), Reply(200, {})]
    caplog.set_level(logging.INFO, "mstoken")
    url = f"{token_service.url}/hooks/{secret}/send"
    client_for(token_service).request("GET", url, scope="graph", origin=token_service.url)
    step = caplog.records[-1].getMessage()
    assert f"GET {token_service.url.removeprefix('http://')}/hooks/(" in step
    assert ")/send: 200" in step
    assert secret not in step


def test_the_choice_of_the_profile_is_a_step(caplog: pytest.LogCaptureFixture, entra: Emulator) -> None:
    """`from_env` says that the settings come from the environment."""
    caplog.set_level(logging.DEBUG, "mstoken")
    Client.from_env().get_token("graph")
    assert caplog.records[0].message == "identity: settings from environment"
    assert entra.token_requests


def test_mstoken_does_not_import_logging() -> None:
    """A program that does not log does not pay for the import, which takes longer than a cached token."""
    code = (
        "import sys, mstoken.steps as steps; before = 'logging' in sys.modules;"
        "steps.cached('hit', ('a',), 'memory', 1); print(before, 'logging' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
