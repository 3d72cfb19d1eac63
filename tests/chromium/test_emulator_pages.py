"""The emulator's pages in a real Chromium: they work by hand and keyboard, and axe-core finds nothing serious."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from tests.support.chromium import Chromium

from entra_emulator import Emulator

OTTO = "otto@northwind-partner.example"
NADIA = "nadia@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
GRAPH = "https://graph.microsoft.com"


def authorize(entra: Emulator, scope: str = f"{GRAPH}/.default openid offline_access", **more: str) -> str:
    query = {
        "client_id": PUBLIC_APP,
        "response_type": "code",
        "redirect_uri": "http://localhost:9",  # nobody listens there; the address is what counts
        "scope": scope,
        "state": "the-state",
        **more,
    }
    return f"{entra.authority}/organizations/oauth2/v2.0/authorize?{urlencode(query)}"


def sign_in(chromium: Chromium, username: str, password: str = "emulator") -> None:
    chromium.sees("Sign in")
    chromium.fill(username=username, password=password)
    chromium.press("Sign in")


def test_the_pages_of_a_sign_in(entra: Emulator, chromium: Chromium) -> None:
    """A wrong password, a denied and an approved second factor; each page passes axe."""
    chromium.visit(authorize(entra))
    assert chromium.faults() == []
    sign_in(chromium, NADIA, "wrong")
    chromium.says("50126")
    assert chromium.faults() == []
    chromium.fill(password="emulator")
    chromium.press("Sign in")
    chromium.sees("Approve sign in request")
    assert chromium.faults() == []
    chromium.press("Deny")
    chromium.says("500121")
    assert chromium.faults() == []


@pytest.mark.parametrize(
    ("user", "heading", "text"),
    [
        (OTTO, "Permissions requested", "Mail.Read"),
        (NADIA, "Permissions requested", "Consent on behalf of your organization"),
    ],
)
def test_the_consent_pages(entra: Emulator, chromium: Chromium, user: str, heading: str, text: str) -> None:
    """People grant for themselves, administrators may for all; the page says who, what and for whom."""
    chromium.visit(authorize(entra, f"{GRAPH}/Mail.Read openid"))
    sign_in(chromium, user)
    if user == NADIA:
        chromium.press("Approve")
    chromium.sees(heading)
    assert text in chromium.text()
    assert user in chromium.text()
    assert chromium.faults() == []


def test_what_only_an_administrator_grants(entra: Emulator, chromium: Chromium) -> None:
    """A page that says so, with the way back to the application."""
    chromium.visit(authorize(entra, f"{GRAPH}/User.Read.All openid"))
    sign_in(chromium, OTTO)
    chromium.sees("Need admin approval")
    assert chromium.faults() == []


def test_an_administrator_grants_for_all(entra: Emulator, chromium: Chromium) -> None:
    """With the box ticked the grant is everybody's."""
    chromium.visit(authorize(entra, f"{GRAPH}/Mail.Read openid"))
    sign_in(chromium, NADIA)
    chromium.press("Approve")
    chromium.sees("Permissions requested")
    chromium.check("for_all")
    chromium.press("Accept")
    chromium.waits_for("http://localhost:9/")
    [grant] = [one for one in entra.state.grants if "Mail.Read" in one.scopes]
    assert grant.user == ""


def test_the_device_pages(entra: Emulator, chromium: Chromium) -> None:
    """Enter the code, sign in, confirm, done; each page passes axe, and a wrong code is told apart."""
    asked = httpx.post(
        f"{entra.authority}/organizations/oauth2/v2.0/devicecode",
        data={"client_id": PUBLIC_APP, "scope": f"{GRAPH}/.default offline_access"},
        verify=_trust(entra),
        trust_env=False,
    ).json()
    chromium.visit(asked["verification_uri"])
    chromium.sees("Enter code")
    assert chromium.faults() == []
    chromium.fill(otc="NOTACODE1")
    chromium.press("Next")
    chromium.says("didn't work")
    assert chromium.faults() == []
    chromium.fill(otc=asked["user_code"].lower())
    chromium.press("Next")
    sign_in(chromium, OTTO)
    chromium.sees("Are you trying to sign in to Northwind Command Line?")
    assert chromium.faults() == []
    chromium.press("Continue")
    chromium.sees("You have signed in to Northwind Command Line")
    assert chromium.faults() == []


