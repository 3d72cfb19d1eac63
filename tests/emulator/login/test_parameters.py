"""Every parameter and header of the sign-in service: it has an effect, or the parity page says that it has none.

The lists come from the code: data/parameters.toml is what the endpoints read by, and no handler can read another name.
"""

from __future__ import annotations

import ast
import base64
import json
import re
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from tests.support.agents import AGENT, add_agent
from tests.support.assertions import compact
from tests.support.certificates import identity
from tests.support.scripted_user import form_fields
from tests.support.ws_trust import ANN, federate

from entra_emulator import Emulator
from entra_emulator.model import Certificate
from entra_emulator.parameters import Parameters, UndeclaredParameter, endpoints

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "emulator-parity.md"
REDIRECT, OTHER_REDIRECT = "http://localhost", "http://localhost/other"
GRAPH, EXCHANGE = "https://graph.microsoft.com/.default", "api://AzureADTokenExchange/.default"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
OBO = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
NADIA = "nadia@northwind-partner.example"
KEY = base64.urlsafe_b64encode(b'{"kid":"the-key"}').decode()
CONTEXT = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
PATHS = {
    "instance": "common/discovery/instance",
    "deviceauth": "common/oauth2/deviceauth",
    "metadata": "common/v2.0/.well-known/openid-configuration",
    "userrealm": "common/userrealm",
    "getuserrealm": "getuserrealm.srf",
}
SAML_REQUEST = base64.b64encode(
    zlib.compress(
        b'<AuthnRequest xmlns="urn:oasis:names:tc:SAML:2.0:protocol" ID="id1" Version="2.0">'
        b'<Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">api://own</Issuer></AuthnRequest>',
        wbits=-15,
    )
).decode()
Form = dict[str, str | None]


