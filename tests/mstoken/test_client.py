"""Client and AsyncClient against a real token service on loopback: the same claims hold blocking and under asyncio."""

from __future__ import annotations

import copy
import json
import pickle
import time
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, RecordedRequest, Reply, TokenService, token_reply

from mstoken import (
    ClientSecret,
    CredentialRejected,
    RefreshToken,
    SignInRequired,
    Throttled,
    UsageError,
)
from mstoken.model import Token

SECRET = "s3cr3t~for+tests&only"
GRAPH = "https://graph.microsoft.com/.default"


@pytest.fixture
def app(runner: Runner, token_service: TokenService) -> Any:
    """An application's client of the token service."""
    return runner.client(TENANT, CLIENT_ID, ClientSecret(SECRET), token_service.url)


def test_client_credentials_request_is_exactly_the_documented_one(
    runner: Runner, token_service: TokenService, app: Any
) -> None:
    """POST to the tenant's v2.0 endpoint, form-encoded: client_id, client_secret, grant_type, scope, nothing else."""
    token = runner.run(lambda: app.get_token("graph"))
    assert (token.token, token.token_type) == ("token-1", "Bearer")
    [request] = token_service.requests
    assert (request.method, request.path) == ("POST", f"/{TENANT}/oauth2/v2.0/token")
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.form == {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "grant_type": "client_credentials",
        "scope": GRAPH,
    }


def test_expiry_is_epoch_seconds_from_the_moment_of_the_answer(runner: Runner, app: Any) -> None:
    """expires_on is now plus expires_in; refresh_on lies between and spreads out."""
    before = int(time.time())
    token = runner.run(lambda: app.get_token("graph"))
    assert before + 3599 <= token.expires_on <= time.time() + 3600
    assert before < token.refresh_on < token.expires_on


@pytest.mark.parametrize("same", ["graph", "msgraph", GRAPH, "https://graph.microsoft.com/v1.0/me"])
def test_equivalent_scopes_share_one_request(runner: Runner, token_service: TokenService, app: Any, same: str) -> None:
    """A service name, its alias, its scope and an API URL share one token."""
    first = runner.run(lambda: app.get_token("graph"))
    assert runner.run(lambda: app.get_token(same)) == first
    assert len(token_service.requests) == 1


def test_different_token_requests_are_sent_separately(runner: Runner, token_service: TokenService, app: Any) -> None:
    """Another service, tenant, claims or capability is another token."""
    token_service.script = [token_reply(f"token-{n}") for n in range(1, 6)]
    answers = [
        runner.run(lambda: app.get_token("graph")),
        runner.run(lambda: app.get_token("arm")),
        runner.run(lambda: app.get_token("graph", tenant_id="fabrikam.onmicrosoft.com")),
        runner.run(lambda: app.get_token("graph", enable_cae=True)),
        runner.run(lambda: app.get_token("graph", claims='{"access_token":{"nbf":{"essential":true}}}')),
    ]
    assert len({answer.token for answer in answers}) == 5
    assert token_service.requests[2].path == "/fabrikam.onmicrosoft.com/oauth2/v2.0/token"
    assert json.loads(token_service.requests[3].form["claims"]) == {"access_token": {"xms_cc": {"values": ["CP1"]}}}
    assert json.loads(token_service.requests[4].form["claims"]) == {"access_token": {"nbf": {"essential": True}}}


def test_a_token_for_a_claims_challenge_replaces_the_cached_one(
    runner: Runner, token_service: TokenService, app: Any
) -> None:
    """After claims were satisfied, the plain question gives the new token, not the revoked one."""
    token_service.script = [token_reply("revoked"), token_reply("renewed")]
    runner.run(lambda: app.get_token("graph"))
    runner.run(lambda: app.get_token("graph", claims='{"access_token":{"nbf":{"essential":true}}}'))
    assert runner.run(lambda: app.get_token("graph")).token == "renewed"


def test_200_callers_make_one_request(runner: Runner, token_service: TokenService, app: Any) -> None:
    """While one asks, the others wait and share its answer."""
    token_service.script = [Reply(200, token_reply().body, delay=0.2)]
    tokens = runner.gather(lambda: app.get_token("graph"), 200)
    assert {token.token for token in tokens} == {"token-1"}
    assert len(token_service.requests) == 1