def test_a_security_key_and_terms_of_use(entra: Emulator, chromium: Chromium) -> None:
    """What a policy asks for beyond the second factor has pages of its own, which pass axe."""
    entra.find_user(NADIA)[1].methods.append("security_key")
    entra.add_policy("strength", resources=["graph"])
    entra.add_policy("terms_of_use", resources=["graph"])
    chromium.visit(authorize(entra))
    sign_in(chromium, NADIA)
    chromium.press("Approve")
    chromium.sees("Use your security key")
    assert chromium.faults() == []
    chromium.press("Use the key")
    chromium.sees("Northwind Partner terms of use")
    assert chromium.faults() == []
    chromium.press("Accept")
    chromium.waits_for("http://localhost:9/")
    assert "code=" in chromium.url


def test_a_personal_account_where_none_is_wanted(entra: Emulator, chromium: Chromium) -> None:
    """The sign-in page says so and stays, ready for another account."""
    chromium.visit(authorize(entra))
    sign_in(chromium, "robin@outlook.example")
    chromium.says("personal account")
    assert chromium.faults() == []
    sign_in(chromium, OTTO)
    chromium.waits_for("http://localhost:9/")


def test_the_account_picker_and_signing_out(entra: Emulator, chromium: Chromium) -> None:
    """One account and another; after signing out the page asks for a password again."""
    chromium.visit(authorize(entra))
    sign_in(chromium, OTTO)
    chromium.waits_for("http://localhost:9/")
    chromium.visit(authorize(entra, prompt="select_account"))
    chromium.sees("Pick an account")
    assert chromium.faults() == []
    chromium.press("Use another account")
    chromium.sees("Sign in")
    chromium.visit(f"{entra.authority}/organizations/oauth2/v2.0/logout")
    chromium.sees("You signed out of your account")
    assert chromium.faults() == []
    chromium.visit(authorize(entra))
    chromium.sees("Sign in")


def test_an_error_page(entra: Emulator, chromium: Chromium) -> None:
    """A redirect URI that is not registered is never gone to; the page says why."""
    chromium.visit(authorize(entra, redirect_uri="https://evil.example/"))
    chromium.sees("You cannot be signed in")
    assert "50011" in chromium.text()
    assert chromium.faults() == []


@pytest.mark.parametrize("mode", ["query", "fragment"])
def test_the_way_back(entra: Emulator, chromium: Chromium, mode: str) -> None:
    """The answer is in the query or the fragment of the redirect URI, as asked for."""
    chromium.visit(authorize(entra, response_mode=mode))
    sign_in(chromium, OTTO)
    chromium.waits_for("http://localhost:9/")
    parts = urlsplit(chromium.url)
    answer = dict(parse_qsl(parts.fragment if mode == "fragment" else parts.query))
    assert answer["state"] == "the-state"
    assert answer["code"]


def test_the_way_back_by_a_form(entra: Emulator, chromium: Chromium) -> None:
    """form_post: the browser posts the answer to the application by itself, and nothing of it is in an address."""
    from tests.support.token_service import Reply, TokenService

    service = TokenService()
    service.script = [Reply(200, "<!DOCTYPE html><title>App</title><h1>Got it</h1>", {"Content-Type": "text/html"})]
    try:
        chromium.visit(
            authorize(entra, response_mode="form_post", redirect_uri=service.url.replace("127.0.0.1", "localhost"))
        )
        sign_in(chromium, OTTO)
        chromium.sees("Got it")
    finally:
        service.close()
    posted = next(one for one in service.requests if one.method == "POST")
    assert posted.form["state"] == "the-state"
    assert posted.form["code"]
    assert "code" not in chromium.url


def test_a_page_runs_no_script_of_others(entra: Emulator, chromium: Chromium) -> None:
    """Text from the request is shown as text: an application's name with markup does nothing."""
    entra.state.apps[PUBLIC_APP].name = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
    chromium.visit(authorize(entra, login_hint='"><script>document.title="owned"</script>'))
    chromium.sees("Sign in")
    assert "<script>" in chromium.text()
    assert chromium.driver.title == "Sign in to your account"


def _trust(entra: Emulator) -> Any:
    import ssl

    return ssl.create_default_context(cafile=entra.ca_file)
