"""User realm discovery: whether Entra or another identity provider checks the password of a user's domain.

Sources: recordings of api-version 1.0; for 2.1, GetUserRealm.srf and GetCredentialType, the responses that AADInternals
and other tools read, and msxfaq.de/cloud/authentifizierung/getcredentialtype.htm. Every federated domain is of the AD
FS that the emulator serves.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from entra_emulator.state import State

from . import federated_domains
from .exchange import Exchange
from .federated_domains import AUDIENCE as _AUDIENCE

_DOMAIN_TYPES = {"Unknown": 1, "Managed": 3, "Federated": 4}
_PERSONAL_DOMAIN = 2
_PASSWORD, _PROVIDER = 1, 4
_EXISTS, _UNKNOWN_NAME, _PERSONAL_ACCOUNT = 0, 1, 5
_LIVE_SERVICE = "https://login.live.com/rst2.srf"


@dataclass(frozen=True)
class Realm:
    """The identity provider of a user name. `kind` is Managed, Federated or Unknown."""

    login: str
    domain: str
    kind: str
    service: str
    brand: str = ""
    personal: bool = False

    @property
    def sign_in_url(self) -> str:
        """The URL of a federated domain's sign-in page."""
        query = f"username={quote(self.login, '')}&wa=wsignin1.0&wtrealm={quote(_AUDIENCE, '')}&wctx="
        return f"{'https://login.live.com/login.srf' if self.personal else f'{self.service}/ls/'}?{query}"


def is_federated(state: State, username: str) -> bool:
    """Return whether another identity provider signs in the users of the name's domain."""
    domain = username.rpartition("@")[2].lower()
    return any(
        domain in (federated.lower() for federated in tenant.federated_domains) for tenant in state.tenants.values()
    )


def find(exchange: Exchange, username: str) -> Realm:
    """Return the realm of a user name, or of a domain."""
    state, service = exchange.world.state, federated_domains.service(exchange.world)
    domain = username.rpartition("@")[2].lower()
    tenant, user = state.tenant(domain, exchange.realm), state.user(username)
    if (user and user[0].personal) or (tenant and tenant.personal):
        return Realm(username, "live.com", "Federated", service, "MSA Realms", personal=True)
    if tenant is None:
        return Realm(username, domain, "Unknown", service)
    return Realm(username, domain, "Federated" if is_federated(state, username) else "Managed", service, tenant.name)


def version_one(exchange: Exchange, realm: Realm) -> dict[str, Any]:
    """Return the response of api-version 1.0, with the recorded members."""
    body: dict[str, Any] = {"ver": "1.0", "account_type": realm.kind}
    if realm.kind != "Unknown":
        body["domain_name"] = realm.domain
    if realm.kind == "Federated":
        service = f"{realm.service}/services/trust"
        body |= {
            "federation_protocol": "WSTrust",
            "federation_metadata_url": "" if realm.personal else f"{service}/mex",
            "federation_active_auth_url": _LIVE_SERVICE if realm.personal else f"{service}/2005/usernamemixed",
        }
    return body | {"cloud_instance_name": exchange.site.cloud.instance, "cloud_audience_urn": _AUDIENCE}


def version_two(exchange: Exchange, realm: Realm) -> dict[str, Any]:
    """Return the response of api-version 2.1, which the sign-in page reads."""
    body: dict[str, Any] = {"NameSpaceType": realm.kind, "Login": realm.login}
    if realm.kind != "Unknown":
        body |= {"DomainName": realm.domain, "FederationBrandName": realm.brand, "TenantBrandingInfo": None}
    if realm.kind == "Federated":
        body |= {"federation_protocol": "WSTrust", "AuthURL": realm.sign_in_url}
    return body | {"cloud_instance_name": exchange.site.cloud.instance}


def srf(exchange: Exchange, realm: Realm) -> dict[str, Any]:
    """Return the members of GetUserRealm.srf."""
    federated = realm.kind == "Federated"
    body: dict[str, Any] = {"State": 3 if federated else 4, "UserState": 2 if federated else 1}
    body |= {"Login": realm.login, "NameSpaceType": realm.kind}
    if realm.kind == "Unknown":
        return body
    body["DomainName"] = realm.domain
    if federated:
        body |= {"FederationGlobalVersion": -1, "AuthURL": realm.sign_in_url}
    body["FederationBrandName"] = realm.brand
    return body | {"CloudInstanceName": exchange.site.cloud.instance, "CloudInstanceIssuerUri": _AUDIENCE}


def srf_xml(exchange: Exchange, realm: Realm) -> str:
    """Return the members as XML, where IsFederatedNS is next to the domain."""
    members: dict[str, Any] = {}
    for name, value in srf(exchange, realm).items():
        members[name] = value
        if name == "DomainName":
            members["IsFederatedNS"] = str(realm.kind == "Federated").lower()
    parts = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in members.items())
    return f'<RealmInfo Success="true">{parts}</RealmInfo>'


def credential_type(exchange: Exchange, username: str) -> dict[str, Any]:
    """Return the members of GetCredentialType: whether the user exists, and how they prove who they are.

    A federated domain's users all seem to exist, because only its identity provider knows them.
    """
    realm = find(exchange, username)
    exists = realm.kind == "Federated" or exchange.world.state.user(username)
    provider = realm.kind == "Federated" and not realm.personal
    result = _PERSONAL_ACCOUNT if realm.personal else _EXISTS if exists else _UNKNOWN_NAME
    credentials: dict[str, Any] = {"PrefCredential": _PROVIDER if provider else _PASSWORD, "HasPassword": True}
    credentials |= dict.fromkeys(
        ("RemoteNgcParams", "FidoParams", "SasParams", "CertAuthParams", "GoogleParams", "FacebookParams")
    )
    if provider:
        credentials["FederationRedirectUrl"] = realm.sign_in_url
    domain_type = _PERSONAL_DOMAIN if realm.personal else _DOMAIN_TYPES[realm.kind]
    return {
        "Username": username,
        "Display": username,
        "IfExistsResult": result,
        "IsUnmanaged": False,
        "ThrottleStatus": 0,
        "Credentials": credentials,
        "EstsProperties": {"UserTenantBranding": None, "DomainType": domain_type},
        "IsSignupDisallowed": True,
    }
