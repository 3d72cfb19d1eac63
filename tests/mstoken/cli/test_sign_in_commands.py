"""`mstoken login` with a user, `accounts` and `logout`, as the program runs."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import signal
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.program import Program
from tests.support.redis_server import RedisServer
from tests.support.running import Running
from tests.support.scripted_user import BrowserRedirect, ScriptedUser

from entra_emulator import Emulator

OTTO = "otto@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
DAY = 24 * 3600
CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


@pytest.fixture
def otto(entra: Emulator) -> Iterator[ScriptedUser]:
    person = ScriptedUser(entra, OTTO)
    yield person
    person.close()


@pytest.fixture
def device_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polling without long pauses."""
    monkeypatch.setattr("entra_emulator.login.device.INTERVAL_IN", 1)


def test_login_with_the_browser_and_a_token_afterwards(anonymous: Program, entra: Emulator, otto: ScriptedUser) -> None:
    """The URL is shown if no browser can be opened; afterwards `get` works for any service without a sign-in."""
    login = Running(anonymous, "login", "--browser", "--client-id", PUBLIC_APP, "--profile", "work")
    url = login.says(r"^(https://\S+/oauth2/v2.0/authorize\S+)")
    otto.authorize(url).follow()
    code, out = login.end()
    assert (code, out) == (0, ""), login.err
    assert f"Signed in as {OTTO}" in login.err
    for service in ("graph", "arm"):
        got = anonymous("get", service, "--profile", "work", "-o", "json")
        assert got.code == 0, got.err
    profile = (anonymous.config / "config.toml").read_text()
    assert f'tenant = "{entra.state.default_tenant.id}"' in profile
    assert 'account = "work"' in profile


def test_login_with_a_pasted_url(anonymous: Program, otto: ScriptedUser) -> None:
    """Over SSH the browser runs elsewhere and ends at a URL that it cannot reach; pasting it completes the login."""
    ours, theirs = pty.openpty()
    login = Running(anonymous, "login", "--client-id", PUBLIC_APP, "--tenant", "organizations", stdin=theirs)
    os.close(theirs)
    url = login.says(r"^(https://\S+/oauth2/v2.0/authorize\S+)")
    login.says("(paste it here)")
    os.write(ours, otto.authorize(url).url.encode() + b"\n")
    code, _ = login.end()
    os.close(ours)
    assert code == 0, login.err
    assert f"Signed in as {OTTO}" in login.err


def test_a_wrong_address_pasted_at_login_is_answered_at_once(anonymous: Program, otto: ScriptedUser) -> None:
    """That of another sign-in and that of the sign-in page are each named, and the prompt stays for the right one."""
    ours, theirs = pty.openpty()
    login = Running(anonymous, "login", "--client-id", PUBLIC_APP, "--tenant", "organizations", stdin=theirs)
    os.close(theirs)
    url = login.says(r"^(https://\S+/oauth2/v2.0/authorize\S+)")
    login.says("(paste it here)")
    right = otto.authorize(url).url
    state = parse_qs(urlsplit(right).query)["state"][0]
    for foreign in (right.replace(state, "earlier"), f"{right.split('?')[0]}?error=access_denied&state=x"):
        os.write(ours, foreign.encode() + b"\n")
        login.says("(That address belongs to another sign-in)")
    os.write(ours, url.encode() + b"\n")
    login.says("(That is not the address at which the browser ended)")
    os.write(ours, right.encode() + b"\n")
    code, _ = login.end()
    os.close(ours)
    assert code == 0, login.err
    assert f"Signed in as {OTTO}" in login.err


def test_a_declined_login_writes_no_profile(anonymous: Program, otto: ScriptedUser) -> None:
    """Cancel on the page gives exit code 4."""
    login = Running(anonymous, "login", "--browser", "--client-id", PUBLIC_APP)
    redirect = otto.visit(login.says(r"^(https://\S+/authorize\S+)"), cancel=True)
    assert isinstance(redirect, BrowserRedirect)
    redirect.follow()
    code, out = login.end()
    assert (code, out) == (4, ""), login.err
    assert "65004" in login.err
    assert not (anonymous.config / "config.toml").exists()