class Client:
    """A signed-in browser and a confidential client in one: the usual request of each endpoint."""

    def __init__(self, entra: Emulator, http: httpx.Client) -> None:
        self.entra, self.http = entra, http
        self.app, self.tenant = entra.state.default_app, entra.state.default_tenant
        self.app.redirect_uris = [REDIRECT, OTHER_REDIRECT]
        self.app.certificates = [Certificate(identity().certificate_pem().decode())]
        self.app.access_tokens = self.app.id_tokens = True
        self.app.identifier_uris = ["api://own"]
        self.who: Form = {"client_id": self.app.id, "client_secret": self.app.secrets[0].value}
        entra.add_policy("terms_of_use", name="only with c1", contexts=["c1"])
        http.cookies.set("ESTSAUTH", self._session(), domain="localhost.local")

    def _session(self) -> str:
        page = self._get("authorize", {**self._sign_in("login"), "prompt": "login"})
        token = re.search(r'name="flow" value="([^"]+)', page.text)
        assert token
        url = f"{self.entra.authority}/{self.tenant.id}/login"
        given = {"flow": token[1], "choice": "sign-in", "username": NADIA, "password": "emulator"}
        self.http.post(url, data=given)
        done = self.http.post(url, data={"flow": token[1], "factor": "approve"})
        return str(done.headers["set-cookie"]).partition("ESTSAUTH=")[2].partition(";")[0]

    def send(self, endpoint: str, form: Form) -> httpx.Response:
        """One request; None leaves a parameter out."""
        given = {name: value for name, value in form.items() if value is not None}
        if endpoint == "adminconsent":
            return self._admin_consent(given)
        if endpoint in ("saml2", "wsfed"):
            return self.http.get(f"{self.entra.authority}/{self.tenant.id}/{endpoint}", params=given)
        if endpoint == "loginsrf":
            return self.http.post(f"{self.entra.authority}/login.srf", data=given)
        if endpoint in PATHS:
            return self.http.get(f"{self.entra.authority}/{PATHS[endpoint]}", params=given)
        return self._get(endpoint, form) if endpoint in ("authorize", "logout") else self._post(endpoint, given)

    def _get(self, endpoint: str, form: Form) -> httpx.Response:
        given = {name: value for name, value in form.items() if value is not None}
        return self.http.get(f"{self.entra.authority}/{self.tenant.id}/oauth2/v2.0/{endpoint}", params=given)

    def _post(self, endpoint: str, form: dict[str, str]) -> httpx.Response:
        return self.http.post(f"{self.entra.authority}/{self.tenant.id}/oauth2/v2.0/{endpoint}", data=form)

    def _admin_consent(self, given: dict[str, str]) -> httpx.Response:
        """The consent page of an administrator who is signed in, and what follows when it is accepted."""
        url = f"{self.entra.authority}/{self.tenant.id}"
        page = self.http.get(f"{url}/v2.0/adminconsent", params=given)
        token = re.search(r'name="flow" value="([^"]+)', page.text)
        if "Permissions requested" not in page.text or not token:
            return page
        return self.http.post(f"{url}/login", data={"flow": token[1], "consent": "accept"})

    def usual(self, endpoint: str) -> Form:
        """A request that succeeds."""
        forms: dict[str, Form] = {
            "token": {**self.who, "grant_type": "client_credentials", "scope": GRAPH},
            "devicecode": {"client_id": self.app.id, "scope": GRAPH},
            "authorize": self._sign_in("none"),
            "adminconsent": self.consent(),
            "saml2": {"samlrequest": SAML_REQUEST, "relaystate": "one"},
            "wsfed": {"wa": "wsignin1.0", "wtrealm": "api://own", "wctx": "one"},
            "loginsrf": self.from_the_ad_fs() if endpoint == "loginsrf" else {},
            "logout": {"post_logout_redirect_uri": REDIRECT, "state": "one"},
            "instance": {"authorization_endpoint": "https://login.microsoftonline.com/t/oauth2/v2.0/authorize"},
            "deviceauth": {"otc": "ABC"},
            "metadata": {"appid": self.app.id},
            "userrealm": {"user": NADIA},
            "getuserrealm": {"login": NADIA},
        }
        return forms[endpoint]

    def _sign_in(self, prompt: str) -> Form:
        who: Form = {"client_id": self.app.id, "response_type": "code", "redirect_uri": REDIRECT}
        return {**who, "scope": f"{GRAPH} openid", "state": "one", "nonce": "n", "prompt": prompt}

    def from_the_ad_fs(self) -> Form:
        """What the AD FS sends about Ann, who then has to consent."""
        if not self.tenant.federated_domains:
            federate(self.entra)
        asked = {**self._sign_in("consent"), "login_hint": ANN}
        there = self._get("authorize", asked).headers["location"]
        page = self.http.post(there, data={"UserName": ANN, "Password": self.entra.state.settings.password}).text
        fields = form_fields(page)
        return {name: fields[name] for name in ("wctx", "wresult")}

    def consent(self, **more: str | None) -> Form:
        """An administrator's consent."""
        return {"client_id": self.app.id, "redirect_uri": REDIRECT, "scope": GRAPH, "state": "one", **more}

    def refresh(self, **more: str | None) -> Form:
        """A refresh."""
        token = self.entra.sign_in(NADIA)
        return {**self.who, "grant_type": "refresh_token", "refresh_token": token, "scope": GRAPH, **more}

    def code(self, **more: str | None) -> Form:
        """The redemption of a code that was requested with PKCE."""
        answer = self._get("authorize", {**self._sign_in("none"), "code_challenge": "v" * 43})
        code = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]
        form: Form = {**self.who, "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        return {**form, "code_verifier": "v" * 43, **more}

    def device(self, **more: str | None) -> Form:
        """A device's question, before anybody has signed in."""
        code = self.send("devicecode", self.usual("devicecode")).json()["device_code"]
        return {**self.who, "grant_type": DEVICE, "device_code": code, **more}

    def password(self, **more: str | None) -> Form:
        """A user name and password."""
        who: Form = {"username": "otto@northwind-partner.example", "password": "emulator"}
        return {**self.who, "grant_type": "password", "scope": GRAPH, **who, **more}

    def behalf(self, **more: str | None) -> Form:
        """On-behalf-of."""
        self.entra.grant(self.app, self.app, scopes=["Act"])
        token = self.send("token", self.refresh(scope="api://own/.default")).json()["access_token"]
        form: Form = {"grant_type": OBO, "assertion": token, "requested_token_use": "on_behalf_of", "scope": GRAPH}
        return {**self.who, **form, **more}

    def certificate(self, **more: str | None) -> Form:
        """Client credentials with a certificate."""
        now, key = int(time.time()), RSAKey.import_key(identity().key_pem())
        audience = f"https://login.microsoftonline.com/{self.tenant.id}/v2.0"
        claims = {"aud": audience, "iss": self.app.id, "sub": self.app.id, "nbf": now, "exp": now + 60}
        header = {"alg": "RS256", "kid": identity().certificate.fingerprint(_sha1()).hex()}
        proof: Form = {"client_secret": None, "client_assertion": compact(header, claims, key)}
        return {**self.usual("token"), **proof, "client_assertion_type": TYPE, **more}

    def agent(self, **more: str | None) -> Form:
        """The third leg of an agent's flow."""
        user = add_agent(self.entra)
        first = {**self.usual("token"), "scope": EXCHANGE, "fmi_path": AGENT}
        proof: Form = {"client_assertion_type": TYPE}
        proof["client_assertion"] = self.send("token", first).json()["access_token"]
        second: Form = {"client_id": AGENT, "grant_type": "client_credentials", "scope": EXCHANGE, **proof}
        own = self.send("token", second).json()["access_token"]
        third: Form = {"client_id": AGENT, "grant_type": "user_fic", "scope": GRAPH, **proof}
        return {**third, "user_federated_identity_credential": own, "user_id": user.id, **more}


def _sha1() -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA1()  # noqa: S303  # a thumbprint is SHA-1 by definition


# The token of a sign-in, the ids of an error, a message with an assertion, and the nonce of the script that posts it.
_RANDOM = r'value="[\w-]{43}"|<dd>.*?</dd>|value="[^"]{500,}"|nonce="[^"]+"'


def outcome(answer: httpx.Response) -> dict[str, Any]:
    """What two answers can differ in: status, error, members, way back, and the claims that are not random."""
    seen: dict[str, Any] = {"status": answer.status_code}
    if location := answer.headers.get("location"):
        parts = urlsplit(location)
        back = dict(parse_qsl(parts.query or parts.fragment))
        seen |= {"to": parts._replace(query="", fragment="").geturl(), "in": bool(parts.query), "with": sorted(back)}
        seen |= {"state": back.get("state"), "why": re.findall(r"AADSTS\d+", back.get("error_description", ""))}
        body: dict[str, Any] = back
    elif "json" in answer.headers.get("content-type", ""):
        body = answer.json()
        seen |= {
            "members": sorted(body),
            "why": body.get("error_codes"),
            "endpoint": body.get("tenant_discovery_endpoint") or body.get("jwks_uri"),
            "realm": body.get("NameSpaceType") or body.get("account_type"),
        }
    else:
        body = {"page": re.sub(_RANDOM, "", answer.text)}
        seen |= body
    seen |= {"type": body.get("token_type"), "scope": body.get("scope")}
    return seen | _claims(body.get("access_token")) | _claims(body.get("id_token"))


def _claims(token: str | None) -> dict[str, Any]:
    if not token:
        return {}
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return {name: claims.get(name) for name in ("aud", "sub", "azpacr", "xms_cc", "cnf", "nonce")}


Pair = Callable[[Client], tuple[Form, Form]]


def changed(method: str, **change: str | None) -> Pair:
    """Two requests of one kind that differ in one parameter."""
    return lambda client: (getattr(client, method)(), getattr(client, method)(**change))


def usual(endpoint: str, base: Form | None = None, **change: str | None) -> Pair:
    """The usual request of an endpoint, and the same with a parameter changed."""
    return lambda client: (
        {**client.usual(endpoint), **(base or {})},
        {**client.usual(endpoint), **(base or {}), **change},
    )


IMPLICIT: Form = {"response_type": "token", "scope": GRAPH}
EFFECTS: dict[str, dict[str, Pair]] = {
    "token": {
        "assertion": changed("behalf", assertion="nothing"),
        "claims": changed("refresh", claims='{"access_token":{"xms_cc":{"values":["cp1"]}}}'),
        "client_assertion": changed("certificate", client_assertion="a.b.c"),
        "client_assertion_type": changed("certificate", client_assertion_type="another"),
        "client_id": usual("token", client_id=AGENT),
        "client_info": changed("refresh", client_info="1"),
        "client_secret": usual("token", client_secret="wrong"),
        "code": changed("code", code="another"),
        "code_verifier": changed("code", code_verifier="w" * 43),
        "device_code": changed("device", device_code="another"),
        "fmi_path": usual("token", {"scope": EXCHANGE}, fmi_path="a/path"),
        "grant_type": usual("token", grant_type="another"),
        "password": changed("password", password="wrong"),
        "redirect_uri": changed("code", redirect_uri=OTHER_REDIRECT),
        "return_spa_code": changed("code", return_spa_code="1"),
        "refresh_token": changed("refresh", refresh_token="another"),
        "req_cnf": usual("token", {"token_type": "pop", "req_cnf": KEY}, req_cnf=None),
        "requested_token_type": changed("behalf", requested_token_type="urn:ietf:params:oauth:token-type:saml2"),
        "requested_token_use": changed("behalf", requested_token_use="another"),
        "resource": usual("token", resource="https://another.example"),
        "scope": usual("token", scope="https://management.azure.com/.default"),
        "token_type": usual("token", {"req_cnf": KEY}, token_type="pop"),
        "user_federated_identity_credential": changed("agent", user_federated_identity_credential="another"),
        "user_id": changed("agent", user_id="another"),
        "username": changed("password", username="nobody@northwind-partner.example"),
    },
    "devicecode": {
        "client_id": usual("devicecode", client_id=AGENT),
        "resource": usual("devicecode", resource="https://another.example"),
        "scope": usual("devicecode", scope=None),
    },
    "authorize": {
        "claims": usual("authorize", claims=CONTEXT),
        "client_id": usual("authorize", client_id=AGENT),
        "client_info": usual("authorize", client_info="1"),
        "code_challenge": usual("authorize", {"code_challenge_method": "S256"}, code_challenge="short"),
        "code_challenge_method": usual("authorize", {"code_challenge": "v" * 43}, code_challenge_method="S512"),
        "login_hint": usual("authorize", login_hint="nobody@northwind-partner.example"),
        "nonce": usual("authorize", {"response_type": "id_token", "scope": "openid"}, nonce="another"),
        "prompt": usual("authorize", prompt="login"),
        "redirect_uri": usual("authorize", redirect_uri=OTHER_REDIRECT),
        "req_cnf": usual("authorize", {**IMPLICIT, "token_type": "pop", "req_cnf": KEY}, req_cnf=None),
        "resource": usual("authorize", resource="https://another.example"),
        "response_mode": usual("authorize", response_mode="fragment"),
        "response_type": usual("authorize", response_type="token"),
        "scope": usual("authorize", scope="https://another.example/Read"),
        "sid": usual("authorize", sid="another"),
        "state": usual("authorize", state="two"),
        "token_type": usual("authorize", {**IMPLICIT, "req_cnf": KEY}, token_type="pop"),
    },
    "adminconsent": {
        "client_id": usual("adminconsent", client_id=AGENT),
        "login_hint": lambda client: (client.consent(), client.consent(login_hint="nobody@nowhere.example")),
        "redirect_uri": usual("adminconsent", redirect_uri=OTHER_REDIRECT),
        "scope": usual("adminconsent", scope="https://graph.microsoft.com/User.Read"),
        "state": usual("adminconsent", state="two"),
    },
    "saml2": {
        "login_hint": usual("saml2", login_hint="nobody@nowhere.example"),
        "relaystate": usual("saml2", relaystate="two"),
        "samlrequest": usual("saml2", samlrequest="another"),
        "username": usual("saml2", username="nobody@nowhere.example"),
    },
    "wsfed": {
        "login_hint": usual("wsfed", login_hint="nobody@nowhere.example"),
        "username": usual("wsfed", username="nobody@nowhere.example"),
        "wa": usual("wsfed", wa="wsignout1.0"),
        "wctx": usual("wsfed", wctx="two"),
        "wfresh": usual("wsfed", wfresh="0"),
        "wreply": usual("wsfed", wreply=OTHER_REDIRECT),
        "wtrealm": usual("wsfed", wtrealm="api://another"),
    },
    "loginsrf": {
        "wctx": usual("loginsrf", wctx="another"),
        "wresult": usual("loginsrf", wresult="another"),
    },
    "logout": {
        "post_logout_redirect_uri": usual("logout", post_logout_redirect_uri=OTHER_REDIRECT),
        "state": usual("logout", state="two"),
    },
    "instance": {
        "api-version": lambda client: (client.usual("instance"), {**client.usual("instance"), "api-version": "1.0"}),
        "authorization_endpoint": usual("instance", authorization_endpoint="https://login.example/t/authorize"),
    },
    "deviceauth": {"otc": usual("deviceauth", otc="XYZ")},
    "metadata": {"appid": usual("metadata", appid=None)},
    "userrealm": {
        "api-version": lambda client: (client.usual("userrealm"), {**client.usual("userrealm"), "api-version": "2.1"}),
        "user": usual("userrealm", user="nobody@nowhere.example"),
    },
    "getuserrealm": {
        "login": usual("getuserrealm", login="nobody@nowhere.example"),
        "xml": usual("getuserrealm", xml="1"),
    },
}
READ = [
    (name, parameter)
    for name, one in endpoints().items()
    if name not in ("page", "headers")
    for parameter in sorted(one.read)
]


@pytest.fixture
def client(entra: Emulator, http: httpx.Client) -> Client:
    return Client(entra, http)


@pytest.mark.parametrize(("endpoint", "parameter"), READ)
def test_a_parameter_that_is_read_changes_the_answer(client: Client, endpoint: str, parameter: str) -> None:
    """Each parameter that the code reads has a request in which it makes a difference."""
    first, second = EFFECTS[endpoint][parameter](client)
    assert {name for name in {*first, *second} if first.get(name) != second.get(name)} >= {parameter}
    assert outcome(client.send(endpoint, first)) != outcome(client.send(endpoint, second))


@pytest.mark.parametrize("endpoint", EFFECTS)
def test_ignored_parameters_change_nothing(client: Client, entra: Emulator, endpoint: str) -> None:
    """What is listed as ignored is ignored, and so is a name nobody knows, which the log then tells."""
    before = outcome(client.send(endpoint, client.usual(endpoint)))
    if endpoint == "logout":
        client.http.cookies.clear()
    extra = dict.fromkeys([*endpoints()[endpoint].ignored, "no_such_parameter"], "1")
    assert outcome(client.send(endpoint, {**client.usual(endpoint), **extra})) == before
    if endpoint in ("token", "devicecode", "authorize"):
        assert entra.requests[-1].unknown == ("no_such_parameter",)


@pytest.mark.parametrize("spell", [str.upper, str.title, str.swapcase])
@pytest.mark.parametrize("endpoint", EFFECTS)
def test_names_match_in_any_letter_case(client: Client, endpoint: str, spell: Callable[[str], str]) -> None:
    """`Client_Id=…&Grant_Type=…` is the most copied PowerShell snippet; every endpoint reads it."""
    usual_form = client.usual(endpoint)
    before = outcome(client.send(endpoint, usual_form))
    assert outcome(client.send(endpoint, {spell(name): value for name, value in usual_form.items()})) == before


@pytest.mark.parametrize("endpoint", EFFECTS)
def test_a_name_that_occurs_twice_is_refused(client: Client, endpoint: str) -> None:
    """9000411, also where the two differ in letter case."""
    form = client.usual(endpoint)
    name = next(iter(form))
    answer = client.send(endpoint, {**form, name.upper(): form[name]})
    assert "9000411" in answer.text


def test_values_are_compared_byte_for_byte(client: Client, entra: Emulator) -> None:
    """Blanks, line breaks, plus signs, percent signs and any UTF-8 in a value are part of it."""
    for value in (" leading", "trailing ", "line\r\n", "a+b", "100%41", "ünïcödé €", "a&b=c;d", "\u00a0", "tab\t"):
        client.app.secrets[0].value = value
        good = {**client.usual("token"), "client_secret": value}
        assert client.send("token", good).status_code == 200, value
        assert client.send("token", {**good, "client_secret": value.strip() + "x"}).status_code == 401
    client.app.secrets[0].value = "plain"
    for other in ("plain ", " plain", "plain\n"):
        answer = client.send("token", {**client.usual("token"), "client_secret": other})
        assert answer.json()["error_codes"] == [7000215], other


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("client_id", 700016),
        ("grant_type", 70003),
        ("refresh_token", 9002313),
        ("scope", 200),
        ("client_secret", 7000215),
    ],
)
def test_whitespace_around_a_value_counts(client: Client, name: str, code: int) -> None:
    """Only in `scope`, a list with blanks between its words, does a blank more make no difference."""
    form = client.refresh()
    answer = client.send("token", {**form, name: f" {form[name]}"})
    assert (answer.json().get("error_codes") or [200]) == [code]


