"""Sign-out: the session's end, the way back, and the logout URLs of the applications (front-channel logout).

Sources: OpenID Connect RP-Initiated Logout 1.0 section 2, Front-Channel Logout 1.0 section 3.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.model import App

OTTO = "otto@northwind-partner.example"
HERE = "https://app.example/signed-out"


def sign_in(entra: Emulator, http: httpx.Client, app: App, **given: str) -> dict[str, str]:
    """Sign in by page, or by the session that the browser has; what came back to the application."""
    usual = {"client_id": app.id, "response_type": "id_token", "scope": "openid", "nonce": "n"}
    path = f"{entra.authority}/{entra.state.default_tenant.id}"
    page = http.get(f"{path}/oauth2/v2.0/authorize?{urlencode({**usual, **given})}")
    if page.status_code == 200:
        token = re.search(r'name="flow" value="([^"]+)', page.text)
        assert token
        form = {"flow": token[1], "choice": "sign-in", "username": OTTO, "password": "emulator"}
        page = http.post(f"{path}/login", data=form)
    return dict(parse_qsl(urlsplit(page.headers["location"]).fragment))


def web_app(entra: Emulator, name: str, logout_url: str = "") -> App:
    app = entra.add_app(name, redirect_uris=[HERE], id_tokens=True, logout_url=logout_url)
    entra.grant(app, "graph", scopes=["User.Read"])
    return app


@pytest.fixture
def sign_out(entra: Emulator, http: httpx.Client) -> Callable[..., httpx.Response]:
    def send(method: str = "GET", path: str = "oauth2/v2.0/logout", **given: str) -> httpx.Response:
        url = f"{entra.authority}/common/{path}"
        return http.post(url, data=given) if method == "POST" else http.get(url, params=given)

    return send


def frames(page: httpx.Response) -> list[str]:
    return [html.unescape(url) for url in re.findall(r'<iframe[^>]* src="([^"]+)"', page.text)]


def test_every_application_of_the_session_is_signed_out(
    entra: Emulator, http: httpx.Client, claims: Any, sign_out: Callable[..., httpx.Response]
) -> None:
    """A frame for each logout URL with the `sid` of the ID tokens, and no `iss`; the page may load only those."""
    first = web_app(entra, "First", "https://first.example/bye")
    second = web_app(entra, "Second", "https://second.example/bye?from=entra")
    third = web_app(entra, "Third")
    seen = [claims(sign_in(entra, http, app)["id_token"]).get("sid") for app in (first, second, third)]
    assert seen[0] == seen[1]
    assert seen[2] is None  # of an application without a logout URL
    page = sign_out()
    sid = seen[0]
    assert frames(page) == [f"https://first.example/bye?sid={sid}", f"https://second.example/bye?from=entra&sid={sid}"]
    policy = page.headers["content-security-policy"]
    assert "frame-src https://first.example https://second.example;" in policy
    assert frames(sign_out()) == []  # the session is over


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["oauth2/v2.0/logout", "oauth2/logout"])
def test_the_browser_returns_to_the_registered_uri(
    entra: Emulator, http: httpx.Client, sign_out: Callable[..., httpx.Response], method: str, path: str
) -> None:
    """Without logout URLs at once, by GET and by ASP.NET's form; with them when the frames have loaded."""
    app = web_app(entra, "An application")
    sign_in(entra, http, app)
    answer = sign_out(method, path, post_logout_redirect_uri=HERE, state="a b")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{HERE}?state=a+b")
    app.logout_url = "https://app.example/bye"
    sign_in(entra, http, app)
    page = sign_out(method, path, post_logout_redirect_uri=HERE, state="a b")
    assert len(frames(page)) == 1
    assert f'<a id="next" href="{HERE}?state=a+b">' in page.text
    nonce = re.search(r'<script nonce="([^"]+)">', page.text)
    assert nonce
    assert f"script-src 'nonce-{nonce[1]}'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("uri", ["https://evil.example/", "https://app.example/other", "javascript:alert(1)"])
def test_an_unregistered_redirect_uri_is_not_used(
    entra: Emulator, sign_out: Callable[..., httpx.Response], uri: str
) -> None:
    """The page ends the sign-out there."""
    web_app(entra, "An application")
    page = sign_out(post_logout_redirect_uri=uri)
    assert page.status_code == 200
    assert uri not in page.text


def test_another_session_stays_signed_in(
    entra: Emulator, http: httpx.Client, sign_out: Callable[..., httpx.Response]
) -> None:
    """A browser without a session signs nobody out."""
    app = web_app(entra, "An application", "https://app.example/bye")
    sign_in(entra, http, app)
    cookies = dict(http.cookies)
    http.cookies.clear()
    assert frames(sign_out()) == []
    http.cookies.update(cookies)
    assert len(frames(sign_out())) == 1


def test_a_session_has_one_id(entra: Emulator, http: httpx.Client, claims: Any) -> None:
    """`sid` stays while the session lives; a sign-in with a password begins another; `sid` in a request names one."""
    app = web_app(entra, "An application", "https://app.example/bye")
    first = claims(sign_in(entra, http, app)["id_token"])["sid"]
    assert claims(sign_in(entra, http, app)["id_token"])["sid"] == first
    assert claims(sign_in(entra, http, app, prompt="none", sid=first)["id_token"])["sid"] == first
    second = claims(sign_in(entra, http, app, prompt="login")["id_token"])["sid"]
    assert second != first
    refused = sign_in(entra, http, app, prompt="none", sid=first)
    assert refused["error"] == "interaction_required"
    assert "AADSTS160021" in refused["error_description"]
    assert sign_in(entra, http, app, prompt="none", sid=second)["session_state"] == second


def test_a_refresh_keeps_the_session_id(entra: Emulator, http: httpx.Client, ask: Any, claims: Any) -> None:
    """Code and refresh give ID tokens of the session."""
    app = entra.add_app(
        "Web", redirect_uris=[HERE], secret="a-secret-of-this-test", logout_url="https://app.example/bye"
    )
    scope = "https://graph.microsoft.com/User.Read openid offline_access"
    entra.grant(app, "graph", scopes=["User.Read"])
    path = f"{entra.authority}/{entra.state.default_tenant.id}"
    usual = {"client_id": app.id, "response_type": "code", "scope": scope}
    page = http.get(f"{path}/oauth2/v2.0/authorize?{urlencode(usual)}")
    token = re.search(r'name="flow" value="([^"]+)', page.text)
    assert token
    form = {"flow": token[1], "choice": "sign-in", "username": OTTO, "password": "emulator"}
    back = dict(parse_qsl(urlsplit(http.post(f"{path}/login", data=form).headers["location"]).query))
    who = {"client_id": app.id, "client_secret": "a-secret-of-this-test"}
    first = ask(grant_type="authorization_code", code=back["code"], redirect_uri=HERE, **who).json()
    second = ask(grant_type="refresh_token", refresh_token=first["refresh_token"], scope=scope, **who).json()
    assert {claims(one["id_token"])["sid"] for one in (first, second)} == {back["session_state"]}