def test_an_unfinished_login_times_out(anonymous: Program) -> None:
    """The exit code is 3, and the remedy names the other method."""
    result = anonymous("login", "--browser", "--client-id", PUBLIC_APP, "--timeout", "1")
    assert result.code == 3
    assert "--device" in result.err


@pytest.mark.parametrize(
    ("arguments", "option", "way"),
    [
        (("--device", "--timeout", "3"), "--timeout", "--browser"),
        (("--device", "--login-hint", OTTO), "--login-hint", "--browser"),
        (("--device", "--prompt", "login"), "--prompt", "--browser"),
        (("--refresh-token-stdin", "--domain-hint", "contoso.example"), "--domain-hint", "--browser"),
        (("--timeout", "3"), "--timeout", "--browser"),
        (("--browser", "--no-verify"), "--no-verify", "--refresh-token-stdin"),
        (("--device", "--no-verify"), "--no-verify", "--refresh-token-stdin"),
    ],
)
def test_an_option_of_another_way_to_sign_in_is_refused(
    anonymous: Program, arguments: tuple[str, ...], option: str, way: str
) -> None:
    """It would do nothing; a pipe counts as --refresh-token-stdin. Nothing is sent."""
    result = anonymous("login", "--client-id", PUBLIC_APP, *arguments, stdin="")
    assert (result.code, result.out) == (2, "")
    assert f"{option} has no effect on" in result.err
    assert f"Leave {option} out, or sign in with {way}." in result.err


@pytest.mark.parametrize("given", [CLAIMS, base64.urlsafe_b64encode(CLAIMS.encode()).decode()], ids=["JSON", "base64"])
def test_login_answers_a_claims_challenge(anonymous: Program, given: str) -> None:
    """The claims are sent with the sign-in, in any encoding."""
    result = anonymous("login", "--browser", "--client-id", PUBLIC_APP, "--timeout", "1", "--claims", given)
    address = re.search(r"https://\S+/authorize\?\S+", result.err)
    assert address is not None
    [sent] = parse_qs(urlsplit(address[0]).query)["claims"]
    assert json.loads(sent) == json.loads(CLAIMS)


def test_login_with_a_device_code(anonymous: Program, otto: ScriptedUser, device_at_once: None) -> None:
    """URL and code go to standard error, nothing to standard output; then the account exists."""
    login = Running(anonymous, "login", "--device", "--client-id", PUBLIC_APP, "--tenant", "northwind-partner.example")
    page = login.says(r"Open (https://\S+) on any device")
    code = re.search(r"enter the code (\w+)", login.err)
    assert code is not None
    otto.enter_code(page, code[1])
    ended, out = login.end()
    assert (ended, out) == (0, ""), login.err
    assert anonymous("get", "graph").code == 0


def test_the_token_of_a_sign_in_is_listed_and_removed_with_it(
    anonymous: Program, otto: ScriptedUser, device_at_once: None
) -> None:
    """The access token from the sign-in is removed with it, like later ones."""
    options = ("--client-id", PUBLIC_APP, "--tenant", "northwind-partner.example", "--profile", "otto")
    login = Running(anonymous, "login", "--device", *options)
    page = login.says(r"Open (https://\S+) on any device")
    otto.enter_code(page, re.findall(r"the code (\S+)", login.err)[0])
    assert login.end()[0] == 0, login.err
    assert [one["account"] for one in json.loads(anonymous("cache", "show", "-o", "json").out)] == ["otto"]
    assert anonymous("get", "graph", "--profile", "otto").code == 0
    assert "1 cached access token." in anonymous("logout", "otto").err
    assert anonymous("get", "graph", "--profile", "otto").code == 3


def test_a_sign_in_is_stored_in_the_profiles_store(
    anonymous: Program, otto: ScriptedUser, device_at_once: None
) -> None:
    """The profile names a shared store: the sign-in is stored there, not in this machine's vault."""
    server = RedisServer()
    try:
        (anonymous.config / "url").write_text(server.url)
        anonymous.profile('[profile.otto]\nstore = "file:url"\ntenant = "northwind-partner.example"\n')
        login = Running(anonymous, "login", "--device", "--client-id", PUBLIC_APP, "--profile", "otto")
        page = login.says(r"Open (https://\S+) on any device")
        otto.enter_code(page, re.findall(r"the code (\S+)", login.err)[0])
        assert login.end()[0] == 0, login.err
        assert anonymous("accounts").out == ""
        assert "otto" in anonymous("accounts", MSTOKEN_STORE=server.url).out
        got = anonymous("get", "arm", "--profile", "otto")
        assert got.code == 0, got.err
    finally:
        server.close()


