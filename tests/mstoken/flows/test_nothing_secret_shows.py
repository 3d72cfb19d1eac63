"""No error, repr or log line has a secret in it, not even where the server quotes what it was sent."""

from __future__ import annotations

import json
import logging
import time
import traceback
from functools import partial
from typing import Any
from urllib.parse import quote_plus

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService
from tests.support.unsigned_tokens import jwt

from mstoken import (
    AuthorizationCode,
    CallbackAssertion,
    Client,
    ClientAssertion,
    ClientSecret,
    MstokenError,
    OnBehalfOf,
    Password,
    RefreshToken,
    Token,
    UsageError,
)
from mstoken.config.shown import shown_environment
from mstoken.protocol.cache_key import cache_key
from mstoken.protocol.job_token import github_request
from mstoken.protocol.managed_identity.place import detect
from mstoken.protocol.quoted import SECRETS
from mstoken.urls import redacted_url

ASSERTION = jwt({"sub": "somebody"})
PUBLIC = {
    "grant_type",
    "scope",
    "client_id",
    "client_assertion_type",
    "requested_token_use",
    "redirect_uri",
    "username",
}
CREDENTIALS = [
    ClientSecret('my "secret" & it\'s + ä'),
    ClientAssertion(CallbackAssertion(lambda: ASSERTION)),
    RefreshToken("0.AXo-refresh-token", ClientSecret("its-secret")),
    OnBehalfOf(jwt({"sub": "caller"}), ClientSecret("its-secret")),
    Password("anna@contoso.example", 'pass word"1', ClientSecret("its-secret")),
    AuthorizationCode("0.AXo-code", "http://localhost", "the-verifier", ClientSecret("its-secret"), "the-nonce"),
]


def _quoting(request: RecordedRequest) -> Reply:
    """A server that repeats the whole form, as it came and as it was meant."""
    if not request.body:
        return Reply(404, {})
    said = f"cannot use {request.body.decode()}, that is {' '.join(request.form.values())}"
    return Reply(400, {"error": "invalid_grant", "error_description": said})


@pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda one: type(one).__name__)
def test_what_a_server_quotes_is_not_shown(
    runner: Runner, token_service: TokenService, caplog: pytest.LogCaptureFixture, credential: Any
) -> None:
    """Its words are told without the secrets; every field of the form is known to be one or the other."""
    token_service.script = [_quoting]
    client = runner.client(TENANT, CLIENT_ID, credential, token_service.url)
    with caplog.at_level(logging.DEBUG), pytest.raises(MstokenError, match="cannot use") as caught:
        runner.run(partial(client.get_token, "graph"))
    form = token_service.requests[-1].form
    assert set(form) <= SECRETS | PUBLIC
    everything = "".join(
        [
            repr(client),
            repr(caught.value.args),
            caplog.text,
            *traceback.format_exception(caught.value),
            *traceback.format_exception(caught.value.__context__ or caught.value),
        ]
    )
    for name in SECRETS & set(form):
        for written in (form[name], quote_plus(form[name]), json.dumps(form[name])[1:-1]):
            assert written not in everything


def test_a_failing_renewal_logs_no_secret(
    runner: Runner, token_service: TokenService, caplog: pytest.LogCaptureFixture
) -> None:
    """While the old token serves, the reason is logged, without what the server quotes."""
    token_service.script = [_quoting]
    client = runner.client(
        TENANT, CLIENT_ID, RefreshToken("its-refresh-token", ClientSecret("its-secret")), token_service.url
    )
    now = int(time.time())
    due = Token("still-good", expires_on=now + 3000, refresh_on=now - 1)
    client._stores.access_tokens.save(cache_key(client.token_request("graph")), due)
    with caplog.at_level(logging.DEBUG):
        assert runner.run(partial(client.get_token, "graph")).token == "still-good"
    assert "could not be renewed" in caplog.text
    for secret in ("its-refresh-token", "its-secret", "still-good"):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://user:hidden@host:8443/path", "https://…@host:8443/path"),
        ("user:hidden@host", "…@host"),
        ("http://user:hid/den@host", "http://…@host"),
        ("http://user:hid@hidden@host", "http://…@host"),
        ("http://user:hid?hidden@host", "http://…@host"),
        ("http://hidden@", "http://…@"),
        ("https://host/token?key=hidden#hidden", "https://host/token"),
        ("https://user:hidden@host?next=https://other", "https://…@host"),
        ("user:hidden@host://x", "…@host://x"),
        ("login.microsoftonline.com", "login.microsoftonline.com"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(written: str, shown: str) -> None:
    """Messages, and `mstoken doctor`, leave out user info, query and fragment, however they are written."""
    assert redacted_url(written) == shown
    for name in ("HTTPS_PROXY", "https_proxy", "AZURE_AUTHORITY_HOST"):
        value = shown_environment({name: written})[name]
        assert "hidden" not in value
    assert shown_environment({"SSL_CERT_FILE": "/home/me@corp/ca.pem"}) == {"SSL_CERT_FILE": "/home/me@corp/ca.pem"}


@pytest.mark.parametrize("written", ["https://user:hidden@host", "http://host/?key=hidden", "https://[?key=hidden"])
def test_a_url_that_is_refused_is_not_shown_whole(written: str) -> None:
    """What somebody put into the wrong place does not come back in the error."""
    for refused in (
        lambda: Client(TENANT, CLIENT_ID, ClientSecret("s"), written),
        lambda: github_request(written, "job-token", "audience"),
        lambda: detect({"IDENTITY_ENDPOINT": written.replace("host", "ho st"), "IDENTITY_HEADER": "header"}),
    ):
        with pytest.raises(UsageError) as caught:
            refused()
        assert "hidden" not in str(caught.value) + repr(caught.value)
