"""Codes of whole exchanges (sign-in pages, codes, devices, assertions, discovery), each by the request that gets it."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc.jwk import RSAKey
from tests.support.assertions import compact
from tests.support.certificates import identity
from tests.support.oidc_issuer import OidcIssuer
from tests.support.scripted_user import BrowserRedirect, ScriptedUser
from tests.support.ws_trust import ANN, SAML_BEARER, assertion_in, encoded, federate, issue

from entra_emulator import Emulator
from entra_emulator.model import Certificate, FederatedCredential

PUBLIC = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
ANY_ACCOUNT = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b04"
NADIA, OTTO, ROBIN = "nadia@northwind-partner.example", "otto@northwind-partner.example", "robin@outlook.example"
BACK, PAGE = "http://localhost:5000", "http://localhost:3000/spa"
GRAPH = "https://graph.microsoft.com/.default"
TWO_APIS = "https://graph.microsoft.com/User.Read https://management.azure.com/user_impersonation offline_access"
ORIGIN = {"Origin": "http://localhost:3000"}
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
AUTHN_REQUEST = (
    '<AuthnRequest xmlns="urn:oasis:names:tc:SAML:2.0:protocol" ID="id1" Version="2.0" {attributes}>'
    '<i:Issuer xmlns:i="urn:oasis:names:tc:SAML:2.0:assertion">https://intranet.example</i:Issuer>{content}</AuthnRequest>'
)
X509_REQUIRED = (
    '<RequestedAuthnContext><a:AuthnContextClassRef xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion">'
    "urn:oasis:names:tc:SAML:2.0:ac:classes:X509</a:AuthnContextClassRef></RequestedAuthnContext>"
)
OBO = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass
class Client:
    """A client of the emulator: it sends requests, and its users sign in at the pages."""

    entra: Emulator
    http: httpx.Client
    proxied: httpx.Client
    ask: Callable[..., httpx.Response]
    issuer: OidcIssuer
    browsers: list[ScriptedUser] = field(default_factory=list)

    def authorize(self, user: str = OTTO, *, cancel: bool = False, **given: str | None) -> dict[str, str]:
        """Visit the authorization endpoint and sign in where a page asks; the redirect's fields."""
        url = f"{self.entra.authority}/organizations/oauth2/v2.0/authorize?{self.query(**given)}"
        redirect = self.browser(user).visit(url, cancel=cancel)
        return redirect.fields if isinstance(redirect, BrowserRedirect) else {}

    def browser(self, user: str) -> ScriptedUser:
        self.browsers.append(ScriptedUser(self.entra, user))
        return self.browsers[-1]

    def query(self, **given: str | None) -> str:
        usual = {"client_id": PUBLIC, "response_type": "code", "redirect_uri": BACK, "scope": f"{GRAPH} openid"}
        return urlencode({name: value for name, value in {**usual, **given}.items() if value is not None})

    def redeem(self, code: str, tenant: str = "organizations", **form: Any) -> httpx.Response:
        usual = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        return self.ask(tenant, **{"client_id": PUBLIC, "client_secret": None, **usual, **form})

    def device_code(self) -> dict[str, Any]:
        url = f"{self.entra.authority}/organizations/oauth2/v2.0/devicecode"
        return dict(self.http.post(url, data={"client_id": PUBLIC, "scope": GRAPH}).json())

    def poll(self, code: str) -> None:
        who = {"client_id": PUBLIC, "client_secret": None}
        self.ask("organizations", grant_type=DEVICE, device_code=code, **who)

    def refresh(self, user: str, token: str = "", tenant: str = "", **form: Any) -> httpx.Response:
        sent = token or self.entra.sign_in(user, form.get("client_id"))
        return self.ask(
            tenant or None, **{"grant_type": "refresh_token", "refresh_token": sent, "scope": GRAPH, **form}
        )

    def on_behalf_of(self, assertion: str, app: str = ORDERS) -> None:
        who = {"client_id": app, "client_secret": self.entra.state.apps[app].secrets[0].value}
        self.ask(grant_type=OBO, assertion=assertion, requested_token_use="on_behalf_of", scope=GRAPH, **who)

    def callers_token(self, scope: str = "api://northwind-orders/.default") -> str:
        return str(self.refresh(NADIA, scope=scope).json()["access_token"])

    def prove(self, assertion: str) -> None:
        """Authenticate as the default application with an assertion."""
        proof = {"client_secret": None, "client_assertion_type": ASSERTION, "client_assertion": assertion}
        self.ask(grant_type="client_credentials", scope=GRAPH, **proof)

    def saml_assertion(self) -> str:
        """Ann's assertion, from the AD FS of her domain."""
        federate(self.entra)
        return assertion_in(issue(self.entra, self.http))

    def redeem_saml(self, assertion: str) -> None:
        self.ask(grant_type=SAML_BEARER, assertion=encoded(assertion), scope=GRAPH)

    def saml_request(self, message: str, attributes: str = "", content: str = "") -> None:
        """Send an application's request in a form, and sign in where a page asks."""
        app = self.entra.add_app("Intranet", identifier_uris=["https://intranet.example"], redirect_uris=[BACK])
        text = message.format(attributes=attributes, content=content)
        packer = zlib.compressobj(wbits=-15)
        sent = base64.b64encode(packer.compress(text.encode()) + packer.flush()).decode() if text else ""
        query = urlencode({"SAMLRequest": sent})
        self.browser(OTTO).visit(f"{self.entra.authority}/{app.tenant}/saml2?{query}")

    def signed_assertion(self, **changed: Any) -> str:
        """An assertion signed with the application's certificate."""
        made, app, now = identity(), self.entra.state.default_app, int(self.entra.clock.now())
        app.certificates = [Certificate(made.certificate_pem().decode())]
        thumbprint = base64.urlsafe_b64encode(made.certificate.fingerprint(_sha256())).rstrip(b"=").decode()
        audience = f"{self.entra.authority}/{app.tenant}/oauth2/v2.0/token"
        claims = {"aud": audience, "iss": app.id, "sub": app.id, "jti": "1", "nbf": now, "exp": now + 600, **changed}
        header = {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}
        return compact(header, claims, RSAKey.import_key(made.key_pem()))