def test_the_raw_form_of_the_field(client: Client, entra: Emulator) -> None:
    """The bytes as PowerShell's Invoke-RestMethod sends a hashtable: names as written there, blanks as plus signs."""
    who = {"Client_Id": client.app.id, "Client_Secret": client.app.secrets[0].value}
    body = urlencode({"Grant_Type": "client_credentials", "Scope": GRAPH, **who})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("oauth2/v2.0/token", "oauth2/token"):
        url = f"{entra.authority}/{client.tenant.id}/{path}"
        assert client.http.post(url, content=body, headers=kind).status_code == 200


@pytest.mark.parametrize("grant_type", ["client_Credentials", "CLIENT_CREDENTIALS", "Client_Credentials"])
@pytest.mark.parametrize("path", ["oauth2/token", "oauth2/v2.0/token"])
def test_the_grant_type_matches_in_any_letter_case(client: Client, entra: Emulator, path: str, grant_type: str) -> None:
    """Microsoft's own Partner Center module sends `client_Credentials` to v1.0."""
    form = {**client.usual("token"), "grant_type": grant_type, "resource": None}
    url = f"{entra.authority}/{client.tenant.id}/{path}"
    given = {name: value for name, value in form.items() if value is not None}
    assert client.http.post(url, data=given).status_code == 200


