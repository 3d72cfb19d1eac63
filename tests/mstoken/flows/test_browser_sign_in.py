"""A person signs in with the browser: the whole way, against the emulator's own pages, blocking and under asyncio."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.support.runners import Runner
from tests.support.scripted_user import BrowserRedirect, ScriptedUser
from tests.support.token_service import TokenService, token_reply
from tests.support.unsigned_tokens import id_token, jwt

from entra_emulator import Emulator
from mstoken import (
    AccessBlocked,
    AsyncClient,
    AuthorizationCode,
    Browser,
    Misconfigured,
    SignInRequired,
    TokenRefused,
    UnreadableAnswer,
    UsageError,
)
from mstoken.protocol.jwt import decode
from mstoken.stores.memory import memory_stores

NADIA = "nadia@northwind-partner.example"
OTTO = "otto@northwind-partner.example"
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
CUSTOMER = "3c1b7b9e-5f0a-4d5c-9a52-7d0a4d1c0e02"


def client(runner: Runner, entra: Emulator, credential: Any, **options: Any) -> Any:
    return runner.client("organizations", PUBLIC_APP, credential, entra.authority, **options)


def meanwhile(act: Callable[[str], object]) -> Callable[[str], bool]:
    """A browser that does its part while the flow waits for it."""

    def open_it(url: str) -> bool:
        threading.Thread(target=act, args=(url,), daemon=True).start()
        return True

    return open_it


def page(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False)


def asked_with(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def test_one_sign_in_serves_every_resource_and_tenant(runner: Runner, entra: Emulator, nadia: ScriptedUser) -> None:
    """The browser opens once; further resources, and a customer's tenant, are had from what it left."""
    opened: list[str] = []

    def open_browser(url: str) -> bool:
        opened.append(url)
        return nadia.open(url)

    app = client(runner, entra, Browser(open_browser=open_browser))
    graph = runner.run(lambda: app.get_token("graph"))
    arm = runner.run(lambda: app.get_token("arm"))
    entra.state.tenants[CUSTOMER].grants.append(_grant_of_arm())
    elsewhere = runner.run(lambda: app.get_token("arm", tenant_id=CUSTOMER))
    assert decode(graph.token).claims["upn"] == NADIA
    assert "mfa" in decode(graph.token).claims["amr"]
    assert decode(arm.token).claims["aud"].startswith("https://management.azure.com")
    assert decode(elsewhere.token).claims["tid"] == CUSTOMER
    assert len(opened) == 1


