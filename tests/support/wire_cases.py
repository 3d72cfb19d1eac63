"""Reproduce each recorded response at the emulator by state and request, never by injecting the response.

Only 429 is injected, because it depends on the service's load.
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.support.certificates import identity
from tests.support.oidc_issuer import SUBJECT, OidcIssuer
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Source
from entra_emulator.model import App, Certificate, FederatedCredential, Grant, Policy, User
from entra_emulator.resources import GRAPH as GRAPH_ID

LOGIN = "https://login.microsoftonline.com"
ARM = "https://management.azure.com"
GRAPH = "https://graph.microsoft.com/.default"
READ = "https://graph.microsoft.com/User.Read openid profile offline_access"
ORDERS_SCOPE = "api://northwind-orders/.default"
COMMAND_LINE = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
NADIA = "nadia@northwind-partner.example"
OTTO = "otto@northwind-partner.example"
UNKNOWN_APP = "11111111-2222-4333-8444-555555555555"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ON_BEHALF_OF = "urn:ietf:params:oauth:grant-type:jwt-bearer"
BACK = "http://localhost:5000"
WireResponse = httpx.Response


class RawClient:
    """Sends requests to the emulator under Microsoft's names, without a client library."""

    def __init__(self, entra: Emulator) -> None:
        self.entra = entra
        self.login = LOGIN
        trust = ssl.create_default_context(cafile=entra.ca_file)
        named = {"client-request-id": str(uuid.uuid4())}  # as Microsoft's clients name their requests
        self.http = httpx.Client(verify=trust, trust_env=False, proxy=entra.proxy, headers=named)
        self.here = httpx.Client(verify=trust, trust_env=False)
        self.issuers: list[OidcIssuer] = []

    def close(self) -> None:
        self.http.close()
        self.here.close()
        for issuer in self.issuers:
            issuer.close()

    @property
    def app(self) -> App:
        return self.entra.state.default_app

    def user(self, name: str = OTTO) -> User:
        found = self.entra.state.user(name)
        assert found
        return found[1]

    def token(self, tenant: str | None = None, headers: dict[str, str] | None = None, **form: str) -> WireResponse:
        """A token request as it is given, to `login`."""
        where = tenant or self.entra.state.default_tenant.id
        return self.http.post(f"{self.login}/{where}/oauth2/v2.0/token", data=form, headers=headers)

    def app_token(self, **form: str) -> WireResponse:
        """Client credentials of the default application, changed by `form`; an empty value leaves a field out."""
        usual = {
            "client_id": self.app.id,
            "client_secret": self.app.secrets[0].value,
            "grant_type": "client_credentials",
            "scope": GRAPH,
        }
        return self.token(None, None, **{name: value for name, value in {**usual, **form}.items() if value})

    def password(self, username: str = OTTO, **form: str) -> WireResponse:
        """A user's password, through the command line's public client."""
        usual = {
            "client_id": COMMAND_LINE,
            "client_info": "1",
            "grant_type": "password",
            "username": username,
            "password": self.entra.state.settings.password,
            "scope": READ,
        }
        return self.token(None, None, **{**usual, **form})

    def refresh(self, token: str, headers: dict[str, str] | None = None, **form: str) -> WireResponse:
        usual = {
            "client_id": self.app.id,
            "client_secret": self.app.secrets[0].value,
            "grant_type": "refresh_token",
            "refresh_token": token,
            "scope": READ,
        }
        return self.token(headers=headers, **{name: value for name, value in {**usual, **form}.items() if value})

    def proved(self, assertion: str, **form: str) -> WireResponse:
        """Client credentials by an assertion."""
        return self.app_token(client_secret="", client_assertion=assertion, client_assertion_type=JWT_BEARER, **form)

    def issuer(self, trusted_audience: str = "api://AzureADTokenExchange") -> OidcIssuer:
        made = OidcIssuer()
        self.issuers.append(made)
        self.app.federated = [FederatedCredential(made.url, SUBJECT, [trusted_audience])]
        return made

    def code(self, **parameters: str) -> dict[str, str]:
        """Return the form that redeems the command line's code after Nadia's sign-in."""
        usual = {"client_id": COMMAND_LINE, "response_type": "code", "redirect_uri": BACK, "scope": READ}
        person = ScriptedUser(self.entra, NADIA)
        try:
            url = f"{LOGIN}/organizations/oauth2/v2.0/authorize?{urlencode(usual | parameters)}"
            code = person.authorize(url).fields["code"]
        finally:
            person.close()
        names = ("client_id", "redirect_uri", "scope")
        return {"grant_type": "authorization_code", "code": code} | {name: (usual | parameters)[name] for name in names}

    def device(self) -> dict[str, Any]:
        form = {"client_id": COMMAND_LINE, "scope": READ}
        answer = self.http.post(f"{LOGIN}/organizations/oauth2/v2.0/devicecode", data=form)
        return dict(answer.json())

    def redeem_device(self, device: dict[str, Any]) -> WireResponse:
        form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": device["device_code"]}
        return self.token(client_id=COMMAND_LINE, client_info="1", scope=READ, **form)

    def at(
        self, source: Source, headers: dict[str, str] | None = None, resource: str = ARM, version: str = "2018-02-01"
    ) -> WireResponse:
        """A machine's endpoint, by the environment a program finds there; `headers` take the place of the usual."""
        with self.entra.machine() as machine:
            secret = machine.environment(source).get("IDENTITY_HEADER", "")
            usual = {"Metadata": "true"} | ({"X-IDENTITY-HEADER": secret, "Secret": secret} if secret else {})
            asked = {"api-version": version, "resource": resource}
            return self.here.get(machine.url(source), params=asked, headers=usual if headers is None else headers)


