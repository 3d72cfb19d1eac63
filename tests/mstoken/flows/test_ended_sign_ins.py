"""A grant that the service has ended, and a consent that has changed: nothing of them is used on."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from tests.support.runners import Runner
from tests.support.token_service import CLIENT_ID, TENANT, Reply, TokenService, token_reply

from mstoken import ClientSecret, ConsentRequired, RefreshToken, SignInRequired, Stores
from mstoken.flows.store_port import TokenInfo
from mstoken.stores.memory import memory_stores

ANNA = "account:anna"


def _refusal(code: int, error: str = "invalid_grant") -> Reply:
    return Reply(400, {"error": error, "error_description": f"AADSTS{code}: no", "error_codes": [code]})


@pytest.fixture
def stores() -> Stores:
    """Stores with Anna's sign-in."""
    made = memory_stores()
    made.refresh_tokens.put(ANNA, "rt-1", TokenInfo("", TENANT, CLIENT_ID))
    return made


def _anna(runner: Runner, service: TokenService, stores: Stores) -> Any:
    return runner.client(TENANT, CLIENT_ID, RefreshToken(account="anna"), service.url, stores)


@pytest.mark.parametrize("code", [50173, 700082, 700084, 70008])
def test_an_ended_refresh_token_is_not_sent_again(
    runner: Runner, token_service: TokenService, stores: Stores, code: int
) -> None:
    """Revoked or expired: the first caller is refused, later ones learn the same without a request."""
    token_service.script = [_refusal(code)]
    for service in ("graph", "arm", "graph"):
        with pytest.raises(SignInRequired) as caught:
            runner.run(partial(_anna(runner, token_service, stores).get_token, service))
        assert caught.value.codes == (code,)
        assert "mstoken login" in caught.value.remedy
    assert len(token_service.requests) == 1
    assert stores.refresh_tokens.list_sign_ins()[ANNA].ended_by == code


def test_access_tokens_of_an_ended_sign_in_are_deleted(
    runner: Runner, token_service: TokenService, stores: Stores
) -> None:
    """Kept access tokens of that sign-in go, in the store and in the client's memory; another's stay."""
    token_service.script = [token_reply("graph-of-anna"), token_reply("graph-of-the-app"), _refusal(50173)]
    client = _anna(runner, token_service, stores)
    runner.run(lambda: client.get_token("graph"))
    app = runner.client(TENANT, CLIENT_ID, ClientSecret("s"), token_service.url, stores)
    runner.run(lambda: app.get_token("graph"))
    with pytest.raises(SignInRequired):
        runner.run(lambda: client.get_token("arm"))
    assert [kept.info.account for kept in stores.access_tokens.tokens()] == [""]
    with pytest.raises(SignInRequired):
        runner.run(lambda: client.get_token("graph"))
    assert len(token_service.requests) == 3


def test_a_new_sign_in_replaces_an_ended_one(runner: Runner, token_service: TokenService, stores: Stores) -> None:
    """After a login nothing reminds of the ended grant."""
    token_service.script = [_refusal(50173), token_reply()]
    with pytest.raises(SignInRequired):
        runner.run(lambda: _anna(runner, token_service, stores).get_token("graph"))
    stores.refresh_tokens.put(ANNA, "rt-2", TokenInfo())
    assert runner.run(lambda: _anna(runner, token_service, stores).get_token("graph")).token == "token-1"
    assert token_service.requests[-1].form["refresh_token"] == "rt-2"


def test_fresh_sends_a_request_even_after_the_end(runner: Runner, token_service: TokenService, stores: Stores) -> None:
    """Whoever insists is not kept from asking; if the service has changed its mind, the grant lives."""
    token_service.script = [_refusal(50173), token_reply(refresh_token="rt-2"), token_reply("again")]
    client = _anna(runner, token_service, stores)
    with pytest.raises(SignInRequired):
        runner.run(lambda: client.get_token("graph"))
    assert runner.run(lambda: client.get_token("graph", fresh=True)).token == "token-1"
    assert runner.run(lambda: client.get_token("arm")).token == "again"
    assert stores.refresh_tokens.list_sign_ins()[ANNA].ended_by == 0


@pytest.mark.parametrize("code", [50076, 50079, 53003, 65001])
def test_interaction_required_does_not_end_the_sign_in(
    runner: Runner, token_service: TokenService, stores: Stores, code: int
) -> None:
    """Multi-factor authentication, policy and consent concern the question; the grant is asked for again."""
    token_service.script = [_refusal(code), token_reply()]
    client = _anna(runner, token_service, stores)
    with pytest.raises(Exception, match=str(code)):
        runner.run(lambda: client.get_token("graph"))
    assert runner.run(lambda: client.get_token("graph")).token == "token-1"


def test_the_previous_refresh_token_is_used_if_the_current_one_is_refused(
    runner: Runner, token_service: TokenService, stores: Stores
) -> None:
    """The current token is dead and the previous one lives: the sign-in goes on with it."""
    stores.refresh_tokens.replace(ANNA, "rt-1", "rt-2")
    token_service.script = [_refusal(700082), token_reply(refresh_token="rt-3")]
    assert runner.run(lambda: _anna(runner, token_service, stores).get_token("graph")).token == "token-1"
    kept = stores.refresh_tokens.load(ANNA)
    assert kept is not None
    assert (kept.current, kept.ended_by) == ("rt-3", 0)


def test_a_change_of_consent_deletes_cached_tokens(runner: Runner, token_service: TokenService, stores: Stores) -> None:
    """Refused for want of consent, then granted: the resource's tokens from before, and in between, are got anew."""
    client = _anna(runner, token_service, stores)
    read = "https://graph.microsoft.com/Mail.Read"
    token_service.script = [
        token_reply("before"),
        token_reply("other-resource"),
        _refusal(65001),
        token_reply("in-between"),
        token_reply("mail"),
        token_reply("after"),
    ]
    ask = [
        lambda: client.get_token("graph"),
        lambda: client.get_token("arm"),
        lambda: client.get_token(read),
        lambda: client.get_token("graph"),
        lambda: client.get_token(read),
        lambda: _anna(runner, token_service, stores).get_token("graph"),
        lambda: _anna(runner, token_service, stores).get_token("arm"),
    ]
    got: list[str] = []
    for call in ask:
        try:
            got.append(runner.run(call).token)
        except ConsentRequired:
            got.append("refused")
    assert got == ["before", "other-resource", "refused", "in-between", "mail", "after", "other-resource"]