def test_waiting_callers_share_an_error(runner: Runner, token_service: TokenService, app: Any) -> None:
    """When the one that asks is refused, those who waited are told so, without asking again."""
    refusal = {"error": "invalid_client", "error_description": "AADSTS7000215: no", "error_codes": [7000215]}

    def refuse(_: RecordedRequest) -> Reply:
        until = time.monotonic() + 30
        while next(iter(app._runtime._flights.values())).users < 50 and time.monotonic() < until:
            time.sleep(0.01)  # who arrives after the refusal asks again
        return Reply(401, refusal)

    token_service.script = [refuse, Reply(401, refusal)]
    outcomes = runner.gather(lambda: app.get_token("graph"), 50)
    assert {type(outcome) for outcome in outcomes} == {CredentialRejected}
    assert len(token_service.requests) == 1
    with pytest.raises(CredentialRejected):
        runner.run(lambda: app.get_token("graph"))
    assert len(token_service.requests) == 2


def test_fresh_and_a_large_min_ttl_request_a_new_token(runner: Runner, token_service: TokenService, app: Any) -> None:
    """`fresh=True` always asks; `min_ttl` asks only when the kept token lives shorter."""
    token_service.script = [token_reply(f"token-{n}") for n in range(1, 5)]
    runner.run(lambda: app.get_token("graph"))
    assert runner.run(lambda: app.get_token("graph", min_ttl=600)).token == "token-1"
    assert runner.run(lambda: app.get_token("graph", min_ttl=3599.5)).token == "token-2"
    assert runner.run(lambda: app.get_token("graph", fresh=True)).token == "token-3"
    assert runner.run(lambda: app.get_token("graph")).token == "token-3"


def test_a_failed_renewal_returns_the_valid_token(runner: Runner, token_service: TokenService, app: Any) -> None:
    """A token due for renewal still serves while the service is down."""
    token_service.script = [token_reply("old", refresh_in=1), Reply(503, "busy", {"Retry-After": "3600"})]
    runner.run(lambda: app.get_token("graph"))
    time.sleep(1.1)
    assert runner.run(lambda: app.get_token("graph")).token == "old"
    assert len(token_service.requests) == 2
    assert runner.run(lambda: app.get_token("graph")).token == "old"
    assert len(token_service.requests) == 2


def test_a_token_due_for_renewal_is_renewed(runner: Runner, token_service: TokenService, app: Any) -> None:
    """`refresh_in` of the service decides when."""
    token_service.script = [token_reply("old", refresh_in=1), token_reply("new")]
    runner.run(lambda: app.get_token("graph"))
    time.sleep(1.1)
    assert runner.run(lambda: app.get_token("graph")).token == "new"


def test_a_transient_error_is_retried(runner: Runner, token_service: TokenService, app: Any) -> None:
    """A 503 and a 429 with a short Retry-After are waited out within the call."""
    token_service.script = [Reply(503, "<html>busy</html>"), Reply(429, "slow", {"Retry-After": "0"}), token_reply()]
    assert runner.run(lambda: app.get_token("graph")).token == "token-1"
    assert len(token_service.requests) == 3


def test_a_long_retry_after_is_an_error_with_the_wait(runner: Runner, token_service: TokenService, app: Any) -> None:
    """A Retry-After longer than the call may last is given to the caller at once."""
    token_service.script = [Reply(429, "Too Many Requests", {"Retry-After": "600"})]
    with pytest.raises(Throttled) as caught:
        runner.run(lambda: app.get_token("graph"))
    assert caught.value.retry_in == 600
    assert len(token_service.requests) == 1


def test_a_service_that_needs_a_user_is_refused_before_any_request(
    runner: Runner, token_service: TokenService, app: Any
) -> None:
    """Partner Center with an application's credential alone is refused here, with what to do."""
    with pytest.raises(SignInRequired) as caught:
        runner.run(lambda: app.get_token("partner"))
    assert "mstoken login" in caught.value.remedy
    assert token_service.requests == []


def test_no_repr_shows_a_secret(runner: Runner, token_service: TokenService, app: Any) -> None:
    """Neither reprs nor errors nor their tracebacks' values show the secret or a token."""
    token = runner.run(lambda: app.get_token("graph"))
    token_service.script = [Reply(401, {"error": "invalid_client", "error_description": "AADSTS7000215: no"})]
    with pytest.raises(CredentialRejected) as caught:
        runner.run(lambda: app.get_token("arm"))
    shown = "".join(
        map(
            repr,
            [
                app,
                app.credential,
                token,
                app.token_request("graph"),
                RefreshToken("rt-1", ClientSecret(SECRET)),
                caught.value,
            ],
        )
    )
    assert SECRET not in shown
    assert "rt-1" not in shown
    assert "token-1" not in shown + str(token)


