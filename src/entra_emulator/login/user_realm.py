"""User realm discovery: whether Entra or another identity provider checks the password of a user's domain.

Sources: recordings of api-version 1.0; for 2.1 and GetUserRealm.srf, the answers that AADInternals and other tools
read. The hosts of a federation are invented.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from entra_emulator.state import State

from .exchange import Exchange

_AUDIENCE = "urn:federation:MicrosoftOnline"
_LIVE_SERVICE = "https://login.live.com/rst2.srf"


@dataclass(frozen=True)
class Realm:
    """The identity provider of a user name. `kind` is Managed, Federated or Unknown."""

    login: str
    domain: str
    kind: str
    brand: str = ""
    personal: bool = False

    @property
    def sign_in_url(self) -> str:
        """Where a federated domain's sign-in page is."""
        query = f"username={quote(self.login, '')}&wa=wsignin1.0&wtrealm={quote(_AUDIENCE, '')}&wctx="
        host = "login.live.com/login.srf" if self.personal else f"sts.{quote(self.domain)}/adfs/ls/"
        return f"https://{host}?{query}"


def is_federated(state: State, username: str) -> bool:
    """Whether another identity provider signs in the users of the name's domain."""
    domain = username.rpartition("@")[2].lower()
    return any(domain in (one.lower() for one in tenant.federated_domains) for tenant in state.tenants.values())


def find(exchange: Exchange, username: str) -> Realm:
    """The realm of a user name, or of a domain."""
    state = exchange.world.state
    domain = username.rpartition("@")[2].lower()
    tenant, user = state.tenant(domain, exchange.realm), state.user(username)
    if (user and user[0].personal) or (tenant and tenant.personal):
        return Realm(username, "live.com", "Federated", "MSA Realms", personal=True)
    if tenant is None:
        return Realm(username, domain, "Unknown")
    return Realm(username, domain, "Federated" if is_federated(state, username) else "Managed", tenant.name)


def version_one(exchange: Exchange, realm: Realm) -> dict[str, Any]:
    """The answer of api-version 1.0, members as recorded."""
    body: dict[str, Any] = {"ver": "1.0", "account_type": realm.kind}
    if realm.kind != "Unknown":
        body["domain_name"] = realm.domain
    if realm.kind == "Federated":
        service = f"https://sts.{quote(realm.domain)}/adfs/services/trust"
        body |= {
            "federation_protocol": "WSTrust",
            "federation_metadata_url": "" if realm.personal else f"{service}/mex",
            "federation_active_auth_url": _LIVE_SERVICE if realm.personal else f"{service}/2005/usernamemixed",
        }
    return body | {"cloud_instance_name": exchange.site.cloud.instance, "cloud_audience_urn": _AUDIENCE}


def version_two(exchange: Exchange, realm: Realm) -> dict[str, Any]:
    """The answer of api-version 2.1, which the sign-in page reads."""
    body: dict[str, Any] = {"NameSpaceType": realm.kind, "Login": realm.login}
    if realm.kind != "Unknown":
        body |= {"DomainName": realm.domain, "FederationBrandName": realm.brand, "TenantBrandingInfo": None}
    if realm.kind == "Federated":
        body |= {"federation_protocol": "WSTrust", "AuthURL": realm.sign_in_url}
    return body | {"cloud_instance_name": exchange.site.cloud.instance}


def srf(exchange: Exchange, realm: Realm) -> dict[str, Any]:
    """The members of GetUserRealm.srf."""
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
    """The same as XML, where IsFederatedNS stands beside the domain."""
    members: dict[str, Any] = {}
    for name, value in srf(exchange, realm).items():
        members[name] = value
        if name == "DomainName":
            members["IsFederatedNS"] = str(realm.kind == "Federated").lower()
    parts = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in members.items())
    return f'<RealmInfo Success="true">{parts}</RealmInfo>'
