"""The dashboard: who sees it, what it shows, and what its forms do."""

import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from html.parser import HTMLParser

import httpx
import pytest

from entra_emulator import Emulator
from entra_emulator.faults import Fault

Get = Callable[..., httpx.Response]
PAGES = ["/", "/requests", "/tokens", "/policies", "/faults"]
OTTO = "5a9e4c1d-7b62-4f38-8e0a-6c1f2d3b4a02"


def _trust(entra: Emulator) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(entra.ca_file))


@pytest.fixture
def browser(entra: Emulator) -> Iterator[httpx.Client]:
    """A browser that has opened the link which the emulator prints."""
    base = entra.admin_url
    with httpx.Client(verify=_trust(entra), trust_env=False, base_url=base, follow_redirects=True) as client:
        assert client.get("/", params={"key": entra.admin_key}).status_code == 200
        yield client


class Outline(HTMLParser):
    """Element names with their attributes, and a complaint about the first tag that is not closed in order."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_without_the_key_the_dashboard_prompts_for_it(entra: Emulator, http: httpx.Client) -> None:
    """A browser without the key sees a form for it and nothing else; a wrong key is told."""
    for path in PAGES:
        answer = http.get(f"{entra.admin_url}{path}")
        assert answer.status_code == 401
        assert "Northwind" not in answer.text
    assert "not the key" in http.post(f"{entra.admin_url}/key", data={"key": "wrong"}).text


def test_key_is_taken_by_form(entra: Emulator, http: httpx.Client) -> None:
    """The right key sets a cookie that scripts cannot read and other sites do not send."""
    answer = http.post(f"{entra.admin_url}/key", data={"key": entra.admin_key})
    assert answer.status_code == 303
    assert {"Secure", "HttpOnly", "SameSite=Strict"} <= set(answer.headers["set-cookie"].split("; "))


@pytest.mark.parametrize("path", [*PAGES, "/tenants/northwind-partner.example"])
def test_pages_are_well_formed_and_labelled(browser: httpx.Client, path: str) -> None:
    """Each page has a language, one main heading, a label for every field, and scopes on its table heads."""
    answer = browser.get(path)
    outline = Outline(answer.text)
    assert answer.status_code == 200
    assert not outline.open
    assert ("html", {"lang": "en"}) in outline.elements
    assert [tag for tag, _ in outline.elements].count("h1") == 1
    labelled = {attributes.get("for") for tag, attributes in outline.elements if tag == "label"}
    fields = [a for tag, a in outline.elements if tag in ("input", "select") and a.get("type") != "hidden"]
    assert {field["id"] for field in fields} <= labelled
    assert all(attributes.get("scope") for tag, attributes in outline.elements if tag == "th")


def test_nothing_is_loaded_from_other_hosts(browser: httpx.Client) -> None:
    """The content security policy allows our own style and script only, and no frames."""
    policy = browser.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_requests_show_their_parameters(browser: httpx.Client, entra: Emulator, app_token: Get) -> None:
    """The log has the refusal's code and what was ordered; the script's rows have what came since."""
    entra.inject(status=503)
    app_token()
    app_token(client_secret="my-wrong-secret")
    page = browser.get("/requests").text
    assert "AADSTS7000215" in page
    assert "ordered: HTTP 503" in page
    assert "my-wrong-secret" not in page
    rows = browser.get("/requests/rows", params={"after": "1"})
    assert (rows.headers["x-total"], rows.text.count("<tr")) == ("2", 1)
    assert browser.get("/live.js").headers["content-type"].startswith("text/javascript")


def test_tokens_are_decoded(browser: httpx.Client, user_token: Get) -> None:
    """Tokens are shown as claims; the token itself is nowhere on the page."""
    token = user_token().json()["access_token"]
    page = browser.get("/tokens").text
    assert "nadia@northwind-partner.example" in page
    assert "&quot;scp&quot;" in page
    assert token not in page


def test_switches_work(browser: httpx.Client, entra: Emulator, user_token: Get) -> None:
    """A policy, a user, an application and security defaults are switched by the buttons of their pages."""
    tenant = entra.state.default_tenant
    policy = tenant.policies[0]
    for path, field, value, owner in (
        (f"/tenants/{tenant.id}/policies/{policy.id}", "enabled", "", policy),
        (f"/tenants/{tenant.id}/users/{OTTO}", "enabled", "", tenant.users[1]),
        (f"/tenants/{tenant.id}/users/{OTTO}", "mfa_required", "yes", tenant.users[1]),
        (f"/tenants/{tenant.id}", "security_defaults", "yes", tenant),
        (f"/apps/{entra.state.default_app.id}", "enabled", "", entra.state.default_app),
    ):
        browser.post(path, data={"field": field, "value": value}).raise_for_status()
        assert getattr(owner, field) is (value == "yes")


def test_every_fault_can_be_injected_by_its_form(browser: httpx.Client, entra: Emulator) -> None:
    """The form has a field for each that a fault has, and each arrives as it was typed."""
    typed = {
        "code": "50076",
        "error": "invalid_grant",
        "suberror": "basic_action",
        "claims": "{}",
        "status": "429",
        "retry_after_in": "3",
        "delay_in": "0.5",
        "cut": "before",
        "skew_in": "-60",
        "next_link": "loop",
        "service": "*",
        "path": "*/token",
        "client": "x",
        "tenant": "y",
        "grant": "password",
        "resource": "graph",
        "times": "2",
    }
    assert set(typed) == {one.name for one in fields(Fault)} - {"id"}
    elements = Outline(browser.get("/faults").text).elements
    assert set(typed) <= {attributes.get("name") for name, attributes in elements if name in ("input", "select")}
    browser.post("/faults", data=typed).raise_for_status()
    assert {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in _given(entra)} == typed


def _given(entra: Emulator) -> list[tuple[str, object]]:
    return [(name, value) for name, value in asdict(entra.faults[0]).items() if name != "id"]


def test_forms_work(browser: httpx.Client, entra: Emulator, app_token: Get) -> None:
    """A policy and a fault are added, the fault removed; the clock moved; keys rotated; sessions revoked; all reset."""
    form = {"tenant": "northwind-partner.example", "require": "block", "resource": "arm", "user": OTTO}
    browser.post("/policies", data=form).raise_for_status()
    assert entra.state.default_tenant.policies[-1].require == "block"
    browser.post("/faults", data={"code": "50076", "status": "", "times": "2"}).raise_for_status()
    assert (entra.faults[0].code, entra.faults[0].times) == (50076, 2)
    browser.post(f"/faults/{entra.faults[0].id}/remove").raise_for_status()
    assert entra.faults == []
    browser.post("/clock", data={"advance_in": "3600"}).raise_for_status()
    assert entra.clock.offset_in == 3600
    before = entra.rotate_keys()
    browser.post("/rotate").raise_for_status()
    app_token()
    assert entra.issued[-1].header["kid"] != before
    browser.post(f"/tenants/{entra.state.default_tenant.id}/users/{OTTO}/revoke").raise_for_status()
    assert entra.find_user(OTTO)[1].tokens_valid_from > 0
    browser.post("/requests/clear").raise_for_status()
    assert entra.requests == []
    browser.post("/reset").raise_for_status()
    assert entra.clock.offset_in == 0


@pytest.mark.parametrize(
    ("path", "form", "words"),
    [
        ("/faults", {"times": "1"}, "needs one of"),
        ("/faults", {"code": "many"}, "invalid literal"),
        ("/faults", {"code": "1", "colour": "red"}, "does not have|do not have"),
        ("/policies", {"tenant": "northwind-partner.example", "require": "luck"}, "expected one of"),
        ("/policies", {"tenant": "northwind-partner.example", "require": "mfa", "user": "nobody"}, "no user"),
        ("/apps/none", {"field": "enabled"}, "no application"),
    ],
)
def test_mistakes_are_shown_on_the_page(browser: httpx.Client, path: str, form: dict[str, str], words: str) -> None:
    """What cannot be done is said at the top of the page, for screen readers too."""
    answer = browser.post(path, data=form)
    assert answer.status_code == 400
    assert re.search(f'role="alert">[^<]*({words})', answer.text)


def test_form_from_another_site_does_nothing(browser: httpx.Client, entra: Emulator) -> None:
    """Even with the cookie, a form that another origin sent is refused."""
    answer = browser.post("/reset", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_names_are_escaped(browser: httpx.Client, entra: Emulator) -> None:
    """What somebody named a tenant is text, not HTML."""
    entra.add_tenant("<script>alert(1)</script>", "odd.example")
    page = browser.get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