def test_errors_survive_copies_and_pickles(runner: Runner, token_service: TokenService, app: Any) -> None:
    """Process pools pickle exceptions; codes and remedies come through."""
    token_service.script = [Reply(401, {"error": "invalid_client", "error_description": "AADSTS7000215: no"})]
    with pytest.raises(CredentialRejected) as caught:
        runner.run(lambda: app.get_token("arm"))
    for twin in (copy.copy(caught.value), pickle.loads(pickle.dumps(caught.value))):  # noqa: S301 - our own bytes
        assert twin.codes == (7000215,)
        assert twin.remedy == caught.value.remedy


def test_get_token_info_has_azure_cores_shape(runner: Runner, token_service: TokenService, app: Any) -> None:
    """Options come as a mapping; the answer has token, expires_on, token_type and refresh_on."""
    info = runner.run(lambda: app.get_token_info(GRAPH, options={"tenant_id": "fabrikam.com", "enable_cae": True}))
    assert isinstance(info, Token)
    assert info.token == "token-1"
    assert info.refresh_on is not None
    assert token_service.requests[0].path.startswith("/fabrikam.com/")


@pytest.mark.parametrize("method", ["get_token", "pop_token"])
def test_an_option_that_does_not_exist_is_an_error(runner: Runner, app: Any, method: str) -> None:
    """A misspelled option is reported and not ignored."""
    with pytest.raises(TypeError, match="freshh"):
        runner.run(lambda: getattr(app, method)("graph", freshh=True))


def test_unknown_options_of_get_token_info_are_ignored(runner: Runner, app: Any) -> None:
    """azure-core's protocol says so; a later version may pass more."""
    assert runner.run(lambda: app.get_token_info(GRAPH, options={"later": 1, "enable_cae": True})).token == "token-1"


@pytest.mark.parametrize("tenant", ["", "a/b", "a?b", "../x", "a b", "a\nb", "a#b", "https://x"])
def test_an_invalid_tenant_is_refused_before_any_request(runner: Runner, tenant: str) -> None:
    """A tenant goes into the URL, so nothing but an id or a domain may be one."""
    with pytest.raises(UsageError, match="tenant"):
        runner.client(tenant, CLIENT_ID, ClientSecret(SECRET))


@pytest.mark.parametrize(
    "authority", ["http://login.microsoftonline.com", "https://a@b.example", "ftp://x.example", "no-such-cloud"]
)
def test_an_invalid_authority_is_refused(runner: Runner, authority: str) -> None:
    """A secret is never sent in clear or to a host in disguise."""
    with pytest.raises(UsageError):
        runner.client(TENANT, CLIENT_ID, ClientSecret(SECRET), authority)


@pytest.mark.parametrize("claims", ["not json", "[]", "1", '{"a":' + "[" * 20_000])
def test_invalid_claims_are_refused(runner: Runner, token_service: TokenService, app: Any, claims: str) -> None:
    """A mangled claims challenge is a usage error, not a request."""
    with pytest.raises(UsageError, match="claims"):
        runner.run(lambda: app.get_token("graph", claims=claims))
    assert token_service.requests == []


def test_a_cloud_changes_host_and_scope_together(runner: Runner) -> None:
    """US Government: its own login host, and Graph's own resource there."""
    client = runner.client(TENANT, CLIENT_ID, ClientSecret(SECRET), "usgov")
    token_request = client.token_request("graph")
    assert token_request.authority.token_endpoint == f"https://login.microsoftonline.us/{TENANT}/oauth2/v2.0/token"
    assert token_request.scopes == ("https://graph.microsoft.us/.default",)


def test_a_closed_client_can_be_used_again(runner: Runner, token_service: TokenService, app: Any) -> None:
    """A closed client opens new connections when it is used again."""
    runner.run(lambda: app.get_token("graph"))
    runner.run(app.close) if app.close.__code__.co_flags & 0x80 else app.close()
    runner.run(lambda: app.get_token("arm"))
    assert len(token_service.requests) == 2
