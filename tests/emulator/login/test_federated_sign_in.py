"""Users of a federated domain sign in in a browser: at the AD FS, which sends them back with an assertion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.support.scripted_user import BrowserRedirect, ScriptedUser, form_fields
from tests.support.ws_trust import ANN, federate

from entra_emulator import Emulator

TOOL = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
BACK = "http://localhost:5000"
OTTO = "otto@northwind-partner.example"


@pytest.fixture
def entra(entra: Emulator) -> Emulator:
    federate(entra)
    return entra


@pytest.fixture
def ann(entra: Emulator) -> Iterator[ScriptedUser]:
    """A person with a browser, who knows the password."""
    person = ScriptedUser(entra, ANN)
    yield person
    person.close()


def authorize_url(authority: str, **more: str) -> str:
    asked = {"client_id": TOOL, "response_type": "code", "redirect_uri": BACK, "scope": "openid profile", **more}
    return str(httpx.URL(f"{authority}/organizations/oauth2/v2.0/authorize", params=asked))


@pytest.mark.parametrize(
    "authority", ["by URL", "https://login.microsoftonline.com", "https://login.microsoftonline.us"]
)
@pytest.mark.parametrize("hint", [{}, {"login_hint": ANN}, {"prompt": "login"}])
def test_the_ad_fs_signs_the_user_in(
    entra: Emulator, ann: ScriptedUser, ask: Any, claims: Callable[[str], Any], authority: str, hint: dict[str, str]
) -> None:
    """With the name typed or hinted, under the name or the URL of every cloud; the code is for tokens of the user."""
    base = entra.authority if authority == "by URL" else authority
    redirect = ann.authorize(authorize_url(base, **hint))
    visited = [request.path for request in entra.requests]
    assert "/adfs/ls/" in visited
    assert visited.index("/adfs/ls/") < visited.index("/login.srf")
    form = {"grant_type": "authorization_code", "code": redirect.fields["code"], "redirect_uri": BACK}
    answer = ask("organizations", **form, client_id=TOOL, client_secret=None, scope="openid profile").json()
    assert claims(answer["id_token"])["preferred_username"] == ANN


def at_the_ad_fs(entra: Emulator, http: httpx.Client, **more: str) -> str:
    """The address at the AD FS to which a sign-in with Ann's name leads."""
    answer = http.get(authorize_url(entra.authority, login_hint=ANN, **more))
    assert answer.status_code == 302
    return answer.headers["location"]


def test_the_announced_address_is_served(entra: Emulator, http: httpx.Client) -> None:
    """The AuthURL of user realm discovery leads to a page."""
    url = http.get(f"{entra.authority}/getuserrealm.srf?login={ANN}").json()["AuthURL"]
    page = http.get(url)
    assert (page.status_code, ANN in page.text) == (200, True)
    for changed in (url.replace("wsignin1.0", "wsignout1.0"), url.replace("MicrosoftOnline", "Another")):
        assert http.get(changed).status_code == http.post(changed).status_code == 400


@pytest.mark.parametrize("given", [{"Password": "wrong"}, {"UserName": OTTO}, {"UserName": "nobody@federated.example"}])
def test_who_cannot_sign_in_there(entra: Emulator, http: httpx.Client, given: dict[str, str]) -> None:
    """A wrong password, a user of another domain, nobody: the same words, and nothing is sent to Entra ID."""
    form = {"UserName": ANN, "Password": entra.state.settings.password, **given}
    page = http.post(at_the_ad_fs(entra, http), data=form).text
    assert "Incorrect user ID or password" in page
    assert "wresult" not in page


@pytest.mark.parametrize(
    ("wreply", "allowed"),
    [
        ("https://login.microsoftonline.us/login.srf", True),
        ("https://evil.example/login.srf", False),
        ("http://login.microsoftonline.com/login.srf", False),
        ("https://graph.microsoft.com/login.srf", False),
        ("https://login.microsoftonline.com/elsewhere", False),
    ],
)
def test_an_assertion_goes_to_sign_in_hosts_only(
    entra: Emulator, http: httpx.Client, wreply: str, *, allowed: bool
) -> None:
    parts = urlsplit(at_the_ad_fs(entra, http))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    form = {"UserName": ANN, "Password": entra.state.settings.password}
    page = http.post(f"{entra.authority}{parts.path}", params={**query, "wreply": wreply}, data=form).text
    assert ((f'action="{wreply}"' in page), 'action="https://login.microsoftonline.com/login.srf"' in page) == (
        allowed,
        not allowed,
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda form: form | {"wctx": "another"}, 50058),
        (lambda form: form | {"wresult": ""}, 50008),
        (lambda form: form | {"wresult": form["wresult"].replace(ANN, OTTO)}, 50008),
        (
            lambda form: form | {"wresult": form["wresult"].replace("http://federated.example", "http://x.example")},
            50107,
        ),
    ],
)
def test_what_entra_refuses(
    entra: Emulator, http: httpx.Client, change: Callable[[dict[str, str]], dict[str, str]], code: int
) -> None:
    """A sign-in that is not pending, no assertion, one that was changed, one of an unknown provider."""
    url = at_the_ad_fs(entra, http)
    page = http.post(url, data={"UserName": ANN, "Password": entra.state.settings.password}).text
    form = change(form_fields(page))
    refused = http.post(f"{entra.authority}/login.srf", data=form)
    assert refused.status_code == 400
    assert f"AADSTS{code}:" in refused.text


def test_a_device_code_of_a_federated_user(entra: Emulator, ann: ScriptedUser, http: httpx.Client) -> None:
    """The page for a device's code leads to the AD FS, too."""
    asked = {"client_id": TOOL, "scope": "openid"}
    started = http.post(f"{entra.authority}/organizations/oauth2/v2.0/devicecode", data=asked).json()
    assert "You have signed in" in ann.enter_code(started["verification_uri"], started["user_code"])


def test_managed_users_enter_their_password_on_the_page(entra: Emulator) -> None:
    otto = ScriptedUser(entra, OTTO)
    assert isinstance(otto.visit(authorize_url(entra.authority)), BrowserRedirect)
    assert "/adfs/ls/" not in [request.path for request in entra.requests]
    otto.close()
