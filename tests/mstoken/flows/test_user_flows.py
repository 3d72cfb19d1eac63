"""Tokens from user flows of Azure AD B2C and tenants of External ID, blocking and under asyncio."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.support.runners import Runner
from tests.support.scripted_user import BrowserRedirect, ScriptedUser, form_fields

from entra_emulator import Emulator
from entra_emulator.model import Grant
from mstoken import (
    AgentIdentity,
    AzureCli,
    Browser,
    CallbackAssertion,
    Client,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    CredentialRejected,
    DeviceCode,
    FmiPath,
    ManagedIdentity,
    Misconfigured,
    OnBehalfOf,
    Password,
    RefreshToken,
    SignInRequired,
    TokenRefused,
    UntrustedOrigin,
    UsageError,
    WorkloadIdentity,
)
from mstoken.protocol.cache_key import cache_key
from mstoken.protocol.jwt import decode
from mstoken.stores.memory import memory_stores

TENANT = "northwindpartner.onmicrosoft.com"
TOOL = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
READ = "api://northwind-orders/Orders.Read"
DEFAULT = "api://northwind-orders/.default"
OTTO = "otto@northwind-partner.example"
B2C, CIAM = "https://northwindpartner.b2clogin.com", "https://northwindpartner.ciamlogin.com"
FLOW = f"{B2C}/{TENANT}/B2C_1_susi"


@pytest.fixture(params=["by name", "by URL", "custom domain"])
def base(request: pytest.FixtureRequest, entra: Emulator) -> str:
    """The base of user flows: the tenant's host, the emulator's URL, or a custom domain."""
    entra.state.default_tenant.custom_domains.append("login.northwind.test")
    entra.state.default_tenant.grants.append(Grant(TOOL, ORDERS, scopes=["Orders.Read"]))
    hosts = {"by name": B2C, "by URL": entra.authority, "custom domain": "https://login.northwind.test"}
    return f"{hosts[request.param]}/{TENANT}"


@pytest.fixture
def otto(entra: Emulator) -> Iterator[ScriptedUser]:
    person = ScriptedUser(entra, OTTO)
    yield person
    person.close()


def test_a_browser_sign_in_and_its_renewals(runner: Runner, entra: Emulator, base: str, otto: ScriptedUser) -> None:
    """The browser opens once: the next token comes from the refresh token, which is sent to the same user flow."""
    opened: list[str] = []

    def open_browser(url: str) -> bool:
        opened.append(url)
        return otto.open(url)

    app = runner.client("", TOOL, Browser(open_browser=open_browser), f"{base}/B2C_1_susi")
    first = runner.run(lambda: app.get_token(READ))
    second = runner.run(lambda: app.get_token(READ, fresh=True))
    own = runner.run(lambda: app.get_token(TOOL))
    claims = decode(first.token).claims
    assert (claims["tfp"], claims["scp"], claims["aud"]) == ("B2C_1_susi", "Orders.Read", ORDERS)
    assert first.token != second.token
    assert decode(own.token).claims["aud"] == TOOL
    (url,) = opened
    assert urlsplit(url).path == f"/{TENANT}/B2C_1_susi/oauth2/v2.0/authorize"
    assert dict(parse_qsl(urlsplit(url).query))["scope"].split() == [READ, "openid", "offline_access", "profile"]


def test_an_applications_own_token(runner: Runner, entra: Emulator, base: str) -> None:
    app = entra.state.default_app
    client = runner.client("", app.id, ClientSecret(app.secrets[0].value), f"{base}/B2C_1_susi")
    claims = decode(runner.run(lambda: client.get_token(DEFAULT)).token).claims
    assert (claims["aud"], claims["azp"], claims["scp"]) == (ORDERS, app.id, "Orders.Read.All")
    wrong = runner.client("", app.id, ClientSecret("wrong"), f"{base}/B2C_1_susi")
    with pytest.raises(CredentialRejected, match=r"^AADB2C90081: "):
        runner.run(lambda: wrong.get_token(DEFAULT))


def test_a_password(runner: Runner, entra: Emulator, base: str) -> None:
    """No user realm is requested: the accounts of a user flow are local."""
    app = runner.client("", TOOL, Password(OTTO, "emulator"), f"{base}/B2C_1_ropc")
    assert decode(runner.run(lambda: app.get_token(TOOL)).token).claims["tfp"] == "B2C_1_ropc"
    assert not [request.path for request in entra.requests if "realm" in request.path.lower()]
    wrong = runner.client("", TOOL, Password(OTTO, "wrong"), f"{base}/B2C_1_ropc")
    with pytest.raises(SignInRequired, match=r"^AADB2C90225: "):
        runner.run(lambda: wrong.get_token(TOOL))


@pytest.mark.parametrize(
    ("button", "said"), [("cancel", "^The sign-in was cancelled in the browser"), ("reset", "^AADB2C90118: ")]
)
def test_a_sign_in_that_the_user_leaves(runner: Runner, entra: Emulator, button: str, said: str) -> None:
    """Canceled, or with a forgotten password: the error of the redirect is explained."""

    def leave(url: str) -> bool:
        threading.Thread(target=_press, args=(entra, url, button), daemon=True).start()
        return True

    app = runner.client("", TOOL, Browser(open_browser=leave, timeout_in=20), FLOW)
    with pytest.raises(TokenRefused, match=said) as caught:
        runner.run(lambda: app.get_token(TOOL))
    assert caught.value.error == "access_denied"


def _press(entra: Emulator, url: str, button: str) -> None:
    """Press a button of the flow's first page, and post the response to the program as a browser does."""
    with httpx.Client(verify=ssl.create_default_context(cafile=entra.ca_file), proxy=entra.proxy) as browser:
        page = browser.get(url)
        token = re.search(r'name="flow" value="([^"]+)', page.text)
        action = re.search(r'action="([^"]+)', page.text)
        assert token
        assert action
        back = browser.post(B2C + action[1], data={"flow": token[1], "choice": button})
    form = re.search(r'action="(http://localhost[^"]+)', back.text)
    assert form
    BrowserRedirect(form[1], form_fields(back.text), by_form=True).follow()


