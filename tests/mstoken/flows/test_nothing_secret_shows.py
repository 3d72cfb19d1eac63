"""No error, repr or log line has a secret in it, not even where the server quotes what it was sent."""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, get_args
from urllib.parse import parse_qsl, quote_plus, urlsplit
from urllib.request import ProxyHandler, build_opener

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from tests.support.certificates import identity, rsa_key
from tests.support.fake_clock import use_fake_clock
from tests.support.runners import Runner
from tests.support.token_service import (
    CLIENT_ID,
    TENANT,
    RecordedRequest,
    Reply,
    TokenService,
    device_code_reply,
    token_reply,
)
from tests.support.unsigned_tokens import jwt

from mstoken import (
    AgentIdentity,
    AgentUser,
    AuthorizationCode,
    AzureCli,
    AzureDeveloperCli,
    AzurePowerShell,
    Browser,
    CallbackAssertion,
    Client,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    DeviceCode,
    FmiPath,
    ManagedIdentity,
    MstokenError,
    OnBehalfOf,
    Password,
    RefreshToken,
    Token,
    UsageError,
    WorkloadIdentity,
)
from mstoken.config.shown import shown_environment
from mstoken.credentials import Chain, Credential
from mstoken.protocol.cache_key import cache_key
from mstoken.protocol.http import HttpRequest, HttpResponse
from mstoken.protocol.job_token import github_request
from mstoken.protocol.managed_identity.identity_endpoint import detect
from mstoken.protocol.quoted import PUBLIC, unquoted
from mstoken.urls import redacted_url

ASSERTION = jwt({"sub": "somebody"})
SECRETS = {
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "password",
    "refresh_token",
    "user_federated_identity_credential",
}
"""Every field that a form of the flows has besides the public ones."""
NO_FORM = {ManagedIdentity, AzureCli, AzurePowerShell, AzureDeveloperCli, Chain}
"""Credentials whose flows send no form themselves: the platform, a tool or a link of the chain gets the token."""
APP = ClientSecret("its-secret")
IDENTITY = identity(0)


def come_back(url: str) -> bool:
    """A browser that posts a code at once."""
    asked = dict(parse_qsl(urlsplit(url).query))
    form = f"code=0.AXo-browser-code&state={asked['state']}".encode()
    opener = build_opener(ProxyHandler({}))  # httpx would log the code
    Thread(target=opener.open, args=(asked["redirect_uri"], form), daemon=True).start()
    return True


def file_with_assertion(folder: Path) -> str:
    (folder / "token").write_text(ASSERTION)
    return str(folder / "token")


def sign(data: bytes, _: str) -> bytes:
    return rsa_key(0).sign(data, PSS(MGF1(SHA256()), 32), SHA256())


CREDENTIALS: dict[type, Callable[[Path], Any]] = {
    ClientSecret: lambda _: ClientSecret('my "secret" & it\'s + ä'),
    ClientCertificate: lambda _: ClientCertificate(data=IDENTITY.pem()),
    ClientKey: lambda _: ClientKey(sign, IDENTITY.certificate_pem()),
    ClientAssertion: lambda _: ClientAssertion(CallbackAssertion(lambda: ASSERTION)),
    WorkloadIdentity: lambda folder: WorkloadIdentity(file_with_assertion(folder)),
    FmiPath: lambda _: FmiPath(APP, "path"),
    AgentIdentity: lambda _: AgentIdentity(APP, "11111111-2222-4333-8444-555555555555"),
    AgentUser: lambda _: AgentUser(AgentIdentity(APP, "agent"), username="anna"),
    RefreshToken: lambda _: RefreshToken("0.AXo-refresh-token", APP),
    OnBehalfOf: lambda _: OnBehalfOf(jwt({"sub": "caller"}), APP),
    Password: lambda _: Password("anna@contoso.example", 'pass word"1', APP),
    AuthorizationCode: lambda _: AuthorizationCode("0.AXo-code", "http://localhost", "the-verifier", APP, "the-nonce"),
    Browser: lambda _: Browser(client=APP, open_browser=come_back),
    DeviceCode: lambda _: DeviceCode(lambda _: None, client=APP),
}


def _quoting(request: RecordedRequest) -> Reply:
    """A server that repeats the whole form, as it came and as it was meant; what leads to the last form it grants."""
    if not request.body:
        return Reply(404, {})
    if request.path.endswith("/devicecode"):
        return device_code_reply()
    if request.form.get("scope", "").startswith("api://AzureADTokenExchange"):
        return token_reply(ASSERTION)
    said = f"cannot use {request.body.decode()}, that is {' '.join(request.form.values())}"
    return Reply(400, {"error": "invalid_grant", "error_description": said})


def test_every_credential_is_in_this_test() -> None:
    """One of each, or a reason why there is no form."""
    assert set(get_args(Credential)) == set(CREDENTIALS) | NO_FORM


@pytest.mark.parametrize("kind", CREDENTIALS, ids=lambda one: one.__name__)
def test_a_secret_quoted_by_a_server_is_not_shown(
    runner: Runner, token_service: TokenService, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: type
) -> None:
    """Its words are told without the secrets; every field of the form is known to be one or the other."""
    token_service.script = [_quoting]
    client = runner.client(TENANT, CLIENT_ID, CREDENTIALS[kind](tmp_path), token_service.url)
    use_fake_clock(client)
    with caplog.at_level(logging.DEBUG), pytest.raises(MstokenError, match="cannot use") as caught:
        runner.run(partial(client.get_token, "graph"))
    form = token_service.requests[-1].form
    assert set(form) <= SECRETS | PUBLIC
    assert SECRETS & set(form)
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


def test_a_field_that_is_not_known_to_be_public_is_hidden() -> None:
    """Also one that a new grant adds; a secret that begins like another one leaves no rest of itself."""
    sent = HttpRequest(
        "POST", "https://as.example", body=b"ticket=s3cret&pin=s3cret%2F9&scope=orders&grant_type=ticket"
    )
    said = "the ticket s3cret with s3cret/9 (s3cret%2F9) for orders"
    refusal = HttpResponse(400, {}, json.dumps({"error": "invalid_grant", "error_description": said}).encode())
    assert json.loads(unquoted(refusal, sent).body) == {
        "error": "invalid_grant",
        "error_description": "the ticket … with … (…) for orders",
    }


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
def test_a_url_is_shown_without_user_info_and_query(written: str, shown: str) -> None:
    """Messages, and `mstoken doctor`, leave out user info, query and fragment, however they are written."""
    assert redacted_url(written) == shown
    for name in ("HTTPS_PROXY", "https_proxy", "AZURE_AUTHORITY_HOST"):
        value = shown_environment({name: written})[name]
        assert "hidden" not in value
    assert shown_environment({"SSL_CERT_FILE": "/home/me@corp/ca.pem"}) == {"SSL_CERT_FILE": "/home/me@corp/ca.pem"}


@pytest.mark.parametrize("written", ["https://user:hidden@host", "http://host/?key=hidden", "https://[?key=hidden"])
def test_a_refused_url_is_redacted(written: str) -> None:
    """What somebody put into the wrong place does not come back in the error."""
    for refused in (
        lambda: Client(TENANT, CLIENT_ID, ClientSecret("s"), written),
        lambda: github_request(written, "job-token", "audience"),
        lambda: detect({"IDENTITY_ENDPOINT": written.replace("host", "ho st"), "IDENTITY_HEADER": "header"}),
    ):
        with pytest.raises(UsageError) as caught:
            refused()
        assert "hidden" not in str(caught.value) + repr(caught.value)
