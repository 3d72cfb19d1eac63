"""Sign-in to applications by SAML 2.0 and WS-Federation: requests, rules, and what the application gets."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import httpx
import pytest
from tests.support.scripted_user import BrowserRedirect, ScriptedUser

from entra_emulator import Emulator
from entra_emulator.model import App, Grant
from entra_emulator.tokens.saml import TWO
from entra_emulator.xml_signatures import verify
from entra_emulator.xml_tree import Element, parse

IDENTIFIER, BACK = "https://intranet.example/saml", "http://localhost:5000/acs"
NADIA, OTTO = "nadia@northwind-partner.example", "otto@northwind-partner.example"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
ROLE, GROUPS = (f"http://schemas.microsoft.com/ws/2008/06/identity/claims/{name}" for name in ("role", "groups"))

SignInTo = Callable[..., BrowserRedirect | str]


@pytest.fixture
def app(entra: Emulator) -> App:
    return entra.add_app("Intranet", identifier_uris=[IDENTIFIER], redirect_uris=[BACK])


def request(attributes: str = "", content: str = "", issuer: str = IDENTIFIER) -> str:
    return (
        f'<p:AuthnRequest xmlns:p="{PROTOCOL}" ID="id1" Version="2.0" IssueInstant="2026-01-01T00:00:00Z" {attributes}>'
        f'<i:Issuer xmlns:i="{TWO}">{issuer}</i:Issuer>{content}</p:AuthnRequest>'
    )


def deflated(text: str) -> str:
    packer = zlib.compressobj(wbits=-15)
    return base64.b64encode(packer.compress(text.encode()) + packer.flush()).decode()


def contexts(*names: str) -> str:
    refs = "".join(
        f'<c:AuthnContextClassRef xmlns:c="{TWO}">{CLASSES}{name}</c:AuthnContextClassRef>' for name in names
    )
    return f"<p:RequestedAuthnContext>{refs}</p:RequestedAuthnContext>"


@pytest.fixture
def visit(entra: Emulator, app: App) -> Iterator[SignInTo]:
    """A user's way from the application's request to the last page."""
    browsers: dict[str, ScriptedUser] = {}

    def go(message: str = "", user: str = OTTO, endpoint: str = "saml2", **query: str) -> BrowserRedirect | str:
        browser = browsers.setdefault(user, ScriptedUser(entra, user))
        given = {"SAMLRequest": deflated(message), **query} if message else query
        return browser.visit(f"{entra.authority}/{app.tenant}/{endpoint}?{urlencode(given)}")

    yield go
    for browser in browsers.values():
        browser.close()


def response_in(redirect: BrowserRedirect | str) -> Element:
    assert isinstance(redirect, BrowserRedirect), re.sub("<style>.*</style>", "", str(redirect), flags=re.DOTALL)
    assert redirect.by_form
    return parse(base64.b64decode(redirect.fields["SAMLResponse"]))


def assertion_in(redirect: BrowserRedirect | str) -> Element:
    found = response_in(redirect).find(TWO, "Assertion")
    assert found
    return found


def values(assertion: Element) -> dict[str, list[str]]:
    statement = assertion.find(TWO, "AttributeStatement")
    assert statement
    return {
        one.attributes["Name"]: [value.text for value in one.elements()] for one in statement.every(TWO, "Attribute")
    }


def test_the_assertion_is_for_the_application(entra: Emulator, visit: SignInTo, app: App) -> None:
    """Signed by the tenant's key, for this request, audience and recipient, for an hour."""
    redirect = visit(request(f'AssertionConsumerServiceURL="{BACK}"'), RelayState="the state")
    assert isinstance(redirect, BrowserRedirect)
    assert (redirect.url, redirect.fields["RelayState"]) == (BACK, "the state")
    response, assertion = response_in(redirect), assertion_in(redirect)
    assert (response.attributes["InResponseTo"], response.attributes["Destination"]) == ("id1", BACK)
    verify(assertion, "ID", [entra._world.keys.keys[0].private.public_key()])
    assert assertion.text_at(TWO, "Issuer") == f"https://sts.windows.net/{app.tenant}/"
    assert assertion.text_at(TWO, "Conditions", "AudienceRestriction", "Audience") == IDENTIFIER
    data = assertion.find(TWO, "Subject", "SubjectConfirmation", "SubjectConfirmationData")
    assert data
    assert (data.attributes["Recipient"], data.attributes["InResponseTo"]) == (BACK, "id1")
    assert assertion.text_at(TWO, "Subject", "NameID") == OTTO