def test_a_sign_in_of_one_user_flow_is_not_sent_to_another(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """Tokens and sign-ins are kept apart for each policy and host, and a stored refresh token stays with its own."""
    stores = memory_stores()
    app = runner.client("", TOOL, Browser(open_browser=otto.open, account="otto"), FLOW, stores)
    runner.run(lambda: app.get_token(TOOL))
    sent = len(entra.requests)
    others = {
        f"{B2C}/{TENANT}/B2C_1_reset": TOOL,
        f"{entra.authority}/{TENANT}/B2C_1_susi": TOOL,
        "https://login.microsoftonline.com": "graph",
    }
    for other, scope in others.items():
        stranger = runner.client(TENANT, TOOL, RefreshToken(account="otto"), other, stores)
        with pytest.raises(UntrustedOrigin, match="Its refresh token was not sent to"):
            runner.run(partial(stranger.get_token, scope))
    assert len(entra.requests) == sent
    same = runner.client("", TOOL, RefreshToken(account="otto"), FLOW.replace("/B2C_1_susi", "/b2c_1_SUSI"), stores)
    assert decode(runner.run(lambda: same.get_token(TOOL)).token).claims["tfp"] == "B2C_1_susi"


def test_the_cache_is_apart_for_each_authority() -> None:
    authorities = [
        FLOW,
        f"{B2C}/{TENANT}/B2C_1_reset",
        f"https://login.northwind.test/{TENANT}/B2C_1_susi",
        f"{CIAM}/{TENANT}",
        "https://login.microsoftonline.com",
    ]
    keys = {
        cache_key(Client(TENANT, TOOL, RefreshToken(account="a"), authority).token_request(READ))
        for authority in authorities
    }
    assert len(keys) == len(authorities)
    again = Client("", TOOL, RefreshToken(account="a"), FLOW.replace("B2C_1_susi", "B2C_1_SUSI")).token_request(READ)
    assert cache_key(again) in keys


def test_a_refresh_token_of_another_user_flow(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """Given as a value, it is sent, and B2C's refusal names both flows."""
    app = runner.client("", TOOL, Browser(open_browser=otto.open), FLOW)
    runner.run(lambda: app.get_token(TOOL))
    issued = entra.state.refresh_tokens.issued[-1]
    other = runner.client("", TOOL, RefreshToken(issued), f"{B2C}/{TENANT}/B2C_1_reset")
    with pytest.raises(Misconfigured, match=r"^AADB2C90088: ") as caught:
        runner.run(lambda: other.get_token(TOOL))
    assert issued not in str(caught.value)


def test_a_stored_sign_in_is_renewed(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """B2C issues no access token for OpenID's scopes alone, so the renewal names the application itself."""
    stores = memory_stores()
    app = runner.client("", TOOL, Browser(open_browser=otto.open, account="otto"), FLOW, stores)
    runner.run(lambda: app.get_token(TOOL))
    renewing = runner.client("", TOOL, RefreshToken(account="otto"), FLOW, stores)
    runner.run(renewing.renew_sign_in)
    assert entra.token_requests[-1].scope == f"{TOOL} openid offline_access profile"
    assert entra.token_requests[-1].status == 200


@pytest.mark.parametrize("authority", [CIAM, f"{CIAM}/{TENANT}", "https://login.northwind.test"])
def test_external_id(runner: Runner, entra: Emulator, otto: ScriptedUser, authority: str) -> None:
    """Browser, application, and a wrong secret; the tenant comes from the host, the path, or a setting."""
    tenant = entra.state.default_tenant
    tenant.custom_domains.append("login.northwind.test")
    tenant.grants.append(Grant(TOOL, ORDERS, scopes=["Orders.Read"]))
    named = tenant.id if authority.endswith(".test") else ""
    app = runner.client(named, TOOL, Browser(open_browser=otto.open), authority)
    claims = decode(runner.run(lambda: app.get_token(READ)).token).claims
    assert claims["iss"] == f"https://{tenant.id}.ciamlogin.com/{tenant.id}/v2.0"
    daemon = entra.state.default_app
    own = runner.client(named, daemon.id, ClientSecret(daemon.secrets[0].value), authority)
    assert decode(runner.run(lambda: own.get_token(DEFAULT)).token).claims["roles"] == ["Orders.Read.All"]
    wrong = runner.client(named, daemon.id, ClientSecret("wrong"), authority)
    with pytest.raises(CredentialRejected, match="AADSTS7000215"):
        runner.run(lambda: wrong.get_token(DEFAULT))


def test_a_device_code_of_external_id(runner: Runner, entra: Emulator, otto: ScriptedUser, monkeypatch: Any) -> None:
    monkeypatch.setattr("entra_emulator.login.device.INTERVAL_IN", 1)
    pages: list[str] = []

    def enter(prompt: Any) -> None:
        pages.append(prompt.verification_uri)
        otto.enter_code(prompt.verification_uri, prompt.user_code)

    entra.state.default_tenant.grants.append(Grant(TOOL, ORDERS, scopes=["Orders.Read"]))
    app = runner.client("", TOOL, DeviceCode(enter), CIAM)
    assert decode(runner.run(lambda: app.get_token(READ)).token).claims["scp"] == "Orders.Read"
    assert urlsplit(pages[0]).hostname == "northwindpartner.ciamlogin.com"


ASSERTION = ClientAssertion(CallbackAssertion(lambda: "a.b.c"))


@pytest.mark.parametrize(
    ("credential", "said"),
    [
        (DeviceCode(), "DeviceCode"),
        (OnBehalfOf("a.b.c", ClientSecret("s")), "OnBehalfOf"),
        (ASSERTION, "ClientAssertion"),
        (ClientCertificate("cert.pem"), "ClientCertificate"),
        (ClientKey(lambda data, _: data, b""), "ClientKey"),
        (Browser(client=ASSERTION), "ClientAssertion"),
        (RefreshToken(account="a", client=ClientCertificate("cert.pem")), "ClientCertificate"),
        (FmiPath(ClientSecret("s"), "/a"), "FmiPath"),
        (AgentIdentity(ClientSecret("s"), ORDERS), "AgentIdentity"),
        (ManagedIdentity(), "ManagedIdentity"),
        (WorkloadIdentity("file"), "WorkloadIdentity"),
        (AzureCli(), "AzureCli"),
    ],
)
def test_what_a_user_flow_does_not_have_is_refused_before_a_request(credential: Any, said: str) -> None:
    with pytest.raises(UsageError, match=f"has no tokens for {said}"):
        Client("", TOOL, credential, FLOW)


def test_external_id_takes_no_passwords() -> None:
    with pytest.raises(UsageError, match="External ID accepts no passwords"):
        Client("", TOOL, Password(OTTO, "secret"), CIAM)


@pytest.mark.parametrize(
    ("scopes", "said", "remedy"),
    [
        ((), "No service or scope|No scope was given", "client id"),
        (("openid",), "No scope was given", f"https://{TENANT}/API/PERMISSION"),
        (("graph",), "'graph' is no scope of a user flow", "login.microsoftonline.com|without the authority"),
        (("User.Read",), "'User.Read' is no scope", f"https://{TENANT}/API/PERMISSION"),
        (("https://graph.microsoft.com",), "is no scope", "client id"),
        ((DEFAULT,), "is for an application itself", "api://northwind-orders/PERMISSION"),
        ((ORDERS,), "is no scope", f"client id {TOOL}"),
    ],
)
def test_scopes_that_no_user_flow_has_for_a_user(scopes: tuple[str, ...], said: str, remedy: str) -> None:
    client = Client("", TOOL, Browser(), FLOW)
    with pytest.raises(UsageError, match=said) as caught:
        client.get_token(*scopes)
    assert re.search(remedy, caught.value.remedy)


@pytest.mark.parametrize(
    ("scope", "remedy"),
    [
        (READ, "Did you mean api://northwind-orders/.default?"),
        (
            "https://northwindpartner.onmicrosoft.com/orders",
            "Did you mean https://northwindpartner.onmicrosoft.com/orders/.default?",
        ),
        ("https://northwindpartner.onmicrosoft.com/orders/read", "northwindpartner.onmicrosoft.com/orders/.default?"),
        (TOOL, "API/.default"),
        ("graph", "API/.default"),
        ("openid", f"https://{TENANT}/API/.default"),
    ],
)
def test_scopes_that_no_user_flow_has_for_an_application(scope: str, remedy: str) -> None:
    client = Client("", TOOL, ClientSecret("s"), FLOW)
    with pytest.raises(UsageError) as caught:
        client.get_token(scope)
    assert remedy in caught.value.remedy


def test_an_api_is_called_with_a_named_scope_and_origin(entra: Emulator) -> None:
    app = entra.state.default_app
    client = Client("", app.id, ClientSecret(app.secrets[0].value), FLOW)
    with pytest.raises(UsageError, match="does not tell which token it needs"):
        client.request("GET", "https://orders.northwind.test/orders")


def test_remedies_name_the_authority(entra: Emulator, shell_reader: None, runner: Runner) -> None:
    entra.state.default_tenant.users[1].tokens_valid_from = 0
    app = runner.client("", TOOL, RefreshToken("unknown"), FLOW)
    with pytest.raises(SignInRequired, match=r"^AADB2C90085: ") as caught:
        runner.run(lambda: app.get_token(TOOL))
    assert f"mstoken login --authority {FLOW} --client-id {TOOL}" in caught.value.remedy


def test_a_redirect_is_of_the_flow(entra: Emulator, otto: ScriptedUser) -> None:
    """The emulator's pages are those of the flow, at the tenant's host."""
    query = f"client_id={TOOL}&response_type=code&redirect_uri=http://localhost:1/&scope={TOOL}&state=s"
    back = otto.visit(f"{FLOW}/oauth2/v2.0/authorize?{query}")
    assert isinstance(back, BrowserRedirect)
    assert back.fields["state"] == "s"
