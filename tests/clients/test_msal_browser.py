"""msal-browser, unchanged, in headless Chromium: a single-page application and the emulator's own pages."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver.support.wait import WebDriverWait
from tests.support.chromium import TIMEOUT_IN, Chromium
from tests.support.single_page_application import SinglePageApplication

from entra_emulator import Emulator
from entra_emulator.model import App, Grant, Policy
from entra_emulator.resources import ARM as ARM_ID
from entra_emulator.resources import GRAPH as GRAPH_ID

READ = {"scopes": ["https://graph.microsoft.com/User.Read"]}
ARM = {"scopes": ["https://management.azure.com//user_impersonation"]}
PAGE = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b09"
NADIA = "nadia@northwind-partner.example"
OTTO = "otto@northwind-partner.example"
STEP_UP = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
DAY_IN = 86_400


class Visitor:
    """Somebody with the application open in a browser."""

    def __init__(self, entra: Emulator, page: SinglePageApplication, chromium: Chromium) -> None:
        self.entra, self.chromium = entra, chromium
        self._page, self._driver = page, chromium.driver

    def open(self, authority: str = "https://login.microsoftonline.com") -> None:
        """Load the application afresh, with nothing of an earlier visit."""
        tenant = self.entra.state.default_tenant.id
        self._page.config = {
            "auth": {
                "clientId": PAGE,
                "authority": f"{authority}/{tenant}",
                "redirectUri": f"{self._page.url}/redirect",
                "clientCapabilities": ["CP1"],
            },
            "cache": {"cacheLocation": "sessionStorage"},
        }
        self._driver.get(self._page.url)
        self._driver.execute_script("sessionStorage.clear(); localStorage.clear();")
        self.chromium.forget()
        self._driver.get(self._page.url)
        self.wait_for_app()

    def wait_for_app(self) -> Any:
        """Until the application has taken in what it came back with; that."""
        self.chromium.waits_for(f"{self._page.url}/")
        wait = WebDriverWait(self._driver, TIMEOUT_IN, poll_frequency=0.05)
        wait.until(lambda driver: driver.execute_script("return Boolean(window.app)"))
        return self._driver.execute_script("return window.app.back")

    def call(self, name: str, request: dict[str, Any] | None = None) -> Any:
        """Call something of the application's that ends with a value."""
        script = (
            "const done = arguments[2];"
            "Promise.resolve(window.app[arguments[0]](arguments[1])).then(done, (e) => done(String(e)))"
        )
        return self._driver.execute_async_script(script, name, request or {})

    def leave_by(self, name: str, request: dict[str, Any]) -> None:
        """Call something that leads away from the application."""
        self._driver.execute_script("window.app[arguments[0]](arguments[1])", name, request)

    def in_popup(self, name: str, request: dict[str, Any], user: str) -> Any:
        """Call something that opens a window, sign in there, and what the application says then."""
        driver, main = self._driver, self._driver.current_window_handle
        driver.execute_script(
            "window.said = null; window.app[arguments[0]](arguments[1]).then((x) => { window.said = x; })",
            name,
            request,
        )
        wait = WebDriverWait(driver, TIMEOUT_IN, poll_frequency=0.05)
        wait.until(lambda driver: len(driver.window_handles) > 1)
        driver.switch_to.window(next(one for one in driver.window_handles if one != main))
        self.chromium.fill(username=user, password=self.entra.state.settings.password)
        self.chromium.press("Sign in")
        driver.switch_to.window(main)
        return wait.until(lambda driver: driver.execute_script("return window.said"))

    def sign_in(self, user: str) -> Any:
        """The whole sign-in by redirect, as far as its pages ask."""
        self.leave_by("signIn", READ)
        self.chromium.fill(username=user, password=self.entra.state.settings.password)
        self.chromium.press("Sign in")
        if user == NADIA:
            self.chromium.press("Approve")
        return self.wait_for_app()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """One emulator and one browser for the module, because Chromium takes its time to start."""
    with Emulator() as entra:
        page = SinglePageApplication()
        chromium = Chromium(tmp_path_factory.mktemp("chromium"), entra.authority, entra.proxy)
        chromium.driver.set_script_timeout(TIMEOUT_IN)
        home = entra.state.default_tenant
        entra.state.apps[PAGE] = App(
            id=PAGE, name="Northwind Page", tenant=home.id, spa_redirect_uris=[f"{page.url}/redirect", page.url]
        )
        home.grants.append(Grant(app=PAGE, resource=GRAPH_ID, scopes=["User.Read"]))
        home.grants.append(Grant(app=PAGE, resource=ARM_ID, scopes=["user_impersonation"]))
        yield Visitor(entra, page, chromium)
        chromium.close()
        page.close()


@pytest.fixture
def visitor(shared: Visitor) -> Iterator[Visitor]:
    """The shared browser; the emulator's state and log are as at the start."""
    before = copy.deepcopy(vars(shared.entra.state))
    shared.entra.requests.clear()
    yield shared
    vars(shared.entra.state).update(before)