def _sha256() -> Any:
    from cryptography.hazmat.primitives.hashes import SHA256

    return SHA256()


Provoke = Callable[[Client], object]
CASES: dict[int, Provoke] = {}


def case(code: int) -> Callable[[Provoke], Provoke]:
    """Enter a function into the table: its last request gets this code."""

    def enter(provoke: Provoke) -> Provoke:
        assert code not in CASES
        CASES[code] = provoke
        return provoke

    return enter


def single_page(client: Client) -> None:
    client.entra.state.apps[PUBLIC].spa_redirect_uris.append(PAGE)


# Requests of the authorization endpoint
CASES |= {
    50011: lambda client: client.authorize(redirect_uri="https://elsewhere.example/"),
    50058: lambda client: client.authorize(prompt="none"),
    50149: lambda client: client.authorize(code_challenge="v" * 43, code_challenge_method="S512"),
    70005: lambda client: client.authorize(response_type="pigeon"),
    70007: lambda client: client.authorize(response_mode="pigeon"),
    90023: lambda client: client.authorize(prompt="please"),
    160021: lambda client: client.authorize(prompt="none", sid="a-session-of-long-ago"),
    501491: lambda client: client.authorize(code_challenge="v" * 42),
    700051: lambda client: client.authorize(response_type="token"),
    700054: lambda client: client.authorize(response_type="id_token", nonce="n"),
    65004: lambda client: client.authorize(cancel=True, prompt="consent"),
}


@case(90014)
def id_token_without_nonce(client: Client) -> None:
    client.entra.state.apps[PUBLIC].id_tokens = True
    client.authorize(response_type="id_token", nonce=None)


@case(500113)
def application_without_redirect_uri(client: Client) -> None:
    client.entra.state.apps[PUBLIC].redirect_uris.clear()
    client.authorize(redirect_uri=None)


@case(9002325)
def single_page_application_without_pkce(client: Client) -> None:
    single_page(client)
    client.authorize(redirect_uri=PAGE)


@case(70044)
def session_older_than_the_policy_allows(client: Client) -> None:
    browser = client.browser(OTTO)
    url = f"{client.entra.authority}/organizations/oauth2/v2.0/authorize?{client.query()}"
    browser.visit(url)
    client.entra.add_policy("sign_in_frequency", resources=["graph"], frequency_in=3600)
    client.entra.clock.advance(3600)
    browser.visit(f"{url}&prompt=none")


@case(90094)
def user_without_the_right_to_consent(client: Client) -> None:
    app = client.entra.add_app("Report", redirect_uris=[BACK], public=True)
    query = urlencode({"client_id": app.id, "redirect_uri": BACK, "scope": "https://graph.microsoft.com/User.Read"})
    client.browser(OTTO).visit(f"{client.entra.authority}/{app.tenant}/v2.0/adminconsent?{query}")


