"""Azure AD B2C: user flows by name and by URL, their tokens, their pages, and their refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from entra_emulator import Emulator
from entra_emulator.model import Grant, UserFlow

TENANT = "northwindpartner.onmicrosoft.com"
HOST = "https://northwindpartner.b2clogin.com"
AUTOMATION = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b01"
TOOL = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
READ = "https://northwindpartner.onmicrosoft.com/orders/read"
OTTO = "otto@northwind-partner.example"
REDIRECT = "http://localhost:5000/"
VERIFIER = "v" * 43
Form = dict[str, str | None]


class Flow:
    """A client of one user flow, in a browser with cookies."""

    def __init__(self, entra: Emulator, browser: httpx.Client, base: str) -> None:
        self.entra, self.browser, self.base = entra, browser, base

    def post(self, **form: str | None) -> httpx.Response:
        usual: Form = {"client_id": TOOL, **form}
        fields = {name: text for name, text in usual.items() if text is not None}
        return self.browser.post(f"{self.base}/oauth2/v2.0/token", data=fields)

    def refused(self, **form: str | None) -> tuple[int, str, str]:
        """Status, OAuth error and code of a token request that is refused, checked for the form of its description."""
        answer = self.post(**form)
        body = answer.json()
        assert list(body) == ["error", "error_description"]
        found = re.fullmatch(
            r"AADB2C(\d{5}): .+\r\nCorrelation ID: [0-9a-f-]{36}\r\nTimestamp: [0-9-]{10} [0-9:]{8}Z\r\n",
            body["error_description"],
        )
        assert found, body
        return answer.status_code, body["error"], found[1]

    def authorize(self, **change: str | None) -> httpx.Response:
        usual: Form = {
            "client_id": TOOL,
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": f"openid offline_access {TOOL}",
            "state": "the-state",
            "nonce": "the-nonce",
            **change,
        }
        query = {name: text for name, text in usual.items() if text is not None}
        return self.browser.get(f"{self.base}/oauth2/v2.0/authorize", params=query)

    def answer(self, page: httpx.Response, choice: str, **fields: str) -> httpx.Response:
        """Press a button of a page."""
        token = re.search(r'name="flow" value="([^"]+)', page.text)
        action = re.search(r'<form method="post" action="([^"]+)', page.text)
        assert token, page.text
        assert action, page.text
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.base))
        return self.browser.post(origin + action[1], data={"flow": token[1], "choice": choice, **fields})

    def sign_in(self, username: str = OTTO, **change: str | None) -> dict[str, str]:
        return came(self.answer(self.authorize(**change), "sign-in", username=username, password="emulator"))

    def redeem(self, code: str, **form: str | None) -> httpx.Response:
        return self.post(**{"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, **form})

    def tokens(self, **form: str | None) -> dict[str, Any]:
        body: dict[str, Any] = self.redeem(self.sign_in()["code"], **form).json()
        return body

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a token, checked with the keys that the flow publishes."""
        keys = KeySet.import_key_set(self.browser.get(f"{self.base}/discovery/v2.0/keys").json())
        return dict(jwt.decode(token, keys).claims)