def token_claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def grants(entra: Emulator) -> list[str | None]:
    return [one.grant_type for one in entra.token_requests]


@pytest.mark.parametrize("way", ["by name", "by URL"])
def test_sign_in(visitor: Visitor, way: str) -> None:
    """Code with PKCE: she signs in on the emulator's pages; then cache or refresh token serve."""
    visitor.open(visitor.entra.authority if way == "by URL" else "https://login.microsoftonline.com")
    assert visitor.sign_in(NADIA)["user"] == NADIA
    assert visitor.call("silent", READ)["fromCache"] is True
    other = visitor.call("silent", ARM)
    assert token_claims(other["token"])["amr"] == ["pwd", "mfa"]
    assert grants(visitor.entra) == ["authorization_code", "refresh_token"]


def test_silent_renewal(visitor: Visitor) -> None:
    """A page's refresh token ends after a day; msal-browser then renews in a hidden frame, by the session's cookie."""
    visitor.open()
    visitor.sign_in(OTTO)
    visitor.entra.clock.advance(DAY_IN + 1)
    try:
        renewed = visitor.call("silent", {**READ, "forceRefresh": True})
    finally:
        visitor.entra.clock.advance(-DAY_IN - 1)
    assert renewed.get("user") == OTTO, renewed
    assert renewed["fromCache"] is False
    assert [one.aadsts for one in visitor.entra.token_requests] == [None, 700084, None]
    assert grants(visitor.entra)[-1] == "authorization_code"


def test_an_existing_session(visitor: Visitor) -> None:
    """ssoSilent finds the browser's session in a hidden frame; without one it says login_required."""
    visitor.open()
    nobody = visitor.call("session", READ)
    assert (nobody["error"], nobody["errorCode"]) == ("InteractionRequiredAuthError", "login_required")
    visitor.sign_in(OTTO)
    found = visitor.call("session", {**READ, "loginHint": OTTO})
    assert found.get("user") == OTTO, found


def test_step_up(visitor: Visitor) -> None:
    """A claims challenge is more than the refresh token is good for: she approves a second factor, and it is met."""
    visitor.entra.state.default_tenant.policies.append(Policy("Second factor for c1", "mfa", contexts=["c1"]))
    visitor.open()
    visitor.sign_in(OTTO)
    refused = visitor.call("silent", {**ARM, "claims": STEP_UP})
    assert (refused["error"], refused["subError"]) == ("InteractionRequiredAuthError", "basic_action")
    visitor.leave_by("ask", {**ARM, "claims": STEP_UP})
    visitor.chromium.press("Approve")
    claims = token_claims(visitor.wait_for_app()["token"])
    assert (claims["acrs"], claims["amr"]) == (["c1"], ["pwd", "mfa"])


def test_a_revoked_sign_in(visitor: Visitor) -> None:
    """Sessions are revoked: the silent call fails as InteractionRequiredAuthError, for the page to act on."""
    visitor.open()
    visitor.sign_in(OTTO)
    found = visitor.entra.state.user(OTTO)
    assert found
    found[1].tokens_valid_from = visitor.entra.clock.now() + 1
    refused = visitor.call("silent", {**READ, "forceRefresh": True})
    assert refused["error"] == "InteractionRequiredAuthError", refused


def test_a_popup(visitor: Visitor) -> None:
    """loginPopup: the pages are in a window of their own, which goes when the application has its answer."""
    visitor.open()
    answer = visitor.in_popup("popup", READ, OTTO)
    assert answer.get("user") == OTTO, answer
    assert grants(visitor.entra) == ["authorization_code"]


def test_signing_out(visitor: Visitor) -> None:
    """logoutRedirect ends the browser's session and comes back; the application has no account any more."""
    visitor.open()
    visitor.sign_in(OTTO)
    visitor.leave_by("signOut", {})
    visitor.wait_for_app()
    assert visitor.call("users") == []
    assert visitor.call("session", {**READ, "loginHint": OTTO})["errorCode"] == "login_required"


def test_a_failing_service(visitor: Visitor) -> None:
    """A 503 is asked once more, and the page notices nothing."""
    visitor.open()
    visitor.sign_in(OTTO)
    visitor.entra.inject(status=503)
    assert visitor.call("silent", {**READ, "forceRefresh": True})["user"] == OTTO
    assert [one.status for one in visitor.entra.token_requests] == [200, 503, 200]


def test_a_redirect_uri_of_another_type(visitor: Visitor) -> None:
    """Registered for the web instead of for pages, the code cannot be redeemed by a page: 9002326."""
    app = visitor.entra.state.apps[PAGE]
    app.redirect_uris, app.spa_redirect_uris, app.public = app.spa_redirect_uris, [], True
    visitor.open()
    refused = visitor.sign_in(OTTO)
    assert (refused["error"], refused["errorCode"]) == ("ServerError", "invalid_request")
    assert "AADSTS9002326" in refused["text"]