def test_code_cannot_read_parameters_missing_from_the_table() -> None:
    """A handler that reads another name fails at once, so that the table cannot be forgotten."""
    with pytest.raises(UndeclaredParameter):
        Parameters("logout", {"client_id": "x"}).get("client_id")


def test_the_pages_post_the_parameters_of_the_table() -> None:
    """The parameters of the emulator's own pages are those that its pages have."""
    pages = "".join(path.read_text() for path in (ROOT / "src/entra_emulator/pages").glob("*.py"))
    for name in endpoints()["page"].read:
        assert re.search(rf'["\']{name}["\']', pages), name


def test_the_headers_read_are_those_of_the_table() -> None:
    """The table's list of headers is complete: it is what the code looks up."""
    found: set[str] = set()
    for path in (ROOT / "src/entra_emulator").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("get", "header")
            ):
                owner = ast.unparse(node.func.value)
                if node.args and (owner.endswith((".headers", "sent")) or node.func.attr == "header"):
                    found.add(_text(node.args[0]))
            elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]).endswith(".headers"):
                found.add(_text(node.left))
            elif isinstance(node, ast.Attribute) and node.attr == "cookies":
                found.add("cookie")
    app_service = {"x-identity-header"}  # passed to the function that looks it up
    assert (found - {""}) | app_service == endpoints()["headers"].read


def _text(node: ast.expr) -> str:
    if not isinstance(node, ast.Constant):
        return ""
    value = node.value
    return (value.decode() if isinstance(value, bytes) else str(value)).lower()


def test_ignored_parameters_are_on_the_parity_page() -> None:
    """Each ignored parameter and header is named on the page, in backticks."""
    page = PAGE.read_text(encoding="utf-8")
    for one in endpoints().values():
        for name in sorted(one.ignored):
            assert f"`{name}`" in page, f"{name} at {one.name}"