@case(500121)
def second_factor_denied(client: Client) -> None:
    page = client.http.get(f"{client.entra.authority}/organizations/oauth2/v2.0/authorize?{client.query()}")
    for form in ({"choice": "sign-in", "username": NADIA, "password": "emulator"}, {"factor": "deny"}):
        token = re.search(r'name="flow" value="([^"]+)', page.text)
        assert token
        page = client.http.post(f"{client.entra.authority}/organizations/login", data={"flow": token[1], **form})


# Authorization codes
CASES |= {
    50148: lambda client: client.redeem(client.authorize()["code"], code_verifier="v" * 43),
    500112: lambda client: client.redeem(client.authorize()["code"], redirect_uri="http://localhost:5001"),
    700005: lambda client: client.redeem(client.authorize()["code"], "tailwind-bakery.example"),
    28003: lambda client: client.redeem(client.authorize(scope=TWO_APIS)["code"]),
}


@case(54005)
def code_redeemed_twice(client: Client) -> None:
    code = client.authorize()["code"]
    assert client.redeem(code).status_code == 200
    client.redeem(code)


@case(70000)
def code_after_its_ten_minutes(client: Client) -> None:
    code = client.authorize()["code"]
    client.entra.clock.advance(601)
    client.redeem(code)


@case(501481)
def another_verifier(client: Client) -> None:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()
    code = client.authorize(code_challenge=challenge, code_challenge_method="S256")["code"]
    client.redeem(code, code_verifier="w" * 43)


@case(9002327)
def code_of_a_page_redeemed_by_a_server(client: Client) -> None:
    single_page(client)
    code = client.authorize(redirect_uri=PAGE, code_challenge="v" * 43)["code"]
    client.redeem(code, redirect_uri=PAGE, code_verifier="v" * 43)


# Refresh tokens
CASES |= {
    9002326: lambda client: client.refresh(NADIA, headers=ORIGIN),
    700007: lambda client: client.refresh(NADIA, client.entra.sign_in(NADIA), client_id=PUBLIC, client_secret=None),
}


@case(700084)
def single_page_application_after_a_day(client: Client) -> None:
    single_page(client)
    token = client.entra.sign_in(NADIA, PUBLIC, spa=True)
    client.entra.clock.advance(86_401)
    client.refresh(NADIA, token, client_id=PUBLIC, client_secret=None, headers=ORIGIN)


@case(70002)
def personal_account_of_a_confidential_client(client: Client) -> None:
    client.entra.state.apps[ANY_ACCOUNT].public = False
    client.refresh(ROBIN, tenant="consumers", client_id=ANY_ACCOUNT, client_secret=None)


# Device codes
CASES |= {
    70016: lambda client: client.poll(client.device_code()["device_code"]),
    70018: lambda client: client.poll("a-code-that-was-never-issued"),
}


@case(70020)
def device_code_after_a_quarter_of_an_hour(client: Client) -> None:
    code = client.device_code()["device_code"]
    client.entra.clock.advance(900)
    client.poll(code)


# A call that an API passes on
CASES |= {
    500131: lambda client: client.on_behalf_of(client.callers_token(GRAPH)),
    50013: lambda client: client.on_behalf_of(client.callers_token()[:-8] + "AAAAAAAA"),
}


@case(500133)
def callers_token_that_expired(client: Client) -> None:
    token = client.callers_token()
    client.entra.clock.advance(86_400)
    client.on_behalf_of(token)


@case(240002)
def id_token_as_callers_token(client: Client) -> None:
    app = client.entra.state.default_app
    id_token = client.refresh(NADIA, scope=f"{GRAPH} openid").json()["id_token"]
    client.on_behalf_of(id_token, app.id)


# Assertions of a federated domain's AD FS
CASES |= {
    50008: lambda client: client.redeem_saml(client.saml_assertion().replace("am:password", "am:X509-PKI")),
}


@case(50107)
def domain_that_is_not_federated_any_more(client: Client) -> None:
    assertion = client.saml_assertion()
    client.entra.state.default_tenant.federated_domains.clear()
    client.redeem_saml(assertion)


@case(51004)
def immutable_id_that_nobody_has(client: Client) -> None:
    assertion = client.saml_assertion()
    client.entra.find_user(ANN)[1].properties["onPremisesImmutableId"] = "changed=="
    client.redeem_saml(assertion)


