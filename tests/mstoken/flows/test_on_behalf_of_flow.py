"""On-behalf-of: a web API acts for who called it, against the emulator, blocking and under asyncio."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.runners import Runner

from entra_emulator import Emulator
from entra_emulator.model import Grant, Policy, Secret
from entra_emulator.resources import GRAPH
from mstoken import ClientSecret, OnBehalfOf, RefreshToken, SignInRequired, TokenRefused, UsageError, claims_challenge
from mstoken.protocol.challenge import challenged_claims
from mstoken.protocol.jwt import decode
from mstoken.stores.memory import memory_stores

NADIA = "nadia@northwind-partner.example"
OTTO = "otto@northwind-partner.example"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"


@pytest.fixture
def api(runner: Runner, entra: Emulator) -> Any:
    """The Orders API's own client; it may read its callers' profiles at Graph."""
    app = entra.state.apps[ORDERS]
    app.secrets = [Secret("orders-secret-for-tests")]
    entra.state.default_tenant.grants.append(Grant(app=ORDERS, resource=GRAPH, scopes=["User.Read"]))
    return runner.client(
        entra.state.default_tenant.id, ORDERS, ClientSecret("orders-secret-for-tests"), entra.authority
    )


def callers_token(runner: Runner, entra: Emulator, user: str) -> str:
    """What the web application sends to the Orders API."""
    app = entra.state.default_app
    credential = RefreshToken(entra.sign_in(user), ClientSecret(app.secrets[0].value))
    web = runner.client(entra.state.default_tenant.id, app.id, credential, entra.authority)
    return str(runner.run(lambda: web.get_token("api://northwind-orders/.default")).token)


def exchanges(entra: Emulator) -> int:
    return len([one for one in entra.token_requests if (one.grant_type or "").endswith("jwt-bearer")])


def test_each_caller_gets_a_separate_token(runner: Runner, entra: Emulator, api: Any) -> None:
    """Two users call: each downstream token is that user's, and each is asked for once."""
    for user in (NADIA, OTTO):
        caller = api.on_behalf_of(callers_token(runner, entra, user))
        tokens = [runner.run(lambda: caller.get_token("graph")) for _ in range(2)]  # noqa: B023
        assert decode(tokens[0].token).claims["upn"] == user
        assert decode(tokens[0].token).claims["appid"] == ORDERS
        assert tokens[0] == tokens[1]
    assert exchanges(entra) == 2


def test_another_client_for_the_same_caller_uses_the_cached_token(runner: Runner, entra: Emulator, api: Any) -> None:
    """The assertion's digest names the token: the next request of the same caller is answered from the store."""
    assertion = callers_token(runner, entra, NADIA)
    first = runner.run(lambda: api.on_behalf_of(assertion).get_token("graph"))
    assert runner.run(lambda: api.on_behalf_of(assertion).get_token("graph")) == first
    assert exchanges(entra) == 1


def test_the_error_has_the_claims_for_the_caller(runner: Runner, entra: Emulator, api: Any) -> None:
    """MFA needed downstream: the error carries the claims, and the header made of it carries them on."""
    entra.state.default_tenant.policies.append(Policy(name="mfa", require="mfa", resources=[GRAPH]))
    caller = api.on_behalf_of(callers_token(runner, entra, OTTO))
    with pytest.raises(SignInRequired) as caught:
        runner.run(lambda: caller.get_token("graph"))
    assert caught.value.error == "interaction_required"
    assert "capolids" in json.loads(caught.value.claims)["access_token"]
    header = claims_challenge(caught.value.claims)
    assert header.startswith("Bearer ")
    assert challenged_claims(header) == caught.value.claims


def test_the_token_shows_the_callers_second_factor(runner: Runner, entra: Emulator, api: Any) -> None:
    """Who signed in with a second factor meets the same policy in silence."""
    entra.state.default_tenant.policies.append(Policy(name="mfa", require="mfa", resources=[GRAPH]))
    caller = api.on_behalf_of(callers_token(runner, entra, NADIA))
    assert decode(runner.run(lambda: caller.get_token("graph")).token).claims["upn"] == NADIA


