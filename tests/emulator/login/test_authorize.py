"""The authorization endpoint: what it checks before any page, and how it answers the application."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from entra_emulator import Emulator

PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
OTTO = "otto@northwind-partner.example"
NADIA = "nadia@northwind-partner.example"
SCOPE = "https://graph.microsoft.com/.default openid offline_access"
VERIFIER = "v" * 43

Authorize = Callable[..., httpx.Response]
Walk = Callable[..., dict[str, str]]


@pytest.fixture
def authorize(entra: Emulator, http: httpx.Client) -> Authorize:
    """GET of the endpoint; None leaves a parameter out."""

    def get(tenant: str = "organizations", **given: str | None) -> httpx.Response:
        usual = {
            "client_id": PUBLIC_APP,
            "response_type": "code",
            "redirect_uri": "http://localhost:5000",
            "scope": SCOPE,
            "state": "the-state",
        }
        query = {name: value for name, value in {**usual, **given}.items() if value is not None}
        return http.get(f"{entra.authority}/{tenant}/oauth2/v2.0/authorize", params=query)

    return get


@pytest.fixture
def walk(entra: Emulator, http: httpx.Client, authorize: Authorize) -> Walk:
    """A user's whole way; gives what came to the redirect URI."""

    def go(user: str = OTTO, **given: str | None) -> dict[str, str]:
        page = authorize(**given)
        for answer in ({"choice": "sign-in", "username": user, "password": "emulator"}, {"factor": "approve"}):
            if page.status_code == 302:
                break
            token = re.search(r'name="flow" value="([^"]+)', page.text)
            action = re.search(r'<form method="post" action="([^"]+)', page.text)
            assert token, page.text
            assert action, page.text
            page = http.post(f"{entra.authority}{action[1]}", data={"flow": token[1], **answer})
        return came(page)

    return go


def came(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    return dict(parse_qsl(parts.query or parts.fragment))


def redeem(ask: Callable[..., httpx.Response], issued: str, **form: Any) -> httpx.Response:
    usual = {"grant_type": "authorization_code", "code": issued, "redirect_uri": "http://localhost:5000"}
    return ask("organizations", client_id=PUBLIC_APP, client_secret=None, **{**usual, **form})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"client_id": None}, 900144),
        ({"client_id": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1bff"}, 700016),
        ({"scope": None}, 900144),
        ({"redirect_uri": "https://evil.example/"}, 50011),
        ({"redirect_uri": "http://localhost:5000/other"}, 50011),
        ({"redirect_uri": "http://localhost.evil.example/"}, 50011),
        ({"redirect_uri": "http://127.0.0.1:5000"}, 50011),
        ({"redirect_uri": "http://localhost:5000/?a=b"}, 50011),
    ],
)
def test_errors_about_the_redirect_uri_are_shown_on_a_page(
    authorize: Authorize, change: dict[str, str | None], code: int
) -> None:
    """An unknown application or redirect URI is never redirected to."""
    answer = authorize(**change)
    assert answer.status_code == 400
    assert f"AADSTS{code}" in answer.text
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("change", "code", "error"),
    [
        ({"response_type": None}, 900144, "invalid_request"),
        ({"response_type": "token"}, 700051, "unsupported_response_type"),
        ({"response_type": "code id_token"}, 700054, "unsupported_response_type"),
        ({"response_mode": "pigeon"}, 70007, "unsupported_response_mode"),
        ({"scope": "a/b a/.default"}, 70011, "invalid_scope"),
        ({"prompt": "none"}, 50058, "login_required"),
        ({"prompt": "none", "sid": "a-session-of-long-ago"}, 160021, "interaction_required"),
        ({"prompt": "please"}, 90023, "invalid_request"),
        ({"prompt": "login consent"}, 90023, "invalid_request"),
        ({"claims": "{nope"}, 90100, "invalid_request"),
        ({"claims": "[]"}, 90100, "invalid_request"),
        ({"code_challenge": "v" * 42}, 501491, "invalid_request"),
        ({"code_challenge": "v" * 129}, 501491, "invalid_request"),
        ({"code_challenge": "v" * 43, "code_challenge_method": "S512"}, 50149, "invalid_request"),
    ],
)
def test_the_applications_mistakes_are_sent_to_its_redirect_uri(
    authorize: Authorize, change: dict[str, str | None], code: int, error: str
) -> None:
    """Errors of the request go to the redirect URI, with the state."""
    back = came(authorize(**change))
    assert (back["error"], back["state"]) == (error, "the-state")
    assert f"AADSTS{code}" in back["error_description"]