# Assertions
CASES |= {
    700021: lambda client: client.prove(client.signed_assertion(iss=ORDERS)),
    700023: lambda client: client.prove(client.signed_assertion(aud="https://login.example/token")),
    700024: lambda client: client.prove(client.signed_assertion(exp=1_700_000_000)),
    5002741: lambda client: client.prove(
        client.signed_assertion(aud=["https://login.microsoftonline.com/common", "https://login.example"])
    ),
    700211: lambda client: client.prove(client.issuer.token(iss=f"{client.issuer.url}/")),
    700212: lambda client: client.prove(client.issuer.token(aud="api://other")),
    700213: lambda client: client.prove(client.issuer.token(sub="repo:octo-org/another")),
}


@case(70023)
def federated_token_of_a_year(client: Client) -> None:
    client.issuer.life_in = 365 * 86_400
    client.prove(client.issuer.token())


@case(501661)
def issuer_that_does_not_respond(client: Client) -> None:
    token = client.issuer.token()
    client.issuer.close()
    client.prove(token)


@case(7000272)
def key_that_the_issuer_does_not_publish(client: Client) -> None:
    token = client.issuer.token()
    client.issuer.jwks = {"keys": []}
    client.prove(token)


@case(700222)
def entras_own_token_as_a_federated_one(client: Client) -> None:
    app, tenant = client.entra.state.default_app, client.entra.state.default_tenant
    principal = tenant.principal(app.id)
    assert principal
    app.federated = [FederatedCredential(f"{client.entra.authority}/{tenant.id}/v2.0", principal.id)]
    answer = client.ask(grant_type="client_credentials", scope="api://AzureADTokenExchange/.default")
    client.prove(answer.json()["access_token"])


# Sign-in to applications by SAML
CASES |= {
    75005: lambda client: client.saml_request("<nothing/>"),
    75008: lambda client: client.saml_request(AUTHN_REQUEST, 'Destination="https://login.microsoftonline.com/saml2"'),
    75011: lambda client: client.saml_request(AUTHN_REQUEST, content=X509_REQUIRED),
    750054: lambda client: client.saml_request(""),
}


# Endpoints and their addresses
@case(50049)
def discovery_of_an_unknown_host(client: Client) -> None:
    discover(client, "https://login.example/common/oauth2/v2.0/authorize")


@case(50050)
def discovery_of_something_else_than_an_address(client: Client) -> None:
    discover(client, "http://login.microsoftonline.com/")


def discover(client: Client, endpoint: str) -> None:
    query = {"api-version": "1.1", "authorization_endpoint": endpoint}
    client.http.get(f"{client.entra.authority}/common/discovery/instance", params=query)


@case(51000)
def mutual_tls(client: Client) -> None:
    app = client.entra.state.default_app
    form = {"client_id": app.id, "grant_type": "client_credentials", "scope": GRAPH}
    client.proxied.post(f"https://mtlsauth.microsoft.com/{app.tenant}/oauth2/v2.0/token", data=form)


@case(90027)
def version_one_of_personal_accounts(client: Client) -> None:
    app = client.entra.state.default_app
    form = {"client_id": app.id, "grant_type": "client_credentials", "resource": "https://graph.microsoft.com"}
    client.http.post(f"{client.entra.authority}/consumers/oauth2/token", data=form)


@case(900561)
def get_at_the_token_endpoint(client: Client) -> None:
    client.http.get(f"{client.entra.authority}/common/oauth2/v2.0/token")


@case(9000411)
def parameter_that_occurs_twice(client: Client) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{client.entra.authority}/common/oauth2/v2.0/token"
    client.http.post(url, content="grant_type=a&grant_type=b", headers=headers)


@case(9001023)
def password_at_common(client: Client) -> None:
    form = {"username": OTTO, "password": "emulator", "scope": GRAPH}
    client.ask("common", grant_type="password", **form)


@pytest.fixture
def client(
    entra: Emulator,
    http: httpx.Client,
    proxied: httpx.Client,
    ask: Callable[..., httpx.Response],
    issuer: OidcIssuer,
) -> Iterator[Client]:
    """A client, and an issuer that its application trusts."""
    made = Client(entra, http, proxied, ask, issuer)
    yield made
    for browser in made.browsers:
        browser.close()


@pytest.mark.parametrize("code", sorted(CASES))
def test_an_exchange_gets_its_code(client: Client, code: int) -> None:
    """The last request is refused with this code, and no fault was injected."""
    CASES[code](client)
    last = client.entra.requests[-1]
    assert (last.aadsts, last.faults, client.entra.faults) == (code, (), [])