def came(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    return dict(parse_qsl(parts.query or parts.fragment))


@pytest.fixture
def make(entra: Emulator, proxied: httpx.Client) -> Callable[..., Flow]:
    def flow(name: str = "B2C_1_susi", base: str = f"{HOST}/{TENANT}") -> Flow:
        return Flow(entra, proxied, f"{base}/{name}")

    return flow


@pytest.fixture
def susi(make: Callable[..., Flow]) -> Flow:
    """The flow to sign in, at the tenant's host."""
    return make()


@pytest.fixture
def orders(entra: Emulator) -> str:
    """An API of the tenant, to which the tool has the permission `read`; its scope."""
    entra.state.apps[ORDERS].identifier_uris.append(READ.rpartition("/")[0])
    entra.state.default_tenant.grants.append(Grant(TOOL, ORDERS, scopes=["read"]))
    return READ


def test_the_document_of_a_flow_names_its_own_endpoints(susi: Flow, entra: Emulator) -> None:
    document = susi.browser.get(f"{susi.base}/v2.0/.well-known/openid-configuration").json()
    base = f"{HOST}/{TENANT}/b2c_1_susi"
    assert document["issuer"] == f"{HOST}/{entra.state.default_tenant.id}/v2.0/"
    assert {name: document[name] for name in document if name.endswith(("_endpoint", "_uri"))} == {
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
    }
    (key, *_) = susi.browser.get(document["jwks_uri"]).json()["keys"]
    assert list(key) == ["kid", "use", "kty", "e", "n"]


@pytest.mark.parametrize(
    "path",
    [
        f"/{TENANT}/b2c_1_SUSI/oauth2/v2.0/token",
        f"/tfp/{TENANT}/B2C_1_susi/oauth2/v2.0/token",
        f"/{TENANT}/oauth2/v2.0/token?p=b2c_1_susi",
        "/3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e01/B2C_1_susi/oauth2/v2.0/token",
    ],
)
def test_every_path_of_a_flow_is_served(proxied: httpx.Client, path: str) -> None:
    answer = proxied.post(HOST + path, data={"client_id": TOOL, "grant_type": "device_code"})
    assert (answer.status_code, answer.json()["error_description"][:11]) == (400, "AADB2C90086")


@pytest.mark.parametrize(
    "url",
    [
        f"{HOST}/{TENANT}/B2C_1_other/oauth2/v2.0/token",
        f"{HOST}/tailwindbakery.onmicrosoft.com/B2C_1_susi/oauth2/v2.0/token",
        f"{HOST}/{TENANT}/oauth2/v2.0/token",
        f"{HOST}/common/oauth2/v2.0/token",
        f"https://tailwindbakery.b2clogin.com/{TENANT}/B2C_1_susi/oauth2/v2.0/token",
        f"https://login.microsoftonline.com/{TENANT}/B2C_1_susi/oauth2/v2.0/token",
        f"https://northwindpartner.ciamlogin.com/{TENANT}/B2C_1_susi/oauth2/v2.0/token",
    ],
)
def test_other_flows_tenants_and_hosts_get_404(proxied: httpx.Client, url: str) -> None:
    assert proxied.post(url, data={"client_id": TOOL, "grant_type": "client_credentials"}).status_code == 404


def test_a_sign_in_gives_the_tokens_of_a_user_flow(susi: Flow, entra: Emulator, orders: str) -> None:
    entra.state.default_tenant.users[1].given_name = ""
    back = susi.sign_in(scope=f"openid offline_access {orders}", client_info="1")
    assert list(back) == ["state", "code", "client_info"]
    body = susi.redeem(back["code"], client_info="1").json()
    assert list(body) == [
        "access_token",
        "id_token",
        "token_type",
        "not_before",
        "expires_in",
        "expires_on",
        "resource",
        "id_token_expires_in",
        "profile_info",
        "scope",
        "refresh_token",
        "refresh_token_expires_in",
        "client_info",
    ]
    assert (body["resource"], body["expires_in"], body["refresh_token_expires_in"]) == (ORDERS, 3600, 14 * 86400)
    access, identity = susi.claims(body["access_token"]), susi.claims(body["id_token"])
    user, now = entra.state.default_tenant.users[1], access["iat"]
    assert access == {
        "iss": f"{HOST}/{entra.state.default_tenant.id}/v2.0/",
        "exp": now + 3600,
        "nbf": now,
        "aud": ORDERS,
        "sub": user.id,
        "oid": user.id,
        "name": "Otto Falk",
        "family_name": "Falk",
        "emails": [OTTO],
        "tfp": "B2C_1_susi",
        "nonce": "the-nonce",
        "scp": "read",
        "azp": TOOL,
        "ver": "1.0",
        "iat": now,
    }
    assert (identity["aud"], identity["nonce"], identity["tfp"]) == (TOOL, "the-nonce", "B2C_1_susi")
    assert abs(identity["auth_time"] - now) < 60


def test_settings_of_a_flow_change_its_tokens(make: Callable[..., Flow], entra: Emulator) -> None:
    entra.state.default_tenant.user_flows.append(
        UserFlow(
            "B2C_1A_old",
            claims=["emails"],
            issuer_with_policy=True,
            policy_claim="acr",
            sub_supported=False,
            token_life_in=600,
        )
    )
    old = make("B2C_1A_old")
    body = old.tokens()
    claims = old.claims(body["id_token"])
    assert claims["iss"] == f"{HOST}/tfp/{entra.state.default_tenant.id}/b2c_1a_old/v2.0/"
    assert claims["iss"] == old.browser.get(f"{old.base}/v2.0/.well-known/openid-configuration").json()["issuer"]
    assert (claims["acr"], claims["sub"]) == ("b2c_1a_old", "Not supported currently. Use oid claim.")
    assert not {"tfp", "name", "oid"} & claims.keys()
    assert body["expires_in"] == claims["exp"] - claims["iat"] == 600


def test_by_url_and_at_a_custom_domain(make: Callable[..., Flow], entra: Emulator) -> None:
    entra.state.default_tenant.custom_domains.append("login.northwind.test")
    for origin in (entra.authority, "https://login.northwind.test"):
        flow = make(base=f"{origin}/{TENANT}")
        claims = flow.claims(flow.tokens()["access_token"])
        assert claims["iss"] == f"{origin}/{entra.state.default_tenant.id}/v2.0/"
        assert claims["aud"] == TOOL
        flow.browser.cookies.clear()


def test_without_a_resource_there_is_no_access_token(susi: Flow) -> None:
    body = susi.redeem(susi.sign_in(scope="openid offline_access")["code"]).json()
    assert "access_token" not in body
    assert {"id_token", "refresh_token", "id_token_expires_in"} <= body.keys()


def test_a_refresh_token_is_bound_to_its_flow(susi: Flow, make: Callable[..., Flow], orders: str) -> None:
    refresh = susi.tokens()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    body = susi.post(**form, scope=f"{orders} offline_access").json()
    assert susi.claims(body["access_token"])["scp"] == "read"
    assert body["refresh_token"] != refresh
    assert susi.post(**form).status_code == 200, "the old one stays valid"
    assert make("B2C_1_reset").refused(**form) == (400, "invalid_grant", "90088")
    description = make("B2C_1_reset").post(**form).json()["error_description"]
    assert "Actual Value : B2C_1_susi and Expected Value : B2C_1_reset\r\n" in description


def test_tokens_and_codes_of_entra_and_b2c_are_not_exchanged(
    susi: Flow, entra: Emulator, ask: Callable[..., httpx.Response]
) -> None:
    of_entra = entra.sign_in(OTTO, TOOL)
    assert susi.refused(grant_type="refresh_token", refresh_token=of_entra) == (400, "invalid_grant", "90085")
    refresh, code = susi.tokens()["refresh_token"], came(susi.authorize())["code"]
    for form in ({"refresh_token": refresh}, {"code": code, "redirect_uri": REDIRECT}):
        grant_type = "refresh_token" if "refresh_token" in form else "authorization_code"
        answer = ask(client_id=TOOL, client_secret=None, grant_type=grant_type, **form)
        assert answer.json()["error_codes"] == [9002313]


def test_the_life_of_a_refresh_token(susi: Flow, entra: Emulator) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": susi.tokens()["refresh_token"]}
    entra.clock.advance(14 * 86400)
    assert susi.refused(**form) == (400, "invalid_grant", "90080")


def test_a_sign_in_ends_after_the_sliding_window(susi: Flow, entra: Emulator) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": susi.tokens()["refresh_token"]}
    for _ in range(9):
        entra.clock.advance(10 * 86400 - 60)
        form["refresh_token"] = susi.post(**form).json()["refresh_token"]
    entra.clock.advance(3600)
    assert susi.refused(**form) == (400, "invalid_grant", "90080")


def test_revoked_and_removed_users(susi: Flow, entra: Emulator) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": susi.tokens()["refresh_token"]}
    user = entra.state.default_tenant.users[1]
    user.tokens_valid_from = entra.clock.now() + 1
    assert susi.refused(**form) == (400, "invalid_grant", "90129")
    entra.state.default_tenant.users.remove(user)
    assert susi.refused(**form) == (400, "invalid_grant", "90128")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"code": None}, ("invalid_request", "90083")),
        ({"code": "unknown"}, ("invalid_grant", "90085")),
        ({"redirect_uri": "http://localhost:5000/other"}, ("invalid_request", "90006")),
        ({"client_id": None}, ("invalid_request", "90008")),
        ({"client_id": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1bff"}, ("unauthorized_client", "90018")),
        ({"client_secret": "x"}, ("invalid_request", "90084")),
        ({"client_id": AUTOMATION}, ("invalid_request", "90079")),
        ({"client_id": AUTOMATION, "client_secret": "wrong"}, ("invalid_request", "90081")),
        ({"grant_type": None}, ("invalid_request", "90083")),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, ("unsupported_grant_type", "90086")),
        ({"code_verifier": "x" * 43}, ("invalid_grant", "90182")),
        ({"code_verifier": None}, ("invalid_grant", "90182")),
        ({"code_verifier": "short"}, ("invalid_grant", "90183")),
        ({"scope": "https://northwindpartner.onmicrosoft.com/none/read"}, ("invalid_request", "90117")),
        ({"scope": "https://graph.microsoft.com/User.Read"}, ("invalid_request", "90117")),
        ({"scope": "User.Read"}, ("invalid_request", "90055")),
        ({"scope": f"{READ} {TOOL}"}, ("invalid_request", "90146")),
        ({"scope": "api://northwind-orders/none"}, ("unauthorized_client", "90205")),
    ],
)
def test_refused_redemptions(susi: Flow, change: Form, expected: tuple[str, str]) -> None:
    code = susi.sign_in(code_challenge=VERIFIER)["code"]
    usual: Form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    assert susi.refused(**{**usual, "code": code, **change}) == (400, *expected)