def test_the_post_binding(entra: Emulator, http: httpx.Client, app: App) -> None:
    """The message comes in a form, not deflated."""
    sent = {"SAMLRequest": base64.b64encode(request().encode()).decode()}
    page = http.post(f"{entra.authority}/{app.tenant}/saml2", data=sent)
    assert (page.status_code, "Sign in" in page.text) == (200, True)


@pytest.mark.parametrize("issuer", [IDENTIFIER, "{id}", "spn:{id}"])
def test_the_identifier(visit: SignInTo, app: App, issuer: str) -> None:
    """An identifier URI, or the application's id; the audience is what the request wrote."""
    named = issuer.format(id=app.id)
    assertion = assertion_in(visit(request(issuer=named)))
    assert assertion.text_at(TWO, "Conditions", "AudienceRestriction", "Audience") == named


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("<a/>", 75005),
        ("text", 75005),
        (request().replace('Version="2.0"', 'Version="1.1"'), 75005),
        (request().replace('ID="id1"', ""), 75005),
        (request(issuer=""), 75005),
        (request(content='<p:NameIDPolicy Format="urn:another"/>'), 75005),
        (f"<!DOCTYPE a>{request()}", 75005),
        (request('Destination="https://login.microsoftonline.com/other/saml2"'), 75008),
        (request(issuer="https://unknown.example"), 700016),
        (request('AssertionConsumerServiceURL="https://evil.example/acs"'), 50011),
        (request(content=contexts("X509")), 75011),
    ],
)
def test_a_refused_request(entra: Emulator, visit: SignInTo, message: str, code: int) -> None:
    """On a page: nothing is sent to an address that the request names."""
    page = visit(message)
    assert isinstance(page, str)
    assert f"AADSTS{code}:" in page
    assert entra.requests[-1].aadsts == code


@pytest.mark.parametrize("query", [{}, {"SAMLRequest": ""}, {"SAMLResponse": "x"}])
def test_a_missing_message(visit: SignInTo, query: dict[str, str]) -> None:
    """750054."""
    assert "AADSTS750054" in str(visit(**query))


@pytest.mark.parametrize("raw", ["!", "AAAA", base64.b64encode(zlib.compress(b"x")).decode()])
def test_a_message_that_is_not_deflated(visit: SignInTo, raw: str) -> None:
    """75005; also for a message that grows without bounds."""
    assert "AADSTS75005" in str(visit(SAMLRequest=raw))
    assert "AADSTS75005" in str(visit(f"<a>{' ' * 5_000_000}</a>"))


@pytest.mark.parametrize("names", [["Password"], ["PasswordProtectedTransport", "X509"], ["unspecified"]])
def test_a_requested_method_that_the_user_used(visit: SignInTo, names: list[str]) -> None:
    """A password satisfies these."""
    assertion_in(visit(request(content=contexts(*names))))


def test_a_session_is_used_unless_the_request_forbids_it(visit: SignInTo) -> None:
    """IsPassive succeeds with a session; ForceAuthn asks for the password again."""
    passive, forced = request('IsPassive="true"'), request('ForceAuthn="true"')
    status = response_in(visit(passive)).find(PROTOCOL, "Status", "StatusCode", "StatusCode")
    assert status
    assert status.attributes["Value"].endswith(":NoPassive")
    first = assertion_in(visit(request()))
    again = assertion_in(visit(passive))
    moments = [one.find(TWO, "AuthnStatement").attributes["AuthnInstant"] for one in (first, again)]  # type: ignore[union-attr]
    assert moments[0] == moments[1]
    newer = assertion_in(visit(forced)).find(TWO, "AuthnStatement")
    assert newer
    assert newer.attributes["AuthnInstant"] > moments[0]


def test_roles_and_groups(entra: Emulator, visit: SignInTo, app: App) -> None:
    """Those of ID tokens, as attributes."""
    tenant = entra.state.default_tenant
    app.group_claims = "SecurityGroup"
    group = entra.add_group("Readers", members=[OTTO])
    tenant.grants.append(Grant(app.id, app.id, roles=["Reader"], user=OTTO))
    found = values(assertion_in(visit(request())))
    assert found[ROLE] == ["Reader"]
    assert group.id in found[GROUPS]