def token_claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _signed(raw: RawClient, number: int, **changed: Any) -> str:
    """An assertion as the application signs it with certificate `number`."""
    made = identity(number)
    now = int(raw.entra.clock.now())
    endpoint = f"{LOGIN}/{raw.entra.state.default_tenant.id}/oauth2/v2.0/token"
    claims = {"aud": endpoint, "iss": raw.app.id, "sub": raw.app.id, "jti": secrets.token_hex(8)}
    times = {"iat": now, "nbf": now, "exp": now + 600}
    thumbprint = base64.urlsafe_b64encode(made.certificate.fingerprint(SHA256())).rstrip(b"=").decode()
    header = {"typ": "JWT", "alg": "PS256", "x5t#S256": thumbprint}
    return jwt.encode(header, {**claims, **times, **changed}, RSAKey.import_key(made.key_pem()), algorithms=["PS256"])


def _certified(raw: RawClient, **changed: Any) -> WireResponse:
    raw.app.certificates = [Certificate(identity(1).certificate_pem().decode())]
    return raw.proved(_signed(raw, 1, **changed))


def _cae(raw: RawClient) -> str:
    return json.dumps({"access_token": {"xms_cc": {"values": ["cp1"]}}})


def _challenged(raw: RawClient) -> WireResponse:
    """Resource Manager, called with a token for which a client that handles challenges asked, after revocation."""
    token = raw.refresh(
        raw.entra.sign_in(NADIA), scope="https://management.azure.com//.default", claims=_cae(raw)
    ).json()["access_token"]
    raw.entra.clock.advance(1)
    raw.entra.revoke(NADIA)
    url = "https://management.azure.com/subscriptions?api-version=2022-12-01"
    return raw.http.get(url, headers={"Authorization": f"Bearer {token}"})


def _locked(raw: RawClient) -> WireResponse:
    for _ in range(10):
        raw.password(password="wrong")
    return raw.password()


def _enroll(raw: RawClient) -> WireResponse:
    """A web API whose caller has no second factor, and would have to register one first."""
    policy = Policy("Second factor for Graph", "mfa", resources=[GRAPH_ID])
    caller = raw.refresh(raw.entra.sign_in(OTTO), scope="api://northwind-orders/Orders.Read")
    raw.entra.state.default_tenant.policies.append(policy)
    raw.entra.state.default_tenant.grants.append(Grant(app=ORDERS, resource=GRAPH_ID, scopes=["User.Read"]))
    raw.user().methods = []
    return raw.token(
        client_id=ORDERS,
        client_secret=raw.entra.state.apps[ORDERS].secrets[0].value,
        grant_type=ON_BEHALF_OF,
        requested_token_use="on_behalf_of",
        assertion=caller.json()["access_token"],
        scope=READ,
    )


def _changed(raw: RawClient, change: Callable[[], object], then: Callable[[], WireResponse]) -> WireResponse:
    change()
    return then()


def _set(thing: object, **values: Any) -> Callable[[], None]:
    def change() -> None:
        for name, value in values.items():
            setattr(thing, name, value)

    return change


def _revoked(raw: RawClient) -> str:
    token = raw.entra.sign_in(NADIA)
    raw.entra.clock.advance(1)
    raw.entra.revoke(NADIA)
    return token


def _page_token(raw: RawClient) -> str:
    """A single-page application's refresh token, a day and a second old."""
    token = raw.entra.sign_in(NADIA, spa=True)
    raw.entra.clock.advance(86_401)
    return token


def _late(raw: RawClient, token: Any, seconds: float) -> Any:
    raw.entra.clock.advance(seconds)
    return token