def test_a_code_is_good_once_for_ten_minutes_and_for_its_flow(
    susi: Flow, make: Callable[..., Flow], entra: Emulator
) -> None:
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code": susi.sign_in()["code"]}
    assert make("B2C_1_reset").refused(**form) == (400, "invalid_grant", "90088")
    assert susi.post(**form).status_code == 200
    assert susi.refused(**form) == (400, "invalid_grant", "90080")
    form["code"] = came(susi.authorize())["code"]
    entra.clock.advance(600)
    assert susi.refused(**form) == (400, "invalid_grant", "90080")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"response_type": None}, "90083"),
        ({"response_type": "none"}, "90013"),
        ({"response_mode": "post"}, "90014"),
        ({"prompt": "maybe"}, "90043"),
        ({"prompt": "none"}, "90077"),
        ({"scope": None}, "90010"),
        ({"scope": "offline_access"}, "90115"),
        ({"scope": "User.Read"}, "90055"),
        ({"response_type": "id_token"}, "90057"),
        ({"code_challenge": VERIFIER, "code_challenge_method": "S512"}, "90184"),
    ],
)
def test_refused_authorization_requests(susi: Flow, change: Form, code: str) -> None:
    back = came(susi.authorize(**change))
    assert (back["error_description"][:11], back["state"]) == (f"AADB2C{code}", "the-state")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"client_id": None}, 90008),
        ({"client_id": "x"}, 90018),
        ({"redirect_uri": "https://evil.example"}, 90006),
        ({"client_id": ORDERS}, 90007),
    ],
)
def test_errors_that_must_not_go_to_the_redirect_uri(susi: Flow, change: Form, code: int) -> None:
    page = susi.authorize(**change)
    assert page.status_code == 400
    assert f"AADB2C{code}" in page.text