def test_a_user_who_is_not_assigned(entra: Emulator, visit: SignInTo, app: App) -> None:
    """50105, and policies apply; consent does not."""
    principal = entra.state.default_tenant.principal(app.id)
    assert principal
    principal.assignment_required = True
    assert "AADSTS50105" in str(visit(request()))
    principal.assignment_required = False
    entra.add_policy("block")
    assert "AADSTS53003" in str(visit(request(), NADIA))


def test_multiple_factors_are_named(visit: SignInTo) -> None:
    """authnmethodsreferences says that Nadia used a second factor."""
    name = "http://schemas.microsoft.com/claims/authnmethodsreferences"
    assert len(values(assertion_in(visit(request(), NADIA)))[name]) == 2
    assert len(values(assertion_in(visit(request(), OTTO)))[name]) == 1


def ws_federation(**given: str) -> dict[str, str]:
    return {"endpoint": "wsfed", "wa": "wsignin1.0", "wtrealm": IDENTIFIER, **given}


def test_ws_federation(visit: SignInTo) -> None:
    """wresult is a RequestSecurityTokenResponse with the assertion; wctx comes back."""
    redirect = visit(**ws_federation(wreply=BACK, wctx="a&b"))
    assert isinstance(redirect, BrowserRedirect)
    assert (redirect.url, redirect.fields["wa"], redirect.fields["wctx"]) == (BACK, "wsignin1.0", "a&b")
    token = parse(redirect.fields["wresult"]).find(
        "http://schemas.xmlsoap.org/ws/2005/02/trust", "RequestedSecurityToken"
    )
    assert token
    (assertion,) = token.elements()
    assert assertion.text_at(TWO, "Subject", "NameID") == OTTO


def test_ws_federation_wants_a_fresh_sign_in(visit: SignInTo) -> None:
    """wfresh=0 does not use the session."""
    texts = [visit(**ws_federation(**more)) for more in ({}, {}, {"wfresh": "0"})]
    instants = [re.search('AuthnInstant="([^"]+)', one.fields["wresult"]) for one in texts if not isinstance(one, str)]
    first, second, third = (found[1] for found in instants if found)
    assert first == second < third


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"wa": ""}, 900144),
        ({"wa": "wattr1.0"}, 90023),
        ({"wtrealm": ""}, 900144),
        ({"wtrealm": "https://unknown.example"}, 700016),
        ({"wreply": "https://evil.example"}, 50011),
    ],
)
def test_a_refused_ws_federation_request(visit: SignInTo, given: dict[str, str], code: int) -> None:
    """On a page."""
    assert f"AADSTS{code}:" in str(visit(**ws_federation(**given)))


def test_signing_out_by_ws_federation(entra: Emulator, visit: SignInTo) -> None:
    """The session ends; the browser goes to a registered address, and to no other."""
    visit(**ws_federation())
    redirect = visit(endpoint="wsfed", wa="wsignout1.0", wreply=BACK)
    assert isinstance(redirect, BrowserRedirect)
    assert redirect.url == BACK
    assert not entra._world.interaction.sessions
    assert "signed out" in str(visit(endpoint="wsfed", wa="wsignout1.0", wreply="https://evil.example"))


@pytest.mark.parametrize("tenant", ["northwind-partner.example", "common"])
def test_the_federation_metadata(entra: Emulator, http: httpx.Client, tenant: str) -> None:
    """Signed; with the keys of the JWKS, and endpoints that exist."""
    answer = http.get(f"{entra.authority}/{tenant}/FederationMetadata/2007-06/FederationMetadata.xml")
    document = parse(answer.text.partition("?>")[2])
    verify(document, "ID", [entra._world.keys.keys[0].private.public_key()])
    segment = entra.state.default_tenant.id if tenant != "common" else "{tenantid}"
    assert document.attributes["entityID"] == f"https://sts.windows.net/{segment}/"
    keys = http.get(f"{entra.authority}/common/discovery/keys").json()["keys"]
    assert set(re.findall("<X509Certificate>([^<]+)", answer.text)) == {key["x5c"][0] for key in keys}
    for url in set(re.findall(r'Location="([^"]+)|Address>(https[^<]+)', answer.text)):
        assert http.get("".join(url)).status_code == 400  # there, and without a request


def test_the_metadata_of_an_unknown_tenant(entra: Emulator, http: httpx.Client) -> None:
    """90002."""
    answer = http.get(f"{entra.authority}/nowhere.example/federationmetadata/2007-06/federationmetadata.xml")
    assert answer.json()["error_codes"] == [90002]
