"""Consent on the pages: for several APIs at once, for everyone, and at the admin consent endpoints.

Sources: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow and .../v2-admin-consent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from tests.support.scripted_user import BrowserRedirect, ScriptedUser

from entra_emulator import Emulator
from entra_emulator.model import App, RequiredPermissions

NADIA = "nadia@northwind-partner.example"  # an administrator
OTTO = "otto@northwind-partner.example"
HERE = "http://localhost/myapp/permissions"
GRAPH, ARM, VAULT = "https://graph.microsoft.com", "https://management.azure.com", "https://vault.azure.net"
GRAPH_ID = "00000003-0000-0000-c000-000000000000"
EVERYTHING = f"{GRAPH}/User.Read {ARM}/user_impersonation {VAULT}/user_impersonation openid offline_access"
# learn.microsoft.com/graph/permissions-reference
MAIL_SEND_ROLE = "b633e1c5-b582-4048-a93e-9f11b44c7e96"
MAIL_READ_SCOPE = "570282fd-fa5c-430d-a7fd-fc8dc98a9dca"

Ask = Callable[..., httpx.Response]


@pytest.fixture
def app(entra: Emulator) -> App:
    """An application that nobody has consented to."""
    return entra.add_app("Quarterly report", redirect_uris=[HERE], public=True, audience="multiple")


@pytest.fixture
def user(entra: Emulator) -> Iterator[Callable[[str], ScriptedUser]]:
    """Users at their browsers."""
    browsers: list[ScriptedUser] = []

    def make(name: str) -> ScriptedUser:
        browsers.append(ScriptedUser(entra, name))
        return browsers[-1]

    yield make
    for one in browsers:
        one.close()


def authorize_url(entra: Emulator, app: App, **given: str) -> str:
    usual = {"client_id": app.id, "response_type": "code", "redirect_uri": HERE, "scope": EVERYTHING, "state": "12345"}
    return f"{entra.authority}/organizations/oauth2/v2.0/authorize?{urlencode({**usual, **given})}"


def consent_url(entra: Emulator, app: App, path: str = "v2.0/adminconsent", **given: str) -> str:
    usual = {"client_id": app.id, "redirect_uri": HERE, "state": "12345"}
    return f"{entra.authority}/{entra.state.default_tenant.id}/{path}?{urlencode({**usual, **given})}"


def redeem(ask: Ask, app: App, code: str, **form: Any) -> dict[str, Any]:
    usual = {"grant_type": "authorization_code", "code": code, "redirect_uri": HERE}
    answer: dict[str, Any] = ask("organizations", client_id=app.id, client_secret=None, **usual, **form).json()
    return answer


def came(redirect: BrowserRedirect | str) -> dict[str, str]:
    assert isinstance(redirect, BrowserRedirect), redirect
    assert redirect.url.startswith(HERE)
    return redirect.fields


def test_one_page_covers_several_apis(entra: Emulator, app: App, user: Callable[[str], ScriptedUser], ask: Ask) -> None:
    """Each permission is granted, and the code redeems for one API, its refresh token for the others."""
    code = came(user(OTTO).visit(authorize_url(entra, app)))["code"]
    granted = {
        (one.resource, tuple(one.scopes), one.user) for one in entra.state.default_tenant.grants if one.app == app.id
    }
    assert len(granted) == 3
    assert {user for _, _, user in granted} == {OTTO}
    tokens = redeem(ask, app, code, scope=f"{ARM}/user_impersonation")
    assert tokens["scope"] == f"{ARM}/user_impersonation"
    who = {"client_id": app.id, "client_secret": None, "grant_type": "refresh_token"}
    for scope in (f"{GRAPH}/User.Read", f"{VAULT}/user_impersonation"):
        renewed = ask("organizations", refresh_token=tokens["refresh_token"], scope=scope, **who)
        assert renewed.json()["scope"] == scope


@pytest.mark.parametrize(("scope", "code"), [(None, 28003), (f"{GRAPH}/User.Read {ARM}/user_impersonation", 28000)])
def test_a_code_redeems_for_one_api(
    entra: Emulator, app: App, user: Callable[[str], ScriptedUser], ask: Ask, scope: str | None, code: int
) -> None:
    """A code for several APIs needs a scope at the token endpoint, and that scope names one of them."""
    issued = came(user(OTTO).visit(authorize_url(entra, app)))["code"]
    assert redeem(ask, app, issued, scope=scope)["error_codes"] == [code]


@pytest.mark.parametrize(
    ("scope", "listed"),
    [
        (f"{GRAPH}/User.Read {GRAPH}/Mail.Read", ["User.Read", "Mail.Read"]),
        (
            f"{GRAPH}/User.Read {ARM}/user_impersonation",
            ["User.Read (Microsoft Graph)", "user_impersonation (Windows Azure Service Management API)"],
        ),
    ],
)
def test_the_page_lists_the_permissions(
    entra: Emulator, app: App, http: httpx.Client, scope: str, listed: list[str]
) -> None:
    """With their API, if the request is for several."""
    page = http.get(authorize_url(entra, app, scope=scope))
    token = re.search(r'name="flow" value="([^"]+)', page.text)
    assert token
    form = {"flow": token[1], "choice": "sign-in", "username": OTTO, "password": "emulator"}
    page = http.post(f"{entra.authority}/organizations/login", data=form)
    assert re.findall("<li>(.*?)</li>", page.text) == listed


@pytest.mark.parametrize(
    "scope", [f"{GRAPH}/User.Read https://nobody.example/Read", "https://nobody.example/Read openid"]
)
def test_every_api_has_to_exist(entra: Emulator, app: App, user: Callable[[str], ScriptedUser], scope: str) -> None:
    """An unknown API among known ones ends the sign-in with its own error."""
    page = user(OTTO).visit(authorize_url(entra, app, scope=scope))
    assert isinstance(page, str)
    assert "AADSTS500011" in page


def test_an_implicit_access_token_is_for_one_api(
    entra: Emulator, app: App, user: Callable[[str], ScriptedUser]
) -> None:
    """28000 for `token`; an ID token alone may come with several."""
    app.access_tokens = app.id_tokens = True
    assert (
        "AADSTS28000" in came(user(OTTO).visit(authorize_url(entra, app, response_type="token")))["error_description"]
    )
    assert came(user(OTTO).visit(authorize_url(entra, app, response_type="id_token", nonce="n")))["id_token"]


def test_an_administrators_consent_by_scope(entra: Emulator, app: App, user: Callable[[str], ScriptedUser]) -> None:
    """v2.0: the named permissions are granted for everyone, and the response says so."""
    scope = f"{GRAPH}/Calendars.Read {GRAPH}/Mail.Send {ARM}/user_impersonation"
    fields = came(user(NADIA).visit(consent_url(entra, app, scope=scope)))
    tenant = entra.state.default_tenant
    assert fields == {"admin_consent": "True", "tenant": tenant.id, "state": "12345", "scope": scope}
    granted = {one.resource: (one.scopes, one.roles, one.user) for one in tenant.grants if one.app == app.id}
    assert granted[GRAPH_ID] == (["Calendars.Read", "Mail.Send"], [], "")
    assert len(granted) == 2


@pytest.mark.parametrize(
    ("path", "scope"), [("adminconsent", ""), ("v2.0/adminconsent", f"{GRAPH}/.default"), ("adminconsent", "ignored/x")]
)
def test_an_administrators_consent_to_declared_permissions(
    entra: Emulator, app: App, user: Callable[[str], ScriptedUser], ask: Ask, path: str, scope: str
) -> None:
    """Without a scope, and with .default: all declared permissions, those of the application itself included."""
    app.public = False
    app.permissions = [RequiredPermissions(GRAPH_ID, scopes=["Mail.Read"], roles=["Mail.Send", "User.Read.All"])]
    fields = came(user(NADIA).visit(consent_url(entra, app, path, **({"scope": scope} if scope else {}))))
    assert fields["admin_consent"] == "True"
    assert ("scope" in fields) == path.startswith("v2.0")
    secret = "a-secret-of-this-test"
    entra.state.apps[app.id].secrets.append(type(entra.state.default_app.secrets[0])(secret))
    token = ask(grant_type="client_credentials", client_id=app.id, client_secret=secret, scope=f"{GRAPH}/.default")
    assert token.status_code == 200
    assert sorted(entra.issued[-1].claims["roles"]) == ["Mail.Send", "User.Read.All"]


def test_permissions_declared_through_graph(entra: Emulator, app: App, user: Callable[[str], ScriptedUser]) -> None:
    """`requiredResourceAccess`, with Microsoft's ids of the permissions."""
    access = [{"id": MAIL_SEND_ROLE, "type": "Role"}, {"id": MAIL_READ_SCOPE, "type": "Scope"}]
    app.properties["requiredResourceAccess"] = [{"resourceAppId": GRAPH_ID, "resourceAccess": access}]
    came(user(NADIA).visit(consent_url(entra, app, "adminconsent")))
    granted = [one for one in entra.state.default_tenant.grants if one.app == app.id]
    assert sorted((tuple(one.scopes), tuple(one.roles)) for one in granted) == [
        ((), ("Mail.Send",)),
        (("Mail.Read",), ()),
    ]