def test_the_user_cancels_or_has_forgotten_the_password(susi: Flow) -> None:
    for choice, code in (("cancel", "90091"), ("reset", "90118")):
        back = came(susi.answer(susi.authorize(), choice))
        assert (back["error"], back["error_description"][:12]) == ("access_denied", f"AADB2C{code}:")
        assert back["state"] == "the-state"


def test_a_wrong_password_stays_on_the_page(susi: Flow) -> None:
    page = susi.answer(susi.authorize(), "sign-in", username=OTTO, password="wrong")
    assert "AADB2C90225" in page.text
    assert came(susi.answer(page, "sign-in", username=OTTO, password="emulator"))["code"]


def test_the_session_of_the_browser_serves_all_flows_until_sign_out(susi: Flow, make: Callable[..., Flow]) -> None:
    susi.sign_in()
    assert came(susi.authorize(prompt="none"))["code"]
    assert susi.authorize(prompt="login").status_code == 200
    out = susi.browser.get(
        f"{susi.base}/oauth2/v2.0/logout", params={"post_logout_redirect_uri": REDIRECT, "state": "s"}
    )
    assert out.headers["location"] == f"{REDIRECT}?state=s"
    assert susi.authorize().status_code == 200


def test_a_password_is_reset_in_a_flow_of_its_own(susi: Flow, make: Callable[..., Flow]) -> None:
    reset = make("B2C_1_reset")
    back = came(reset.answer(reset.authorize(), "new-password", username=OTTO, password="another"))
    claims = reset.claims(reset.redeem(back["code"]).json()["id_token"])
    assert claims["tfp"] == "B2C_1_reset"
    susi.browser.cookies.clear()
    page = susi.answer(susi.authorize(), "sign-in", username=OTTO, password="emulator")
    assert came(susi.answer(page, "sign-in", username=OTTO, password="another"))["code"]


