"""Applications proved by tokens of others: files, functions, GitHub Actions, Azure Pipelines, other identities."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.oidc_issuer import BEARER, SUBJECT, OidcIssuer
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from entra_emulator import Emulator
from entra_emulator.model import FederatedCredential
from mstoken import (
    AzurePipelines,
    CallbackAssertion,
    ClientAssertion,
    CredentialRejected,
    FileAssertion,
    GitHubActions,
    RefreshToken,
    ServiceUnavailable,
    UnreadableAnswer,
    UsageError,
)
from mstoken.flows.federated_assertion import token_exchange

LATE = Reply(401, {"error": "invalid_client", "error_description": "AADSTS700024: late", "error_codes": [700024]})
FOREIGN_APP = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[OidcIssuer]:
    """An issuer whose jobs this process seems to be: one of GitHub Actions, and one of Azure Pipelines."""
    made = OidcIssuer()
    for name, value in (made.github() | made.pipelines()).items():
        monkeypatch.setenv(name, value)
    yield made
    made.close()


@pytest.fixture
def trusted(entra: Emulator, issuer: OidcIssuer) -> Emulator:
    """An emulator whose default application trusts the issuer's jobs."""
    entra.state.default_app.federated = [
        FederatedCredential(issuer.url, SUBJECT),
        FederatedCredential(issuer.url, "sc://org/project/connection-1"),
    ]
    return entra


def client(runner: Runner, entra: Emulator, credential: Any) -> Any:
    return runner.client(entra.state.default_tenant.id, entra.state.default_app.id, credential, entra.authority)


def in_file(issuer: OidcIssuer, folder: Path) -> FileAssertion:
    path = folder / "token"
    path.write_text(f"{issuer.token()}\n")
    return FileAssertion(path)


SOURCES: dict[str, Callable[[OidcIssuer, Path], Any]] = {
    "file": in_file,
    "function": lambda issuer, _: CallbackAssertion(issuer.token),
    "GitHub Actions": lambda _, __: GitHubActions(),
    "Azure Pipelines": lambda _, __: AzurePipelines(),
    "Azure Pipelines, connection named": lambda _, __: AzurePipelines("connection-1"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_gets_tokens(
    runner: Runner, trusted: Emulator, issuer: OidcIssuer, tmp_path: Path, name: str
) -> None:
    """Every source proves the application, alone and beside a refresh token."""
    credential = ClientAssertion(SOURCES[name](issuer, tmp_path))
    app = client(runner, trusted, credential)
    assert runner.run(lambda: app.get_token("graph")).token
    user = client(runner, trusted, RefreshToken(trusted.sign_in("nadia@northwind-partner.example"), credential))
    assert "User.Read" in runner.run(lambda: user.get_token("graph")).scope


@pytest.mark.parametrize(
    ("changed", "code"), [({"subject": "repo:octo-org/fork"}, 700213), ({"made_in": -7200.0}, 700024)]
)
def test_a_refused_assertion_is_explained(
    runner: Runner, trusted: Emulator, issuer: OidcIssuer, changed: dict[str, Any], code: int
) -> None:
    """A subject that is not registered, or a token that is old although it is fresh, reaches the caller by its code."""
    for name, value in changed.items():
        setattr(issuer, name, value)
    app = client(runner, trusted, ClientAssertion(GitHubActions()))
    with pytest.raises(CredentialRejected) as caught:
        runner.run(lambda: app.get_token("graph"))
    assert caught.value.codes == (code,)
    assert caught.value.remedy
    assert len(trusted.token_requests) == 2


def test_a_jobs_token_is_requested_once_and_again_near_its_expiry(
    runner: Runner, trusted: Emulator, issuer: OidcIssuer
) -> None:
    """One token of the job serves for several requests; after 700024 a new one is fetched by itself."""
    app = client(runner, trusted, ClientAssertion(GitHubActions()))
    runner.run(lambda: app.get_token("graph"))
    runner.run(lambda: app.get_token("arm"))
    assert len(issuer.job_requests) == 1
    trusted.clock.advance(-7200)  # what is good by our clock is not yet good by Entra's
    with pytest.raises(CredentialRejected, match="700024"):
        runner.run(lambda: app.get_token("graph", fresh=True))
    assert len(issuer.job_requests) == 2


def test_many_callers_share_one_job_token_request(
    runner: Runner, issuer: OidcIssuer, token_service: TokenService
) -> None:
    """Fifty tenants at once need one token of the job."""
    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(GitHubActions()), token_service.url)
    outcomes = runner.gather(lambda: app.get_token("graph", tenant_id=str(uuid.uuid4())), 50)
    assert {outcome.token for outcome in outcomes} == {"token-1"}
    assert len(token_service.requests) == 50
    assert len(issuer.job_requests) == 1


def test_a_file_is_read_each_time(
    runner: Runner, issuer: OidcIssuer, token_service: TokenService, tmp_path: Path
) -> None:
    """What somebody writes to the file serves from the next request on."""
    source = in_file(issuer, tmp_path)
    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(source), token_service.url)
    runner.run(lambda: app.get_token("graph"))
    in_file(issuer, tmp_path)
    runner.run(lambda: app.get_token("arm"))
    assert len({request.form["client_assertion"] for request in token_service.requests}) == 2