def test_the_request_is_the_documented_one(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """Code with S256, state and nonce of 43 characters, a loopback redirect, offline_access, what was wished for."""
    opened: list[str] = []

    def open_browser(url: str) -> bool:
        opened.append(url)
        return otto.open(url)

    credential = Browser(
        open_browser=open_browser, login_hint=OTTO, domain_hint="northwind-partner.example", prompt="login"
    )
    runner.run(lambda: client(runner, entra, credential).get_token("graph", enable_cae=True))
    sent = asked_with(opened[0])
    assert urlsplit(opened[0]).path == "/organizations/oauth2/v2.0/authorize"
    assert sent["scope"].split() == ["https://graph.microsoft.com/.default", "openid", "offline_access", "profile"]
    assert {name: len(sent[name]) for name in ("state", "nonce", "code_challenge")} == {
        "state": 43,
        "nonce": 43,
        "code_challenge": 43,
    }
    assert len({sent["state"], sent["nonce"], sent["code_challenge"]}) == 3
    assert sent["redirect_uri"].startswith("http://localhost:")
    fixed = ("client_id", "response_type", "response_mode", "code_challenge_method", "login_hint", "prompt", "claims")
    assert [sent[name] for name in fixed] == [
        PUBLIC_APP,
        "code",
        "form_post",
        "S256",
        OTTO,
        "login",
        '{"access_token":{"xms_cc":{"values":["CP1"]}}}',
    ]
    assert sent["domain_hint"] == "northwind-partner.example"


def test_cancelling_on_the_page_ends_the_wait_with_an_error(
    runner: Runner, entra: Emulator, otto: ScriptedUser
) -> None:
    """Cancel on the page ends the wait at once, with an error that says what happened; the page says it too."""
    shown: list[str] = []

    def cancel(url: str) -> None:
        redirect = otto.visit(url, cancel=True)
        assert isinstance(redirect, BrowserRedirect)
        shown.append(redirect.follow().text)

    app = client(runner, entra, Browser(open_browser=meanwhile(cancel)))
    with pytest.raises(TokenRefused) as caught:
        runner.run(lambda: app.get_token("graph"))
    assert caught.value.error == "access_denied"
    assert 65004 in caught.value.codes
    _soon(lambda: shown)
    assert "You are signed in" not in shown[0]


def test_a_redirect_with_another_state_is_ignored(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """Another site's form is not redeemed; the right response, coming later, still is."""
    pages: list[httpx.Response] = []

    def forge_then_come(url: str) -> None:
        redirect = asked_with(url)["redirect_uri"]
        pages.append(httpx.post(redirect, data={"code": "stolen", "state": "guessed"}, trust_env=False))
        pages.append(otto.authorize(url).follow())

    app = client(runner, entra, Browser(open_browser=meanwhile(forge_then_come)))
    token = runner.run(lambda: app.get_token("graph"))
    assert decode(token.token).claims["upn"] == OTTO
    _soon(lambda: len(pages) == 2)
    assert pages[0].status_code == 400
    assert "not expected" in pages[0].text
    assert pages[1].status_code == 200
    assert "You are signed in" in pages[1].text
    assert len([one for one in entra.token_requests if one.grant_type == "authorization_code"]) == 1


def test_a_code_in_the_address_is_not_redeemed(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """The browser posts the code. One that comes in the address, with the right state, is refused with a page."""
    pages: list[httpx.Response] = []

    def come(url: str) -> None:
        pages.append(otto.authorize(url.replace("form_post", "query")).follow())
        pages.append(otto.authorize(url).follow())

    app = client(runner, entra, Browser(open_browser=meanwhile(come)))
    runner.run(lambda: app.get_token("graph"))
    _soon(lambda: len(pages) == 2)
    assert [answer.status_code for answer in pages] == [400, 200]
    assert "It came in the address" in pages[0].text
    assert len([one for one in entra.token_requests if one.grant_type == "authorization_code"]) == 1


@pytest.mark.parametrize("by", ["message", "function"])
def test_a_url_to_copy_has_its_response_in_the_address(
    runner: Runner, entra: Emulator, otto: ScriptedUser, capsys: pytest.CaptureFixture[str], by: str
) -> None:
    """With `paste` and no browser here, the address that you open elsewhere ends at one that you can copy."""
    shown: list[str] = []
    tried: list[str] = []
    show = shown.append if by == "function" else None

    def open_nothing(url: str) -> bool:
        tried.append(url)
        return False

    def come_later() -> None:
        while not (found := shown or re.findall(r"^https://\S+", capsys.readouterr().err, re.MULTILINE)):
            threading.Event().wait(0.01)
        shown[:] = found
        otto.open(found[0])

    threading.Thread(target=come_later, daemon=True).start()
    app = client(runner, entra, Browser(open_browser=open_nothing, paste=True, show=show))
    assert decode(runner.run(lambda: app.get_token("graph")).token).claims["upn"] == OTTO
    assert asked_with(tried[0])["response_mode"] == "form_post"
    assert asked_with(shown[0])["response_mode"] == "query"
    assert asked_with(shown[0])["state"] == asked_with(tried[0])["state"]


def test_the_page_shows_no_secret(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """Neither code nor state are in the page, nothing is loaded from elsewhere, and it is not kept."""
    pages: list[httpx.Response] = []
    responses: list[BrowserRedirect] = []

    def come(url: str) -> None:
        responses.append(otto.authorize(url))
        pages.append(responses[0].follow())

    app = client(runner, entra, Browser(open_browser=meanwhile(come)))
    runner.run(lambda: app.get_token("graph"))
    _soon(lambda: pages)
    secrets = responses[0].fields
    assert {"code", "state"} <= secrets.keys()
    assert not [name for name, value in secrets.items() if value in pages[0].text]
    assert "http://" not in pages[0].text
    assert "https://" not in pages[0].text
    assert pages[0].headers["content-security-policy"].startswith("default-src 'none'")
    assert pages[0].headers["cache-control"] == "no-store"
    assert pages[0].headers["referrer-policy"] == "no-referrer"


def test_the_wait_for_the_browser_ends_at_its_timeout(runner: Runner, entra: Emulator) -> None:
    """When the time is over the wait ends, and the error names the way without a browser."""
    app = client(runner, entra, Browser(open_browser=lambda _: True, timeout_in=0.2))
    with pytest.raises(SignInRequired, match="The sign-in in the browser was not completed") as caught:
        runner.run(lambda: app.get_token("graph"))
    assert "DeviceCode()" in caught.value.remedy
    assert entra.token_requests == []


def test_an_error_of_the_token_endpoint_is_on_the_page(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """A code that cannot be redeemed: the person reads that it failed, the caller why."""
    pages: list[str] = []
    app_record = entra.state.apps[PUBLIC_APP]

    def come(url: str) -> None:
        back = otto.authorize(url)
        app_record.enabled = False
        pages.append(back.follow().text)

    app = client(runner, entra, Browser(open_browser=meanwhile(come)))
    with pytest.raises(TokenRefused) as caught:
        runner.run(lambda: app.get_token("graph"))
    assert caught.value.codes == (7000112,)
    _soon(lambda: pages)
    assert "The sign-in failed" in pages[0]


def test_a_code_works_once(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """An application's own code: redeemed for a token, then refreshed; a second redemption is refused."""
    url = (
        f"{entra.authority}/organizations/oauth2/v2.0/authorize?client_id={PUBLIC_APP}&response_type=code"
        "&redirect_uri=http://localhost:5000&scope=https://graph.microsoft.com/.default%20offline_access&state=s"
    )
    code = otto.authorize(url).fields["code"]
    credential = AuthorizationCode(code, "http://localhost:5000")
    app = client(runner, entra, credential)
    runner.run(lambda: app.get_token("graph"))
    assert decode(runner.run(lambda: app.get_token("arm")).token).claims["upn"] == OTTO
    other = client(runner, entra, credential)
    with pytest.raises(TokenRefused) as caught:
        runner.run(lambda: other.get_token("graph"))
    assert caught.value.codes == (54005,)


def test_a_revoked_sign_in_opens_the_browser_once(
    runner: Runner, entra: Emulator, nadia: ScriptedUser, otto: ScriptedUser
) -> None:
    """After a revocation the next token opens the browser once, and what the new person gets is theirs."""
    people = [nadia, otto]
    stores = memory_stores()
    credential = Browser(open_browser=lambda url: people.pop(0).open(url), account="work")
    first = client(runner, entra, credential, stores=stores)
    runner.run(lambda: first.get_token("graph"))
    runner.run(lambda: first.get_token("arm"))
    found = entra.state.user(NADIA)
    assert found is not None
    found[1].tokens_valid_from = entra.clock.now() + 1
    second = client(runner, entra, credential, stores=stores)
    token = runner.run(lambda: second.get_token("graph", fresh=True))
    assert decode(token.token).claims["upn"] == OTTO
    third = client(runner, entra, credential, stores=stores)
    assert decode(runner.run(lambda: third.get_token("arm")).token).claims["upn"] == OTTO
    assert people == []


def test_many_callers_share_one_browser(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """Several callers of several resources, nobody signed in: one window."""
    opened: list[str] = []

    def open_browser(url: str) -> bool:
        opened.append(url)
        return otto.open(url)

    app = client(runner, entra, Browser(open_browser=open_browser))
    services = iter(["graph", "arm", "graph", "arm"] * 2)
    tokens = runner.gather(lambda: app.get_token(next(services)), 8)
    assert {decode(token.token).claims["upn"] for token in tokens} == {OTTO}
    assert len(opened) == 1


def test_a_user_blocked_by_policy_ends_the_wait_at_its_timeout(
    runner: Runner, entra: Emulator, otto: ScriptedUser
) -> None:
    """A blocked person sees a page that says so, and the program waits no longer than it was told to."""
    from entra_emulator.model import Policy

    entra.state.default_tenant.policies.append(Policy(name="no", require="block"))
    texts: list[Any] = []
    app = client(
        runner, entra, Browser(open_browser=meanwhile(lambda url: texts.append(otto.visit(url))), timeout_in=1.5)
    )
    with pytest.raises((SignInRequired, AccessBlocked)):
        runner.run(lambda: app.get_token("graph"))
    assert "53003" in texts[0]


def test_without_a_browser_the_url_is_shown(
    runner: Runner, entra: Emulator, otto: ScriptedUser, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over SSH nothing can be opened: the URL goes to standard error, or to the caller's own function."""
    seen: list[str] = []

    def show(url: str) -> None:
        seen.append(url)
        otto.open(url)

    app = client(runner, entra, Browser(open_browser=lambda _: False, show=show))
    runner.run(lambda: app.get_token("graph"))
    assert seen[0].startswith(entra.authority)
    assert capsys.readouterr().err == ""
    silent = client(runner, entra, Browser(open_browser=lambda _: False, timeout_in=0.1))
    with pytest.raises(SignInRequired):
        runner.run(lambda: silent.get_token("graph"))
    assert f"{entra.authority}/organizations/oauth2/v2.0/authorize?" in capsys.readouterr().err


def test_an_error_that_entra_shows_on_a_page_ends_at_the_timeout(
    runner: Runner, entra: Emulator, otto: ScriptedUser
) -> None:
    """What Entra says on a page only, it says to the person; the program says that nobody came."""
    texts: list[Any] = []
    open_browser = meanwhile(lambda url: texts.append(otto.visit(url)))
    nobody = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1bff"
    app = runner.client("organizations", nobody, Browser(open_browser=open_browser, timeout_in=1.5), entra.authority)
    with pytest.raises(SignInRequired):
        runner.run(lambda: app.get_token("graph"))
    assert "700016" in texts[0]


def test_an_error_at_the_redirect_uri_has_its_kind(runner: Runner, entra: Emulator, otto: ScriptedUser) -> None:
    """Errors that Entra sends to the redirect URI have their kind: impossible scopes are a misconfiguration."""

    def come(url: str) -> None:
        more = url.replace("%2F.default", "%2F.default+https%3A%2F%2Fgraph.microsoft.com%2FUser.Read")
        otto.authorize(more).follow()

    app = client(runner, entra, Browser(open_browser=meanwhile(come)))
    with pytest.raises(Misconfigured):
        runner.run(lambda: app.get_token("graph"))


def test_sign_in_returns_the_signed_in_user(runner: Runner, entra: Emulator, nadia: ScriptedUser) -> None:
    """`sign_in` asks the person whatever is kept, and gives name and tenant; other credentials have nobody to ask."""
    app = client(runner, entra, Browser(open_browser=nadia.open))
    person = runner.run(lambda: app.sign_in("graph"))
    assert (person.username, person.name, person.tenant) == (NADIA, "Nadia Brandt", entra.state.default_tenant.id)
    before = len(entra.token_requests)
    runner.run(lambda: app.get_token("graph"))
    assert len(entra.token_requests) == before


def test_browser_sign_in_at_a_standard_oauth_server_is_refused(runner: Runner) -> None:
    """Only its token endpoint is known: a usage error that says what to do, before any browser opens."""
    from mstoken import Authority

    authority = Authority.oauth("https://auth.example/token")
    opened: list[str] = []
    app = runner.client("", PUBLIC_APP, Browser(open_browser=meanwhile(opened.append)), authority)
    with pytest.raises(UsageError, match="token endpoint"):
        runner.run(lambda: app.get_token("x"))
    assert opened == []


def test_another_sign_ins_id_token_is_refused(runner: Runner, token_service: TokenService) -> None:
    """A code that brings somebody else's ID token, told by its nonce: an error, and nothing is kept."""
    stolen = jwt(id_token(aud=PUBLIC_APP, nonce="of another request"))
    token_service.script = [token_reply(refresh_token="theirs", id_token=stolen)]
    stores = memory_stores()

    def come(url: str) -> None:
        sent = asked_with(url)
        httpx.post(sent["redirect_uri"], data={"code": "c", "state": sent["state"]}, trust_env=False)

    credential = Browser(open_browser=meanwhile(come))
    app = runner.client("organizations", PUBLIC_APP, credential, token_service.url, stores=stores)
    with pytest.raises(UnreadableAnswer, match="another request"):
        runner.run(lambda: app.get_token("graph"))
    assert stores.refresh_tokens.list_sign_ins() == {}


async def test_a_cancelled_wait_closes_the_port(entra: Emulator) -> None:
    """Who gives up waiting leaves nothing listening."""
    urls: list[str] = []
    credential = Browser(open_browser=meanwhile(urls.append))
    async with AsyncClient("organizations", PUBLIC_APP, credential, entra.authority) as app:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(app.get_token("graph"), 0.5)
    with pytest.raises(httpx.ConnectError):
        page(asked_with(urls[0])["redirect_uri"])


def test_an_unknown_prompt_is_refused() -> None:
    """A typing mistake in `prompt` is found where it is made."""
    with pytest.raises(UsageError, match="not a prompt"):
        Browser(prompt="always")


def _grant_of_arm() -> Any:
    from entra_emulator.model import Grant
    from entra_emulator.resources import ARM

    return Grant(app=PUBLIC_APP, resource=ARM, scopes=["user_impersonation"])


def _soon(there: Callable[[], object]) -> None:
    """The browser's thread ends a moment after the flow; wait for it, not longer than seconds."""
    for _ in range(500):
        if there():
            return
        threading.Event().wait(0.01)
    raise AssertionError("the browser's part did not end")
