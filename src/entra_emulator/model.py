"""What an Entra ID knows: tenants, applications, users, consents. Plain mutable values; tests change them as they like.

The same classes describe the configuration file: every field is a key of the TOML table with the class's plural name.
"""

import uuid
from dataclasses import dataclass, field


def new_id() -> str:
    """A fresh GUID in Entra's lower-case form."""
    return str(uuid.uuid4())


@dataclass
class Secret:
    """A client secret. `expires_on` in epoch seconds, None for never."""

    value: str = field(repr=False)
    expires_on: float | None = None
    name: str = ""


@dataclass
class Certificate:
    """A certificate an application may sign its assertions with, PEM."""

    pem: str
    name: str = ""


@dataclass
class TrustedSubject:
    """Certificates an application trusts by name: any with this `subject` (RFC 4514) from the `authority`, PEM."""

    subject: str
    authority: str


@dataclass
class FederatedCredential:
    """Whose tokens prove an application: those of `issuer` (a URL with OpenID discovery) about `subject`."""

    issuer: str
    subject: str
    audiences: list[str] = field(default_factory=lambda: ["api://AzureADTokenExchange"])
    name: str = ""


@dataclass
class App:
    """An application registration. `audience` is who may use it: its own tenant (`single`) or any (`multiple`).

    `blueprint`: the application is an agent identity, proved by tokens that this other application gets for it.
    """

    id: str
    name: str
    tenant: str
    audience: str = "single"
    public: bool = False
    enabled: bool = True
    family: bool = False
    single_use_refresh_tokens: bool = False
    secrets: list[Secret] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    trusted_subjects: list[TrustedSubject] = field(default_factory=list)
    federated: list[FederatedCredential] = field(default_factory=list)
    blueprint: str = ""
    identifier_uris: list[str] = field(default_factory=list)
    token_version: int = 1
    optional_claims: list[str] = field(default_factory=list)


@dataclass
class User:
    """A person. `mfa`: signs in with multi-factor authentication; `mfa_required`: may not get a token without it.

    `tokens_valid_from` (epoch seconds): sign-ins before it are revoked. `roles`: directory role names or template ids.
    `home`: for a guest, the tenant (id or domain) where the user of the same UPN lives. `agent`: the user account of an
    agent identity, by the agent's application id.
    """

    upn: str
    name: str
    id: str = field(default_factory=new_id)
    given_name: str = ""
    family_name: str = ""
    mail: str = ""
    enabled: bool = True
    mfa: bool = False
    mfa_required: bool = False
    tokens_valid_from: float = 0.0
    roles: list[str] = field(default_factory=list)
    home: str = ""
    agent: str = ""


@dataclass
class ServicePrincipal:
    """An application as it exists in one tenant."""

    app: str
    id: str = field(default_factory=new_id)
    enabled: bool = True


@dataclass
class Grant:
    """Consent in one tenant: `app` may act on `resource` with delegated `scopes` and application `roles`.

    `user` limits the scopes to one user (id or UPN); empty is an administrator's consent for everyone.
    """

    app: str
    resource: str
    scopes: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    user: str = ""


@dataclass
class Policy:
    """Conditional Access: `require` is `mfa` or `block`. Empty `resources`, `users`, `apps` mean all."""

    name: str
    require: str
    id: str = field(default_factory=new_id)
    enabled: bool = True
    resources: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    apps: list[str] = field(default_factory=list)


@dataclass
class Relationship:
    """Granular delegated admin privileges: users of `partner` may act in the tenant that holds this, with `roles`."""

    partner: str
    users: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    status: str = "active"
    name: str = ""
    id: str = field(default_factory=new_id)


@dataclass
class ResourceGroup:
    """A resource group of a subscription."""

    name: str
    location: str = "westeurope"


@dataclass
class Subscription:
    """An Azure subscription. `readers`: application ids, user ids or UPNs that may read it."""

    id: str
    name: str
    readers: list[str] = field(default_factory=list)
    resource_groups: list[ResourceGroup] = field(default_factory=list)


@dataclass
class Tenant:
    """A directory. `cloud` empty: it answers in every cloud. `without`: resources (application ids) it lacks."""

    id: str
    name: str
    domains: list[str] = field(default_factory=list)
    cloud: str = ""
    country: str = "US"
    users: list[User] = field(default_factory=list)
    principals: list[ServicePrincipal] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    relationships: list[Relationship] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    without: list[str] = field(default_factory=list)

    @property
    def domain(self) -> str:
        """The default domain; a tenant without one goes by its id."""
        return self.domains[0] if self.domains else self.id

    def user(self, name: str) -> User | None:
        """A user by object id or UPN."""
        wanted = name.lower()
        return next((one for one in self.users if wanted in (one.id.lower(), one.upn.lower())), None)

    def principal(self, app_id: str) -> ServicePrincipal | None:
        """An application's service principal here."""
        return next((one for one in self.principals if one.app == app_id), None)


@dataclass
class Settings:
    """How the emulator behaves, and whom its environment variables speak of (empty: the first of each)."""

    description_separator: str = "space"
    tenant: str = ""
    app: str = ""
    user: str = ""
    customer: str = ""


@dataclass
class RefreshToken:
    """What a refresh token stands for. Epoch seconds: `granted_on` is the sign-in, `issued_on` this very token."""

    app: str
    user: str
    home: str
    scopes: str
    granted_on: float
    issued_on: float
    amr: tuple[str, ...] = ("pwd",)
    used: bool = False