@pytest.mark.parametrize(
    "uri", ["http://localhost", "http://localhost:65000", "http://localhost/", "http://LOCALHOST:8400"]
)
def test_the_port_of_localhost_does_not_count(walk: Walk, uri: str) -> None:
    """RFC 8252 section 7.3, and a URI without a path is one with a slash."""
    assert walk(redirect_uri=uri)["code"]


def test_paths_keep_their_letter_case(entra: Emulator, walk: Walk, authorize: Authorize) -> None:
    """Redirect URIs with a path are compared as they are registered."""
    entra.state.apps[PUBLIC_APP].redirect_uris.append("https://app.example/Back")
    assert walk(redirect_uri="https://app.example/Back")["code"]
    assert authorize(redirect_uri="https://app.example/back").status_code == 400


def test_a_code_and_its_answer(walk: Walk, ask: Callable[..., httpx.Response], claims: Any) -> None:
    """The recorded keys in their order; the ID token has the nonce, and its audience is the application."""
    back = walk(nonce="the-nonce")
    answer = redeem(ask, back["code"], client_info="1")
    assert list(answer.json()) == [
        "token_type",
        "scope",
        "expires_in",
        "ext_expires_in",
        "access_token",
        "refresh_token",
        "id_token",
        "client_info",
    ]
    said = claims(answer.json()["id_token"])
    assert (said["aud"], said["nonce"]) == (PUBLIC_APP, "the-nonce")


def test_without_offline_access_there_is_no_refresh_token(walk: Walk, ask: Callable[..., httpx.Response]) -> None:
    """offline_access is what asks for one."""
    code = walk(scope="https://graph.microsoft.com/User.Read")["code"]
    assert "refresh_token" not in redeem(ask, code).json()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": "never-issued"}, 9002313),
        ({"redirect_uri": "http://localhost:5001"}, 500112),
        ({"redirect_uri": None}, 900144),
        ({"code_verifier": "v" * 43}, 50148),
    ],
)
def test_a_code_is_tied_to_its_request(
    walk: Walk, ask: Callable[..., httpx.Response], change: dict[str, str], code: int
) -> None:
    """Another redirect URI, or a verifier where there was no challenge, does not redeem it."""
    answer = redeem(ask, walk()["code"], **change)
    assert answer.json()["error_codes"] == [code]