def _throttled(raw: RawClient) -> WireResponse:
    raw.entra.inject(status=429, retry_after_in=60)
    return raw.app_token()


def _family(raw: RawClient) -> WireResponse:
    raw.entra.state.apps[COMMAND_LINE].family = True
    return raw.password(scope="https://management.azure.com/.default openid profile offline_access", claims=_cae(raw))


def _get(raw: RawClient, path: str) -> WireResponse:
    return raw.http.get(f"{LOGIN}{path}")


def _machine_error(raw: RawClient, source: Source, status: int) -> WireResponse:
    with raw.entra.machine() as machine:
        machine.trouble = [status]
        return raw.here.get(machine.url(source))


def _machine_without(raw: RawClient) -> WireResponse:
    with raw.entra.machine() as machine:
        machine.identities.system, machine.identities.users = None, []
        query = {"api-version": "2018-02-01", "resource": "https://management.azure.com"}
        return raw.here.get(machine.url("imds"), params=query, headers={"Metadata": "true"})


def _federated(raw: RawClient, scope: str = GRAPH, **changed: Any) -> WireResponse:
    return raw.proved(raw.issuer().token(**changed), scope=scope)


def _device_signed_in(raw: RawClient) -> WireResponse:
    device = raw.device()
    person = ScriptedUser(raw.entra, NADIA)
    person.enter_code(device["verification_uri"], device["user_code"])
    person.close()
    return raw.redeem_device(device)


def _guest(raw: RawClient) -> WireResponse:
    """Nadia in the customer's tenant, where she is a guest."""
    customer = raw.entra.state.default_customer
    assert customer
    home = raw.entra.state.default_tenant.id
    customer.users.append(User(upn=NADIA, name="Nadia Brandt", mail=NADIA, home=home))
    return raw.token(
        customer.id,
        client_id=raw.app.id,
        client_secret=raw.app.secrets[0].value,
        grant_type="refresh_token",
        refresh_token=raw.entra.sign_in(NADIA),
        scope=READ,
    )


TENANT_PATH = "/northwind-partner.example/v2.0/.well-known/openid-configuration"
DISCOVER = f"/common/discovery/instance?api-version=1.1&authorization_endpoint={LOGIN}/common/oauth2/v2.0/authorize"