def test_a_second_consent_grants_nothing_twice(entra: Emulator, app: App, user: Callable[[str], ScriptedUser]) -> None:
    """The page comes again, the grants stay as they are."""
    app.permissions = [RequiredPermissions(GRAPH_ID, scopes=["Mail.Read"], roles=["Mail.Send"])]
    for _ in range(2):
        came(user(NADIA).visit(consent_url(entra, app, "adminconsent")))
    granted = [one for one in entra.state.default_tenant.grants if one.app == app.id]
    assert sorted(name for one in granted for name in (*one.scopes, *one.roles)) == ["Mail.Read", "Mail.Send"]


@pytest.mark.parametrize(("name", "code"), [(NADIA, 65004), (OTTO, 90094)])
def test_a_refused_consent(
    entra: Emulator, app: App, user: Callable[[str], ScriptedUser], name: str, code: int
) -> None:
    """Who declines, and who may not consent: an error with admin_consent beside it, and nothing granted."""
    url = consent_url(entra, app, scope=f"{GRAPH}/User.Read")
    fields = came(user(name).visit(url, cancel=name == NADIA))
    assert (fields["admin_consent"], fields["error"], fields["state"]) == ("True", "consent_required", "12345")
    assert f"AADSTS{code}" in fields["error_description"]
    assert not [one for one in entra.state.default_tenant.grants if one.app == app.id]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"client_id": "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1bff"}, 700016),
        ({"redirect_uri": "https://evil.example/"}, 50011),
        ({"scope": " "}, 900144),
        ({"scope": "User.Read .default"}, 70011),
    ],
)
def test_an_admin_consent_request_with_a_fault(
    entra: Emulator, app: App, http: httpx.Client, change: dict[str, str], code: int
) -> None:
    """The error is shown on a page."""
    answer = http.get(consent_url(entra, app, **{"scope": f"{GRAPH}/User.Read", **change}))
    assert answer.status_code == 400
    assert f"AADSTS{code}" in answer.text


def test_without_a_redirect_uri(entra: Emulator, user: Callable[[str], ScriptedUser]) -> None:
    """The link with nothing but the client id grants the permissions, then ends with 500113: there is no way back."""
    app = entra.add_app("Daemon", secret="a-secret-of-this-test")
    page = user(NADIA).visit(f"{entra.authority}/{entra.state.default_tenant.id}/adminconsent?client_id={app.id}")
    assert isinstance(page, str)
    assert "AADSTS500113" in page
    assert [one.scopes for one in entra.state.default_tenant.grants if one.app == app.id] == [["User.Read"]]


@pytest.mark.parametrize(("name", "granted"), [(NADIA, [""]), (OTTO, [])])
def test_the_prompt_admin_consent(
    entra: Emulator, app: App, user: Callable[[str], ScriptedUser], name: str, granted: list[str]
) -> None:
    """v1.0's prompt=admin_consent grants for everyone, and only an administrator can."""
    url = authorize_url(entra, app, prompt="admin_consent", scope=f"{GRAPH}/User.Read")
    fields = came(user(name).visit(url))
    assert ("code" in fields) == bool(granted)
    assert [one.user for one in entra.state.default_tenant.grants if one.app == app.id] == granted