def test_after_700024_a_file_that_did_not_change_is_not_sent_again(
    runner: Runner, issuer: OidcIssuer, token_service: TokenService, tmp_path: Path
) -> None:
    """The same old token would meet the same refusal; a new one in the file is sent."""
    token_service.script = [LATE]
    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(in_file(issuer, tmp_path)), token_service.url)
    with pytest.raises(CredentialRejected, match="700024"):
        runner.run(lambda: app.get_token("graph"))
    assert len(token_service.requests) == 1

    def renew(_: Any) -> Reply:
        in_file(issuer, tmp_path)
        return LATE

    token_service.script = [renew, token_reply()]
    assert runner.run(lambda: app.get_token("graph")).token == "token-1"


def test_the_audience_is_the_clouds(runner: Runner, issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sovereign cloud the job's token is asked for that cloud's token exchange; a named audience wins."""
    for cloud, audience in (
        ("public", "api://AzureADTokenExchange"),
        ("usgov", "api://AzureADTokenExchangeUSGov"),
        ("dod", "api://AzureADTokenExchangeUSGov"),
        ("china", "api://AzureADTokenExchangeChina"),
        ("bleu", "api://AzureADTokenExchangeFrance"),
        ("delos", "api://AzureADTokenExchangeGermany"),
    ):
        app = runner.client(TENANT, CLIENT_ID, ClientAssertion(GitHubActions()), cloud)
        assert token_exchange(app.token_request("api://orders/.default")) == audience


def test_a_named_audience_is_requested(runner: Runner, issuer: OidcIssuer, token_service: TokenService) -> None:
    """GitHubActions(audience) goes to GitHub as it is, beside what the URL already asks."""
    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(GitHubActions("api://mine?x=1&y")), token_service.url)
    runner.run(lambda: app.get_token("graph"))
    [request] = issuer.job_requests
    assert request.path == "/github?api-version=2.0&audience=api%3A%2F%2Fmine%3Fx%3D1%26y"
    assert request.headers["Accept"] == "application/json; api-version=2.0"


def test_the_azure_pipelines_request_is_the_documented_one(
    runner: Runner, issuer: OidcIssuer, token_service: TokenService
) -> None:
    """A POST without sign-in redirects, with a length, so that no gateway refuses it."""
    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(AzurePipelines()), token_service.url)
    runner.run(lambda: app.get_token("graph"))
    request = issuer.job_requests[0]
    assert (request.method, request.path) == ("POST", "/pipelines?api-version=7.1&serviceConnectionId=connection-1")
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["x-tfs-fedauthredirect"] == "Suppress"
    assert headers["content-length"] == "0"


@pytest.mark.parametrize(
    ("reply", "kind", "word"),
    [
        (Reply(403, ""), CredentialRejected, "id-token: write"),
        (Reply(302, "", {"Location": "https://evil.example"}), CredentialRejected, "id-token: write"),
        (Reply(200, {"value": ""}), UnreadableAnswer, "without an OIDC token"),
        (Reply(200, "<html>sign in</html>"), UnreadableAnswer, "web page"),
        (Reply(200, {"value": "no.jwt"}), UsageError, "did not provide a JWT"),
    ],
)
def test_a_job_service_that_issues_no_token_is_an_error(
    runner: Runner, issuer: OidcIssuer, token_service: TokenService, reply: Reply, kind: type[Exception], word: str
) -> None:
    """Refusals and nonsense of the job's service become clear errors, and Entra is not asked."""
    issuer.refusals = [reply]
    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(GitHubActions()), token_service.url)
    with pytest.raises(kind, match=word) as caught:
        runner.run(lambda: app.get_token("graph"))
    assert BEARER not in str(caught.value)
    assert token_service.requests == []


