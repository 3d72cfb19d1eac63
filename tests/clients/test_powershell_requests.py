"""Requests as people write them in PowerShell, without a library: tests/clients/powershell/requests.ps1."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from tests.support import client_stories as stories
from tests.support.builds import CLIENTS
from tests.support.certificates import PASSWORD, identity
from tests.support.language_client import LanguageClient, restored, running
from tests.support.pwsh import PWSH, needs_pwsh

pytestmark = [pytest.mark.languages, needs_pwsh]
both_ways = pytest.mark.parametrize("powershell", ["by name", "by URL"], indirect=True)
SCRIPT = CLIENTS / "powershell" / "requests.ps1"
ERROR = "HttpResponseException"
FORMS = [
    "bytes",
    "hashtable",
    "hashtable with a content type",
    "http client",
    "names in another case",
    "secret in a Basic header",
    "splatting",
    "string",
    "v1 with a resource",
    "web client",
    "web client with a string",
    "web request",
]


@pytest.fixture(scope="module")
def shared() -> Iterator[LanguageClient]:
    """One PowerShell for the module, because it takes its time to start."""
    assert PWSH
    with running([PWSH, "-NoProfile", "-NonInteractive", "-File", str(SCRIPT)], SCRIPT.parent) as client:
        yield client


@pytest.fixture
def powershell(shared: LanguageClient, request: pytest.FixtureRequest) -> Iterator[LanguageClient]:
    with restored(shared, request) as client:
        yield client


@both_ways
def test_every_form_gives_a_token(powershell: LanguageClient) -> None:
    """Each way to write the body and each class that sends it; the list here is the script's."""
    assert sorted(powershell.run("forms")["names"]) == FORMS
    for form in FORMS:
        outcome = stories.succeeded(powershell.run("form", form=form, secret=powershell.secret))
        assert outcome["token"]["aud"] in ("https://graph.microsoft.com", "https://graph.microsoft.com/"), form


@both_ways
def test_certificate_signed_in_powershell(powershell: LanguageClient) -> None:
    """RS256 with the SHA-1 thumbprint and PS256 with the SHA-256 one."""
    made = identity(1)
    powershell.trust_certificate(made)
    pfx = base64.b64encode(made.pfx(PASSWORD)).decode()
    for algorithm in ("RS256", "PS256"):
        stories.application(powershell, f"certificate {algorithm}", pfx=pfx, password=PASSWORD)
    other = base64.b64encode(identity(2).pfx(PASSWORD)).decode()
    assert "AADSTS700027" in powershell.run("certificate RS256", pfx=other, password=PASSWORD)["text"]


@both_ways
def test_device_code(powershell: LanguageClient) -> None:
    """Pending, then the token, then a refresh for another API."""
    stories.user(powershell, "device code")
    assert [one.aadsts for one in powershell.entra.token_requests] == [70016, None, None]


@both_ways
def test_refused_secret(powershell: LanguageClient) -> None:
    """ErrorDetails has Entra's words."""
    stories.refused_secret(powershell, "secret", ERROR)


@both_ways
def test_json_body_is_refused(powershell: LanguageClient) -> None:
    """A body in JSON has no parameters for the service."""
    outcome = powershell.run("json", secret=powershell.secret)
    assert outcome["error"] == ERROR
    assert "AADSTS900144" in outcome["text"]


def test_throttled_request_is_sent_again(powershell: LanguageClient) -> None:
    """-MaximumRetryCount waits as Retry-After says; by hand the header is in the exception's response."""
    powershell.entra.inject(status=429, retry_after_in=1)
    assert stories.succeeded(powershell.run("retry", secret=powershell.secret))["token"]
    assert [one.status for one in powershell.entra.token_requests] == [429, 200]
    powershell.entra.inject(status=429, retry_after_in=1)
    assert stories.succeeded(powershell.run("retry by hand", secret=powershell.secret))["waited"] == 1


@both_ways
def test_graph_pages_and_count(powershell: LanguageClient) -> None:
    """@odata.nextLink to the end, with the token in a header; and a count with -Authentication Bearer."""
    graph = powershell.entra.api("graph") if powershell.by_url else "https://graph.microsoft.com/v1.0"
    outcome = stories.succeeded(powershell.run("graph", graph=graph, secret=powershell.secret))
    users = powershell.entra.state.default_tenant.users
    assert sorted(outcome["names"]) == sorted(user.name for user in users)
    assert outcome["count"] == len(users)
