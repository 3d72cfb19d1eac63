"""User name and password: where it works, and the limits that are documented."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.runners import Runner

from entra_emulator import Emulator
from entra_emulator.model import Policy, User
from mstoken import AccessBlocked, Password, SignInRequired, TokenRefused, UsageError
from mstoken.protocol.jwt import decode

OTTO = "otto@northwind-partner.example"
NADIA = "nadia@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"


def client(runner: Runner, entra: Emulator, username: str = OTTO, password: str = "") -> Any:
    credential = Password(username, password or entra.state.settings.password)
    return runner.client(entra.state.default_tenant.id, PUBLIC_APP, credential, entra.authority)


def otto(entra: Emulator) -> User:
    found = entra.state.user(OTTO)
    assert found is not None
    return found[1]


def refresh_tokens(entra: Emulator) -> list[str | None]:
    return [one.grant_type for one in entra.token_requests]


def test_a_password_gets_a_token_that_is_refreshed(
    runner: Runner, entra: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """The password is sent once, with a warning; after that the refresh token serves."""
    app = client(runner, entra)
    assert decode(runner.run(lambda: app.get_token("graph")).token).claims["upn"] == OTTO
    runner.run(lambda: app.get_token("arm"))
    assert refresh_tokens(entra) == ["password", "refresh_token"]
    assert [one.getMessage() for one in caplog.records if "multi-factor" in one.getMessage()]
    assert entra.state.settings.password not in caplog.text + repr(app)


def test_the_user_realm_is_requested_first(runner: Runner, entra: Emulator) -> None:
    """As Microsoft's libraries do: GET of the user's realm, then the grant with user name, password and scopes."""
    runner.run(lambda: client(runner, entra).get_token("graph"))
    first, second = [one for one in entra.requests if one.service == "login"]
    assert (first.method, first.path) == ("GET", f"/common/UserRealm/{OTTO}")
    assert set(second.form) == {"client_id", "grant_type", "username", "password", "scope"}


def test_a_federated_users_password_is_not_sent(runner: Runner, entra: Emulator) -> None:
    """Their identity provider checks it, so the way is the browser; the error says where and how."""
    entra.state.default_tenant.federated_domains.append("northwind-partner.example")
    with pytest.raises(SignInRequired, match=r"signs in at localhost:\d+, so Entra cannot check") as caught:
        runner.run(lambda: client(runner, entra).get_token("graph"))
    assert f"Browser(login_hint={OTTO!r})" in caught.value.remedy
    assert refresh_tokens(entra) == []


@pytest.mark.parametrize("why", ["policy", "user"])
def test_a_second_factor_cannot_be_given(runner: Runner, entra: Emulator, why: str) -> None:
    """MFA: sign-in required, by the command in the error."""
    if why == "policy":
        entra.state.default_tenant.policies.append(Policy(name="mfa", require="mfa"))
    else:
        otto(entra).mfa_required = True
    with pytest.raises(SignInRequired) as caught:
        runner.run(lambda: client(runner, entra).get_token("graph"))
    assert caught.value.codes == (50076,)
    assert "mstoken login" in caught.value.remedy


def test_a_wrong_password_and_a_locked_account_are_errors(runner: Runner, entra: Emulator) -> None:
    """50126 each time, and after ten of them 50053: each its kind, and none tried twice."""
    app = client(runner, entra, password="not it")
    codes = []
    for _ in range(11):
        with pytest.raises(TokenRefused) as caught:
            runner.run(lambda: app.get_token("graph"))
        codes.append(caught.value.codes)
    assert codes == [(50126,)] * 10 + [(50053,)]
    assert isinstance(caught.value, AccessBlocked)
    assert len(entra.token_requests) == 11


@pytest.mark.parametrize(("state", "code"), [("enabled", 50057), ("password_expired", 50055)])
def test_an_unusable_account_is_an_error(runner: Runner, entra: Emulator, state: str, code: int) -> None:
    """Disabled, or the password expired: Entra's code, and what to do."""
    setattr(otto(entra), state, state != "enabled")
    with pytest.raises(TokenRefused) as caught:
        runner.run(lambda: client(runner, entra).get_token("graph"))
    assert caught.value.codes == (code,)
    assert caught.value.remedy


def test_an_unknown_user_is_an_error(runner: Runner, entra: Emulator) -> None:
    """A user who is not there is 50034."""
    with pytest.raises(TokenRefused) as caught:
        runner.run(lambda: client(runner, entra, username="nobody@northwind-partner.example").get_token("graph"))
    assert caught.value.codes == (50034,)


def test_after_a_revocation_the_password_is_used_again(runner: Runner, entra: Emulator) -> None:
    """A refresh token that was ended is replaced by a new sign-in, once."""
    app = client(runner, entra)
    runner.run(lambda: app.get_token("graph"))
    otto(entra).tokens_valid_from = entra.clock.now() + 1
    entra.clock.advance(2)
    runner.run(lambda: app.get_token("graph", fresh=True))
    assert refresh_tokens(entra) == ["password", "refresh_token", "password"]


def test_an_empty_user_name_or_password_is_refused() -> None:
    """A user name or password that is not there is found before any request."""
    for credential in (("", "x"), ("x", "")):
        with pytest.raises(UsageError, match="empty"):
            Password(*credential)