CASES: dict[str, Callable[[RawClient], WireResponse]] = {
    "accesstoken_v1_delegated_graph_claimset": lambda a: a.password(),
    "accesstoken_v1_managed_identity_decoded": lambda a: a.at("imds"),
    "accesstoken_v2_delegated_decoded": lambda a: a.refresh(a.entra.sign_in(NADIA), scope=ORDERS_SCOPE),
    "cae_claims_challenge_arm_401": _challenged,
    "cc_token_claims_client_credentials": lambda a: _changed(
        a, a.entra.state.default_tenant.grants.clear, lambda: a.app_token(scope=ORDERS_SCOPE)
    ),
    "cc_token_client_credentials": lambda a: a.app_token(),
    "cc_token_error_invalid_client": lambda a: a.app_token(client_secret="wrong"),
    "cc_token_error_unknown_client": lambda a: a.app_token(client_id="00000000-0000-0000-0000-000000000000"),
    "cc_token_error_unsupported_grant_type": lambda a: a.app_token(grant_type="no_such_grant"),
    "devicecode_response": lambda a: a.http.post(
        f"{LOGIN}/organizations/oauth2/v2.0/devicecode", data={"client_id": COMMAND_LINE, "scope": READ}
    ),
    "discovery_instance_1_1": lambda a: _get(a, DISCOVER),
    "discovery_v2_2021_headers": lambda a: _get(a, TENANT_PATH),
    "discovery_v2_tenant": lambda a: _get(a, TENANT_PATH),
    "error_1002012_cc_scope_not_default": lambda a: a.app_token(scope="https://graph.microsoft.com/User.Read"),
    "error_429_too_many_requests": _throttled,
    "error_50034_unknown_user": lambda a: a.password("nobody@northwind-partner.example"),
    "error_50049_invalid_instance": lambda a: _get(a, DISCOVER.replace(LOGIN, "https://login.example.com")),
    "error_50053_locked_2019": _locked,
    "error_50055_password_expired_2019": lambda a: _changed(a, _set(a.user(), password_expired=True), a.password),
    "error_50057_user_disabled": lambda a: _changed(a, _set(a.user(), enabled=False), a.password),
    "error_50076_mfa_required_ropc": lambda a: _changed(a, _set(a.user(), mfa_required=True), a.password),
    "error_50079_mfa_enroll_claims": _enroll,
    "error_50126_bad_password": lambda a: a.password(password="wrong"),
    "error_50173_grant_revoked": lambda a: a.refresh(_revoked(a)),
    "error_65001_consent_required": lambda a: a.password(scope="https://graph.microsoft.com/Mail.Read"),
    "error_70000_code_expired": lambda a: a.token(None, None, **_late(a, a.code(), 601)),
    "error_7000112_app_disabled": lambda a: _changed(a, _set(a.app, enabled=False), a.app_token),
    "error_700016_app_not_found": lambda a: a.app_token(client_id=UNKNOWN_APP),
    "error_7000215_invalid_secret_2023": lambda a: a.app_token(client_secret="wrong"),
    "error_7000218_missing_client_secret": lambda a: a.refresh(a.entra.sign_in(NADIA), client_secret=""),
    "error_7000222_secret_expired": lambda a: _changed(a, _set(a.app.secrets[0], expires_on=1.0), a.app_token),
    "error_700024_assertion_time": lambda a: _certified(a, iat=1, nbf=1, exp=601),
    "error_700027_cert_key_not_found": lambda a: a.proved(_signed(a, 2)),
    "error_700082_rt_inactive": lambda a: a.refresh(_late(a, a.entra.sign_in(NADIA), 91 * 86_400)),
    "error_700084_spa_rt_expired": lambda a: a.refresh(
        _page_token(a), headers={"Origin": "http://localhost:3000"}, client_secret=""
    ),
    "error_70011_invalid_scope": lambda a: a.password(scope="https://graph.microsoft.com/"),
    "error_70016_authorization_pending": lambda a: a.redeem_device(a.device()),
    "error_70020_device_code_expired": lambda a: a.redeem_device(_late(a, a.device(), 901)),
    "error_700211_fic_issuer": lambda a: _federated(a, iss="https://nobody.example"),
    "error_700212_fic_audience": lambda a: _federated(a, aud="api://another"),
    "error_70021_fic_no_match_2022": lambda a: _federated(a, sub="repo:another"),
    "error_900023_bad_tenant_identifier": lambda a: a.token("undefined", grant_type="client_credentials"),
    "error_90002_tenant_not_found_discovery": lambda a: _get(
        a, f"/{UNKNOWN_APP}/v2.0/.well-known/openid-configuration"
    ),
    "error_900144_missing_grant_type": lambda a: a.app_token(grant_type=""),
    "error_9002313_malformed": lambda a: a.refresh("no-such-token"),
    "error_9002326_cross_origin": lambda a: _changed(
        a,
        _set(a, login="https://login.windows.net"),
        lambda: a.refresh(a.entra.sign_in(NADIA), headers={"Origin": "http://localhost:3000"}),
    ),
    "idtoken_v2_member_decoded": lambda a: a.password(scope="openid profile User.Read"),
    "idtoken_v2_msa_guest_decoded": _guest,
    "msi_arc_challenge_401": lambda a: a.at("azure_arc"),
    "msi_error_appservice": lambda a: _machine_error(a, "app_service", 500),
    "msi_error_imds_500011": lambda a: a.at("imds", resource="user.read"),
    "msi_imds_identity_not_found": _machine_without,
    "msi_imds_missing_metadata_header": lambda a: a.at("imds", headers={}),
    "msi_imds_success_sami": lambda a: a.at("imds"),
    "msi_service_fabric_error": lambda a: a.at("service_fabric", headers={}),
    "msi_success_msal_fixture": lambda a: a.at("app_service", version="2019-08-01"),
    "token_authorization_code_public": lambda a: a.token(None, None, client_info="1", **a.code()),
    "token_client_credentials_cert": _certified,
    "token_client_credentials_federated": lambda a: a.proved(a.issuer().token(), claims=_cae(a)),
    "token_client_credentials_secret": lambda a: a.app_token(),
    "token_device_code": _device_signed_in,
    "token_password_foci_cae": _family,
    "token_password_ropc": lambda a: a.password(),
    "userrealm_federated": lambda a: _changed(
        a,
        _set(a.entra.state.default_tenant, federated_domains=["northwind-partner.example"]),
        lambda: _get(a, f"/common/UserRealm/{OTTO}?api-version=1.0"),
    ),
    "userrealm_managed": lambda a: _get(a, f"/common/UserRealm/{OTTO}?api-version=1.0"),
}
CASES["devicecode_response_2021"] = CASES["devicecode_response"]
CASES["error_50055_password_expired_invalid_grant"] = CASES["error_50055_password_expired_2019"]
CASES["error_70016_authorization_pending_2021"] = CASES["error_70016_authorization_pending"]