def test_ctrl_c_ends_the_wait_for_the_device(anonymous: Program) -> None:
    """At once, without a traceback."""
    login = Running(anonymous, "login", "--device", "--client-id", PUBLIC_APP, "--tenant", "northwind-partner.example")
    login.says(r"(Ctrl-C)")
    login.process.send_signal(signal.SIGINT)
    code, _ = login.end()
    assert code == -signal.SIGINT  # which shells report as 130
    assert "Traceback" not in login.err


def test_ctrl_c_ends_the_wait_for_the_browser(anonymous: Program) -> None:
    """At once, while the listener waits."""
    login = Running(anonymous, "login", "--browser", "--client-id", PUBLIC_APP)
    login.says(r"^(https://\S+/authorize\S+)")
    login.process.send_signal(signal.SIGINT)
    code, _ = login.end()
    assert code == -signal.SIGINT  # which shells report as 130
    assert "Traceback" not in login.err


def test_login_without_an_application(anonymous: Program) -> None:
    """mstoken has no application of its own: the error shows how to register one."""
    result = anonymous("login", "--device")
    assert result.code == 2
    assert "az ad app create" in result.err


def test_login_with_two_methods_is_refused(anonymous: Program) -> None:
    """Options that contradict each other are a usage error."""
    result = anonymous("login", "--device", "--browser", "--client-id", PUBLIC_APP)
    assert result.code == 2
    assert "several ways" in result.err


def test_accounts_and_logout(anonymous: Program, entra: Emulator) -> None:
    """Accounts lists the sign-ins without secrets; logout removes a sign-in and its tokens, and keeps the others."""
    values = {name: entra.sign_in(OTTO, PUBLIC_APP) for name in ("work", "home")}
    options = ("--tenant", entra.state.default_tenant.id, "--client-id", PUBLIC_APP)
    for name, value in values.items():
        assert anonymous("login", "--profile", name, *options, stdin=value).code == 0
        assert anonymous("get", "graph", "--profile", name).code == 0
    listed = anonymous("accounts", "-o", "json")
    records = json.loads(listed.out)
    assert [one["account"] for one in records] == ["home", "work"]
    assert {one["client_id"] for one in records} == {PUBLIC_APP}
    assert {one["expires_on"] - one["renewed_on"] for one in records} == {90 * DAY}
    shown = anonymous.at_terminal("accounts", columns=160).out
    assert "days if unused" in shown
    assert not [value for value in values.values() if value[:30] in listed.out + shown]
    gone = anonymous("logout", "work")
    assert gone.code == 0
    assert "and 1 cached access token." in gone.err
    assert [one["account"] for one in json.loads(anonymous("accounts", "-o", "json").out)] == ["home"]
    refused = anonymous("get", "graph", "--profile", "work")
    assert refused.code != 0
    assert refused.out == ""
    assert "mstoken login" in refused.err
    assert anonymous("get", "graph", "--profile", "home").code == 0


def test_accounts_of_an_empty_vault(anonymous: Program) -> None:
    """An empty list in JSON, the next step at a terminal."""
    result = anonymous("accounts", "-o", "json")
    assert (result.code, result.out) == (0, "[]\n")
    assert "mstoken login" in anonymous("accounts").err


def test_logout_of_an_unknown_account(anonymous: Program, entra: Emulator) -> None:
    """A usage error, with the closest name."""
    options = ("--tenant", entra.state.default_tenant.id, "--client-id", PUBLIC_APP)
    anonymous("login", "--profile", "work", *options, stdin=entra.sign_in(OTTO, PUBLIC_APP))
    result = anonymous("logout", "wrok")
    assert result.code == 2
    assert "Did you mean work?" in result.err