def test_a_flow_may_reset_the_password_itself(susi: Flow, entra: Emulator) -> None:
    entra.state.default_tenant.user_flows[0].reset_by_error = False
    page = susi.answer(susi.authorize(), "reset", username=OTTO)
    page = susi.answer(page, "new-password", username="nobody@example.com", password="another")
    assert "AADB2C90225" in page.text
    assert came(susi.answer(page, "new-password", username=OTTO, password="another"))["code"]


@pytest.mark.parametrize("username", ["", " ", "guest@partner.example"])
def test_only_a_local_account_gets_a_new_password(susi: Flow, entra: Emulator, username: str) -> None:
    """Neither whichever user has no email address, nor a guest, whose password is another tenant's."""
    tenant = entra.state.default_tenant
    tenant.user_flows[0].reset_by_error = False
    nadia, otto = tenant.users[:2]
    nadia.mail, otto.mail, otto.home = "", "guest@partner.example", "partner"
    page = susi.answer(susi.answer(susi.authorize(), "reset"), "new-password", username=username, password="another")
    assert "AADB2C90225" in page.text
    assert {user.password for user in tenant.users} == {"emulator"}


def test_a_flow_that_resets_by_error_does_not_take_a_new_password(susi: Flow, entra: Emulator) -> None:
    page = susi.answer(susi.authorize(), "new-password", username=OTTO, password="another")
    assert "AADB2C90225" in page.text
    assert entra.state.default_tenant.users[1].password == "emulator"


def test_implicit_and_hybrid_responses(susi: Flow, entra: Emulator) -> None:
    app = entra.state.apps[TOOL]
    app.id_tokens = app.access_tokens = True
    back = susi.sign_in(response_type="code id_token token")
    claims = susi.claims(back["id_token"])
    assert {"c_hash", "at_hash", "nonce"} <= claims.keys()
    assert susi.claims(back["access_token"])["aud"] == TOOL
    assert came(susi.authorize(response_type="id_token", scope=TOOL))["error_description"][:11] == "AADB2C90110"
    assert came(susi.authorize(response_type="token", scope="openid"))["error_description"][:11] == "AADB2C90055"