@pytest.mark.parametrize(("verifier", "code"), [(None, 50148), ("w" * 43, 501481), (VERIFIER, 0)])
def test_pkce_is_enforced(walk: Walk, ask: Callable[..., httpx.Response], verifier: str | None, code: int) -> None:
    """With a challenge the verifier has to come, and to fit."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    issued = walk(code_challenge=challenge, code_challenge_method="S256")["code"]
    answer = redeem(ask, issued, code_verifier=verifier).json()
    assert answer.get("error_codes", [0]) == [code]


def test_a_code_works_once_and_for_ten_minutes(entra: Emulator, walk: Walk, ask: Callable[..., httpx.Response]) -> None:
    """54005 the second time, 70000 when its time is over, 700005 in another tenant."""
    code = walk()["code"]
    assert redeem(ask, code).status_code == 200
    assert redeem(ask, code).json()["error_codes"] == [54005]
    late = walk(prompt="login")["code"]
    entra.clock.advance(601)
    assert redeem(ask, late).json()["error_codes"] == [70000]
    elsewhere = walk(prompt="login")["code"]
    form = {"grant_type": "authorization_code", "code": elsewhere, "redirect_uri": "http://localhost:5000"}
    other = ask("tailwind-bakery.example", client_id=PUBLIC_APP, client_secret=None, **form)
    assert other.json()["error_codes"] == [700005]


def test_single_sign_on_and_out(entra: Emulator, http: httpx.Client, authorize: Authorize, walk: Walk) -> None:
    """The browser's session answers prompt=none; another person's hint, or a sign-out, ends that."""
    walk()
    assert came(authorize(prompt="none"))["code"]
    assert came(authorize(prompt="none", login_hint=NADIA))["error"] == "login_required"
    assert "Sign in" in authorize(prompt="login").text
    http.get(f"{entra.authority}/organizations/oauth2/v2.0/logout")
    assert came(authorize(prompt="none"))["error"] == "login_required"


def test_signing_out_redirects_to_a_registered_uri(entra: Emulator, http: httpx.Client) -> None:
    """post_logout_redirect_uri is followed for a known URI only."""
    url = f"{entra.authority}/organizations/oauth2/v2.0/logout"
    known = http.get(url, params={"post_logout_redirect_uri": "http://localhost:5000", "state": "s"})
    assert known.headers["location"] == "http://localhost:5000/?state=s"
    assert http.get(url, params={"post_logout_redirect_uri": "https://evil.example"}).status_code == 200


def test_silent_errors_name_the_required_interaction(entra: Emulator, authorize: Authorize, walk: Walk) -> None:
    """prompt=none with a session: consent or a second factor missing is interaction_required."""
    from entra_emulator.model import Policy

    walk()
    back = came(authorize(prompt="none", scope="https://graph.microsoft.com/Mail.Read"))
    assert back["error"] == "interaction_required"
    assert "AADSTS65001" in back["error_description"]
    entra.state.default_tenant.policies.append(Policy(name="mfa", require="mfa"))
    back = came(authorize(prompt="none"))
    assert back["error"] == "interaction_required"
    assert "AADSTS50076" in back["error_description"]
    entra.state.default_tenant.policies[-1].require = "block"
    back = came(authorize(prompt="none"))
    assert back["error"] == "interaction_required"
    assert "AADSTS53003" in back["error_description"]


def test_single_page_applications_need_pkce(entra: Emulator, authorize: Authorize) -> None:
    """9002325 for a redirect URI of that kind without a challenge."""
    entra.state.apps[PUBLIC_APP].spa_redirect_uris.append("http://localhost:3000/spa")
    assert "AADSTS9002325" in came(authorize(redirect_uri="http://localhost:3000/spa"))["error_description"]


def test_a_page_of_an_expired_sign_in(entra: Emulator, http: httpx.Client) -> None:
    """A form that belongs to nothing gets an error page, not a crash."""
    answer = http.post(f"{entra.authority}/organizations/login", data={"flow": "nothing", "choice": "sign-in"})
    assert answer.status_code == 400
    assert "AADSTS50058" in answer.text


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("otto@northwind-partner.example", "Managed"),
        ("OTTO@NORTHWIND-PARTNER.EXAMPLE", "Managed"),
        ("ann@fed.example", "Federated"),
        ("ann@unknown.example", "Unknown"),
    ],
)
def test_user_realm(entra: Emulator, http: httpx.Client, name: str, kind: str) -> None:
    """Its path in any letter case, the recorded members in their order."""
    tenant = entra.state.default_tenant
    tenant.domains.append("fed.example")
    tenant.federated_domains.append("fed.example")
    for path in ("common/UserRealm", "common/userrealm", "COMMON/USERREALM"):
        body = http.get(f"{entra.authority}/{path}/{name}?api-version=1.0").json()
        assert body["account_type"] == kind
    middle = {
        "Managed": ["domain_name"],
        "Federated": [
            "domain_name",
            "federation_protocol",
            "federation_metadata_url",
            "federation_active_auth_url",
        ],
        "Unknown": [],
    }
    assert list(body) == ["ver", "account_type", *middle[kind], "cloud_instance_name", "cloud_audience_urn"]


def test_a_session_that_is_too_old(entra: Emulator, authorize: Authorize, walk: Walk) -> None:
    """Sign-in frequency: silently 70044 as interaction_required; with a page, the user name is there already."""
    walk()
    entra.add_policy("sign_in_frequency", resources=["graph"], frequency_in=3600)
    assert came(authorize(prompt="none"))["code"]
    entra.clock.advance(3600)
    back = came(authorize(prompt="none"))
    assert back["error"] == "interaction_required"
    assert "AADSTS70044" in back["error_description"]
    assert f'value="{OTTO}"' in authorize().text
    assert walk()["code"]


def test_terms_that_are_declined(entra: Emulator, http: httpx.Client, authorize: Authorize, walk: Walk) -> None:
    """Terms of use stand between a session and its answer; declining them ends the sign-in, as access_denied."""
    walk()
    entra.add_policy("terms_of_use", resources=["graph"])
    assert "AADSTS50158" in came(authorize(prompt="none"))["error_description"]
    page = authorize()
    assert "terms of use" in page.text
    token = re.search(r'name="flow" value="([^"]+)', page.text)
    assert token
    answer = http.post(f"{entra.authority}/organizations/login", data={"flow": token[1], "terms": "cancel"})
    assert came(answer)["error"] == "access_denied"