def test_a_busy_job_service_is_retried(runner: Runner, issuer: OidcIssuer, token_service: TokenService) -> None:
    """503 and 429 of the job's service are waited out; three in a row are too many."""
    issuer.refusals = [Reply(503, "busy"), Reply(429, "", {"Retry-After": "0"})]
    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(AzurePipelines()), token_service.url)
    assert runner.run(lambda: app.get_token("graph")).token == "token-1"
    issuer.refusals = [Reply(503, "busy", {"Retry-After": "0"})] * 3
    other = runner.client(TENANT, CLIENT_ID, ClientAssertion(AzurePipelines()), token_service.url)
    with pytest.raises(ServiceUnavailable):
        runner.run(lambda: other.get_token("graph"))


@pytest.mark.parametrize(
    ("source", "gone"),
    [
        (GitHubActions(), "ACTIONS_ID_TOKEN_REQUEST_URL"),
        (GitHubActions(), "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        (AzurePipelines(), "SYSTEM_ACCESSTOKEN"),
        (AzurePipelines(), "SYSTEM_OIDCREQUESTURI"),
        (AzurePipelines(), "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"),
    ],
)
def test_outside_of_a_job_the_missing_variables_are_named(
    runner: Runner, issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch, source: Any, gone: str
) -> None:
    """The variable that is not there is named, and what would set it."""
    monkeypatch.delenv(gone)
    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(source), issuer.url)
    with pytest.raises(UsageError, match=gone) as caught:
        runner.run(lambda: app.get_token("graph"))
    assert caught.value.remedy
    assert issuer.requests == []


def test_a_jobs_token_is_not_requested_over_plain_http(
    runner: Runner, issuer: OidcIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job's bearer token is a secret: it goes over https, or to loopback."""
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "http://oidc.example/github?api-version=2.0")
    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(GitHubActions()), issuer.url)
    with pytest.raises(UsageError, match="not https"):
        runner.run(lambda: app.get_token("graph"))


@pytest.mark.parametrize("content", [b"", b" \n", b"not a jwt", b"\xff\xfe\x00", b"a.b.c", b"x" * 300_000])
def test_a_file_without_a_token_is_an_error(runner: Runner, issuer: OidcIssuer, tmp_path: Path, content: bytes) -> None:
    """An empty, binary, huge or otherwise useless file is named, its content is not."""
    path = tmp_path / "token"
    path.write_bytes(content)
    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(FileAssertion(path)), issuer.url)
    with pytest.raises(UsageError) as caught:
        runner.run(lambda: app.get_token("graph"))
    assert str(path) in str(caught.value)
    assert "not a jwt" not in str(caught.value)


def test_a_missing_file_is_an_error(runner: Runner, issuer: OidcIssuer, tmp_path: Path) -> None:
    """The path, the reason and the variable that names it."""
    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(FileAssertion(tmp_path / "none")), issuer.url)
    with pytest.raises(UsageError, match="No such file") as caught:
        runner.run(lambda: app.get_token("graph"))
    assert "AZURE_FEDERATED_TOKEN_FILE" in caught.value.remedy


def test_a_function_may_be_async_under_asyncio(runner: Runner, trusted: Emulator, issuer: OidcIssuer) -> None:
    """An async function works with AsyncClient; Client says that it cannot wait for it."""

    async def fetch() -> str:
        return issuer.token()

    app = client(runner, trusted, ClientAssertion(CallbackAssertion(fetch)))
    if type(runner).__name__ == "AsyncioRunner":
        assert runner.run(lambda: app.get_token("graph")).token
    else:
        with pytest.raises(UsageError, match="async"):
            runner.run(lambda: app.get_token("graph"))


def test_a_failing_function_fails_the_call(runner: Runner, issuer: OidcIssuer) -> None:
    """The error says which function failed; what the function raised is its cause."""

    def fetch() -> str:
        raise LookupError("no token today")

    app = runner.client(TENANT, CLIENT_ID, ClientAssertion(CallbackAssertion(fetch)), issuer.url)
    with pytest.raises(UsageError, match="The function for the assertion failed with LookupError") as caught:
        runner.run(lambda: app.get_token("graph"))
    assert str(caught.value.__cause__) == "no token today"