def test_a_session_continues_after_the_call(runner: Runner, entra: Emulator, api: Any) -> None:
    """Begun with the caller's token, it goes on without it, also when that has expired, and for other resources."""
    begun = api.on_behalf_of(callers_token(runner, entra, NADIA), session_key="job-4711-hard-to-guess")
    runner.run(lambda: begun.get_token("graph"))
    entra.clock.advance(7200)
    later = api.on_behalf_of("", session_key="job-4711-hard-to-guess")
    token = runner.run(lambda: later.get_token("graph", fresh=True))
    assert decode(token.token).claims["upn"] == NADIA
    assert exchanges(entra) == 1


def test_a_session_begins_although_the_token_is_cached(runner: Runner, entra: Emulator, api: Any) -> None:
    """A plain exchange before leaves no refresh token; asking for a session makes one."""
    assertion = callers_token(runner, entra, NADIA)
    runner.run(lambda: api.on_behalf_of(assertion).get_token("graph"))
    runner.run(lambda: api.on_behalf_of(assertion, session_key="k").get_token("graph"))
    assert runner.run(lambda: api.on_behalf_of("", session_key="k").get_token("graph")).token


def test_a_session_that_was_not_started_is_an_error(runner: Runner, entra: Emulator, api: Any) -> None:
    """An unknown key is a usage error that says how one begins; nothing is asked."""
    with pytest.raises(UsageError, match="no on-behalf-of session"):
        runner.run(lambda: api.on_behalf_of("", session_key="never").get_token("graph"))
    assert entra.token_requests == []


def test_a_session_key_is_stored_as_a_fingerprint_only(runner: Runner, entra: Emulator) -> None:
    """Who reads the names of what is kept cannot go on with a session."""
    app = entra.state.apps[ORDERS]
    app.secrets = [Secret("orders-secret-for-tests")]
    entra.state.default_tenant.grants.append(Grant(app=ORDERS, resource=GRAPH, scopes=["User.Read"]))
    stores = memory_stores()
    tenant = entra.state.default_tenant.id
    client = runner.client(tenant, ORDERS, ClientSecret("orders-secret-for-tests"), entra.authority, stores=stores)
    caller = client.on_behalf_of(callers_token(runner, entra, NADIA), session_key="the-session-key")
    runner.run(lambda: caller.get_token("graph"))
    assert stores.refresh_tokens.list_sign_ins()
    assert "the-session-key" not in repr(stores.refresh_tokens.list_sign_ins())
    assert "the-session-key" not in repr(caller)


@pytest.mark.parametrize("kind", ["another's", "expired", "an application's", "nobody's"])
def test_an_invalid_user_assertion_is_refused(runner: Runner, entra: Emulator, api: Any, kind: str) -> None:
    """A token for another API, an expired one, one without a user, and text that is none: each with Entra's code."""
    app = entra.state.default_app
    secret = ClientSecret(app.secrets[0].value)
    tenant = entra.state.default_tenant.id
    if kind == "another's":
        web = runner.client(tenant, app.id, RefreshToken(entra.sign_in(NADIA), secret), entra.authority)
        assertion, code = runner.run(lambda: web.get_token("graph")).token, 500131
    elif kind == "expired":
        assertion, code = callers_token(runner, entra, NADIA), 500133
        entra.clock.advance(10_000)
    elif kind == "an application's":
        web = runner.client(tenant, app.id, secret, entra.authority)
        assertion, code = runner.run(lambda: web.get_token("api://northwind-orders/.default")).token, 50013
    else:
        assertion, code = "e30.e30.e30", 50013
    with pytest.raises(TokenRefused) as caught:
        runner.run(lambda: api.on_behalf_of(assertion).get_token("graph"))
    assert caught.value.codes == (code,)
    assert caught.value.remedy


def test_a_public_client_cannot_act_on_behalf_of_a_user() -> None:
    """Without the API's own credential, and without a user, it is a usage error at once."""
    with pytest.raises(UsageError, match="own credential"):
        OnBehalfOf("a.b.c")
    with pytest.raises(UsageError, match="a user's token or a session key"):
        OnBehalfOf(client=ClientSecret("s"))


def test_a_user_client_cannot_act_on_behalf_of_another_user(runner: Runner) -> None:
    """`on_behalf_of` belongs to the web API's own client."""
    client = runner.client("contoso.com", ORDERS, RefreshToken("r"))
    with pytest.raises(UsageError, match="the web API itself"):
        client.on_behalf_of("a.b.c")