def test_a_single_page_application_needs_a_challenge(susi: Flow, entra: Emulator) -> None:
    entra.state.apps[TOOL].spa_redirect_uris = ["https://app.example/"]
    back = came(susi.authorize(redirect_uri="https://app.example/"))
    assert back["error_description"][:11] == "AADB2C99059"
    found = susi.sign_in(redirect_uri="https://app.example/", code_challenge=VERIFIER)
    assert susi.redeem(found["code"], redirect_uri="https://app.example/", code_verifier=VERIFIER).status_code == 200


def test_a_password_grant_needs_its_flow_and_a_public_client(susi: Flow, make: Callable[..., Flow]) -> None:
    form = {"grant_type": "password", "username": OTTO, "password": "emulator", "response_type": "token id_token"}
    ropc, scope = make("B2C_1_ropc"), f"openid {TOOL} offline_access"
    body = ropc.post(**form, scope=scope).json()
    assert ropc.claims(body["access_token"])["tfp"] == "B2C_1_ropc"
    assert ropc.post(grant_type="refresh_token", refresh_token=body["refresh_token"]).status_code == 200
    assert ropc.refused(**{**form, "password": "wrong"}, scope=scope) == (400, "access_denied", "90225")
    assert ropc.refused(**{**form, "username": "nobody"}, scope=scope) == (400, "access_denied", "90225")
    assert ropc.refused(**{**form, "password": None}, scope=scope) == (400, "invalid_request", "90083")
    assert ropc.refused(**form, client_id=AUTOMATION, scope=scope) == (400, "unauthorized_client", "90224")
    assert susi.refused(**form, scope=scope) == (400, "unsupported_grant_type", "90086")
    assert "AADB2C90013" in ropc.authorize().text


def test_client_credentials_give_the_roles_in_scp(susi: Flow, entra: Emulator) -> None:
    entra.state.default_tenant.grants.append(Grant(AUTOMATION, ORDERS, roles=["app.write", "app.read"]))
    secret = entra.state.apps[AUTOMATION].secrets[0].value
    form: Form = {"grant_type": "client_credentials", "client_id": AUTOMATION, "client_secret": secret}
    body = susi.post(**form, scope="api://northwind-orders/.default").json()
    assert list(body) == ["access_token", "token_type", "not_before", "expires_in", "expires_on", "resource"]
    claims = susi.claims(body["access_token"])
    assert (claims["aud"], claims["azp"]) == (ORDERS, AUTOMATION)
    assert claims["scp"].split() == ["Orders.Read.All", "app.read", "app.write"]
    assert not {"emails", "name", "roles"} & claims.keys()
    refused = {
        "https://graph.microsoft.com/.default": "90117",
        "api://northwind-orders/app.read": "90117",
        AUTOMATION: "90117",
    }
    for scope, code in refused.items():
        assert susi.refused(**form, scope=scope)[2] == code
    assert susi.refused(**{**form, "client_id": TOOL, "client_secret": "x"})[2] == "90058"


def test_a_secret_may_come_in_a_basic_header(susi: Flow, entra: Emulator) -> None:
    who = httpx.BasicAuth(AUTOMATION, entra.state.apps[AUTOMATION].secrets[0].value)
    form = {"grant_type": "client_credentials", "scope": "api://northwind-orders/.default"}
    assert susi.browser.post(f"{susi.base}/oauth2/v2.0/token", data=form, auth=who).status_code == 200


def test_a_parameter_that_occurs_twice_is_refused(susi: Flow) -> None:
    answer = susi.browser.post(
        f"{susi.base}/oauth2/v2.0/token",
        content=b"client_id=1&client_id=2",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status_code, answer.json()["error_description"][:6]) == (400, "AADB2C")
