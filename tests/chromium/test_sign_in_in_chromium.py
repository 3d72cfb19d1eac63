"""mstoken signs a person in with a real Chromium, at the emulator's pages: the happy way, and the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.support.chromium import Chromium
from tests.support.runners import Runner

from entra_emulator import Emulator
from mstoken import Browser, SignInRequired, TokenRefused
from mstoken.protocol.jwt import decode

OTTO = "otto@northwind-partner.example"
NADIA = "nadia@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"


class Hand:
    """What a person does in the browser while the program waits; `check` says whether it went as it should."""

    def __init__(self, chromium: Chromium, act: Callable[[Chromium], None]) -> None:
        self._chromium, self._act = chromium, act
        self._thread: threading.Thread | None = None
        self._problem: BaseException | None = None

    def open(self, url: str) -> bool:
        self._thread = threading.Thread(target=self._go, args=(url,), daemon=True)
        self._thread.start()
        return True

    def _go(self, url: str) -> None:
        try:
            self._chromium.visit(url)
            self._act(self._chromium)
        except BaseException as problem:  # noqa: BLE001 - handed to the test's own thread
            self._problem = problem

    def check(self) -> None:
        assert self._thread is not None
        self._thread.join(60)
        if self._problem is not None:
            raise self._problem


def client(runner: Runner, entra: Emulator, hand: Hand, **options: Any) -> Any:
    return runner.client("organizations", PUBLIC_APP, Browser(open_browser=hand.open, **options), entra.authority)


def enter(chromium: Chromium, username: str) -> None:
    chromium.sees("Sign in")
    chromium.fill(username=username, password="emulator")
    chromium.press("Sign in")


def test_the_happy_way_with_a_second_factor(runner: Runner, entra: Emulator, chromium: Chromium) -> None:
    """Password, second factor, and the page that says so; the code is gone from the address bar; axe finds nothing."""
    left: list[str] = []

    def act(page: Chromium) -> None:
        enter(page, NADIA)
        page.sees("Approve sign in request")
        page.press("Approve")
        page.sees("You are signed in.")
        left.append(page.url)
        assert page.faults() == []

    hand = Hand(chromium, act)
    app = client(runner, entra, hand)
    token = runner.run(lambda: app.get_token("graph"))
    hand.check()
    assert decode(token.token).claims["amr"] == ["pwd", "mfa"]
    assert "code=" not in left[0]
    assert "state=" not in left[0]


def test_consent_on_the_way(runner: Runner, entra: Emulator, chromium: Chromium) -> None:
    """A permission nobody granted yet is asked for on a page, and then in the token."""

    def act(page: Chromium) -> None:
        enter(page, OTTO)
        page.sees("Permissions requested")
        assert "Mail.Read" in page.text()
        page.press("Accept")
        page.sees("You are signed in.")

    hand = Hand(chromium, act)
    app = client(runner, entra, hand)
    token = runner.run(lambda: app.get_token("https://graph.microsoft.com/Mail.Read"))
    hand.check()
    assert "Mail.Read" in decode(token.token).claims["scp"].split()


def test_consent_that_is_declined(runner: Runner, entra: Emulator, chromium: Chromium) -> None:
    """No is an answer: the page and the error say so, and nothing was granted."""

    def act(page: Chromium) -> None:
        enter(page, OTTO)
        page.sees("Permissions requested")
        page.press("Cancel")
        page.sees("You are not signed in.")

    hand = Hand(chromium, act)
    app = client(runner, entra, hand)
    with pytest.raises(TokenRefused) as caught:
        runner.run(lambda: app.get_token("https://graph.microsoft.com/Mail.Read"))
    hand.check()
    assert caught.value.error == "access_denied"
    assert not any("Mail.Read" in grant.scopes for grant in entra.state.grants)


def test_a_wrong_state_then_the_right_one(runner: Runner, entra: Emulator, chromium: Chromium) -> None:
    """A page that leads the browser to our address with a code of its own is refused; the sign-in goes on after it."""
    opened: list[str] = []

    def act(page: Chromium) -> None:
        redirect = dict(parse_qsl(urlsplit(opened[0]).query))["redirect_uri"]
        page.visit(f"{redirect}/?error=access_denied&state=theirs")
        page.sees("This page was not expected.")
        page.visit(f"{redirect}/?code=theirs&state=theirs")
        page.sees("The response was not accepted.")
        assert "code=" not in page.url
        assert page.faults() == []
        page.visit(opened[0])
        enter(page, OTTO)
        page.sees("You are signed in.")

    def open_elsewhere(url: str) -> bool:
        opened.append(url)
        return hand.open("about:blank")

    hand = Hand(chromium, act)
    app = runner.client("organizations", PUBLIC_APP, Browser(open_browser=open_elsewhere), entra.authority)
    token = runner.run(lambda: app.get_token("graph"))
    hand.check()
    assert decode(token.token).claims["upn"] == OTTO


def test_nobody_signs_in(runner: Runner, entra: Emulator, chromium: Chromium) -> None:
    """The time is over while the sign-in page is still open; who comes too late finds nobody listening."""
    hand = Hand(chromium, lambda page: page.sees("Sign in"))
    app = client(runner, entra, hand, timeout_in=3)
    with pytest.raises(SignInRequired, match="The sign-in in the browser was not completed"):
        runner.run(lambda: app.get_token("graph"))
    hand.check()
    assert entra.token_requests == []


def test_the_second_sign_in_is_silent_in_the_browser(runner: Runner, entra: Emulator, chromium: Chromium) -> None:
    """Single sign-on: another program is signed in without a page; with prompt=select_account the person is asked."""

    def first(page: Chromium) -> None:
        enter(page, OTTO)
        page.sees("You are signed in.")

    def asked(page: Chromium) -> None:
        page.sees("Pick an account")
        page.press(OTTO)
        page.sees("You are signed in.")

    ways: list[tuple[Callable[[Chromium], None], str]] = [
        (first, ""),
        (lambda page: page.sees("You are signed in."), ""),
        (asked, "select_account"),
    ]
    for act, prompt in ways:
        hand = Hand(chromium, act)
        app = client(runner, entra, hand, prompt=prompt)
        token = runner.run(lambda: app.get_token("graph"))  # noqa: B023
        hand.check()
        assert decode(token.token).claims["upn"] == OTTO
