"""What an Entra ID knows: tenants, applications, users, consents. Plain mutable values; tests change them as they like.

The same classes describe the configuration file: every field is a key of the TOML table with the class's plural name.
"""

from dataclasses import dataclass, field
from typing import Any

from .applications import (
    AUDIENCES,
    GROUP_CLAIMS,
    App,
    AppRole,
    Certificate,
    FederatedCredential,
    RequiredPermissions,
    Secret,
    TrustedSubject,
)
from .conditions import Device, Location, Policy
from .groups import Group
from .ids import PERSONAL, new_id
from .refresh_tokens import RefreshToken
from .strict import Strict
from .subscriptions import ResourceGroup, RoleAssignment, Subscription
from .vaults import Vault

__all__ = [
    "AUDIENCES",
    "GROUP_CLAIMS",
    "PASSWORD_AGENTS",
    "RELATIONSHIP_STATES",
    "App",
    "AppRole",
    "Certificate",
    "Device",
    "FederatedCredential",
    "Grant",
    "Group",
    "Location",
    "Policy",
    "RefreshToken",
    "Relationship",
    "RequiredPermissions",
    "ResourceGroup",
    "RoleAssignment",
    "Secret",
    "ServicePrincipal",
    "Settings",
    "Subscription",
    "Tenant",
    "TrustedSubject",
    "User",
    "Vault",
    "new_id",
]


RELATIONSHIP_STATES = (
    "activating",
    "active",
    "approvalPending",
    "approved",
    "created",
    "expired",
    "expiring",
    "terminated",
    "terminating",
    "terminationRequested",
)
"""Source: learn.microsoft.com/graph/api/resources/delegatedadminrelationship, "status"."""

PASSWORD_AGENTS = ("", "ok", "unavailable", "timeout", "error", "failing")


@dataclass
class User(Strict):
    """A person. `mfa`: signs in with multi-factor authentication; `mfa_required`: may not get a token without it.

    `tokens_valid_from` (epoch seconds): sign-ins before it are revoked. `roles`: directory role names or template ids.
    `home`: for a guest, the tenant (id or domain) where the user of the same UPN lives. `agent`: the user account of an
    agent identity, by the agent's application id.

    `password`: empty is none. `locked_until`: too many wrong passwords, epoch seconds. `methods`: registered second
    factors; with `security_key` among them the pages offer one where it is needed. `risk` and `sign_in_risk`: none,
    low, medium or high. `accepted_terms`: of use. `pending`: a guest who has not accepted the invitation.
    `needs_age_consent`: a minor without a parent's consent. `properties`: what Graph keeps of them without any effect,
    such as `jobTitle`.
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
    password: str = field(default="", repr=False)
    password_expired: bool = False
    failed_sign_ins: int = 0
    locked_until: float = 0.0
    methods: list[str] = field(default_factory=lambda: ["authenticator"])
    risk: str = "none"
    sign_in_risk: str = "none"
    accepted_terms: bool = False
    pending: bool = False
    needs_age_consent: bool = False
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass
class ServicePrincipal(Strict):
    """An application as it exists in one tenant. `assigned`: users (ids or UPNs) and groups (ids or names) that may use
    it if `assignment_required`; those with a role of the application may, too.

    `tokens_valid_from` (epoch seconds): its own tokens from before are revoked.
    """

    app: str
    id: str = field(default_factory=new_id)
    enabled: bool = True
    assignment_required: bool = False
    assigned: list[str] = field(default_factory=list)
    tokens_valid_from: float = 0.0


@dataclass
class Grant(Strict):
    """Consent in one tenant: `app` may act on `resource` with delegated `scopes` and application `roles`.

    `user` limits the scopes to one user (id or UPN); empty is an administrator's consent for everyone. Roles beside a
    `user`, or a group (id or name) in its place, are roles of that user or group at the resource.
    """

    app: str
    resource: str
    scopes: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    user: str = ""


@dataclass
class Relationship(Strict):
    """Granular delegated admin privileges: users of `partner` may act in the tenant that holds this, with `roles`.

    `groups` names security groups of the partner (ids or names) whose members may, too. `status` is one of
    RELATIONSHIP_STATES; only an active one gives access. `created_on`, `activated_on` and `ends_on` are epoch seconds,
    0 for two years around the emulator's clock. `extends_in`: days by which it extends itself, 0 for none.
    """

    partner: str
    users: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    status: str = "active"
    name: str = ""
    id: str = field(default_factory=new_id)
    groups: list[str] = field(default_factory=list)
    created_on: float = 0.0
    activated_on: float = 0.0
    ends_on: float = 0.0
    extends_in: int = 0

    def admits(self, partner: "Tenant", user: User) -> bool:
        """Whether it lets a user of the partner work in the tenant that holds it, by name or through a group."""
        if self.partner != partner.id or self.status != "active":
            return False
        named = {name.lower() for name in self.users}
        wanted = {name.lower() for name in self.groups}
        return bool(named & {user.id, user.upn.lower()}) or any(
            wanted & {one.id, one.name.lower()} for one in partner.groups_of(user.id, user.upn)
        )


@dataclass
class Tenant(Strict):
    """A directory. `cloud` empty: it answers in every cloud. `without`: resources (application ids) it lacks.
    `region`: its tenant_region_scope (NA, EU, AS, WW …). `language`: its preferred one (`en`).

    `federated_domains`: of its domains those whose users sign in elsewhere. `user_consent`: people may consent for
    themselves to what needs no administrator.

    `disabled_resources`: those an administrator switched off. `security_defaults`: everybody needs multi-factor
    authentication, risky sign-ins are blocked. `mfa_valid_in`: seconds until multi-factor authentication has to be done
    anew, 0 for never. `password_agent`: who checks passwords on premises: "" (nobody), "ok", "unavailable", "timeout",
    "error" or "failing". `inbound_blocked`, `outbound_blocked`: tenants (ids) whose users may not come in, or to which
    its own users may not go. `request_limit`: token requests in a minute before they are throttled, 0 for no limit.
    """

    id: str
    name: str
    domains: list[str] = field(default_factory=list)
    cloud: str = ""
    country: str = "US"
    region: str = "WW"
    language: str = "en"
    users: list[User] = field(default_factory=list)
    principals: list[ServicePrincipal] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    relationships: list[Relationship] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    federated_domains: list[str] = field(default_factory=list)
    user_consent: bool = True
    disabled_resources: list[str] = field(default_factory=list)
    enabled: bool = True
    security_defaults: bool = False
    mfa_valid_in: float = 0.0
    password_agent: str = ""
    devices: list[Device] = field(default_factory=list)
    locations: list[Location] = field(default_factory=list)
    inbound_blocked: list[str] = field(default_factory=list)
    outbound_blocked: list[str] = field(default_factory=list)
    request_limit: int = 0
    vaults: list[Vault] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    @property
    def personal(self) -> bool:
        """Whether this is the tenant of all personal Microsoft accounts."""
        return self.id == PERSONAL

    @property
    def domain(self) -> str:
        """The default domain; a tenant without one goes by its id."""
        return self.domains[0] if self.domains else self.id

    def user(self, name: str) -> User | None:
        """A user by object id or UPN."""
        wanted = name.lower()
        return next((one for one in self.users if wanted in (one.id.lower(), one.upn.lower())), None)

    def group(self, name: str) -> Group | None:
        """A group by object id or name."""
        wanted = name.lower()
        return next((one for one in self.groups if wanted in (one.id.lower(), one.name.lower())), None)

    def groups_of(self, *names: str) -> list[Group]:
        """The groups that a member belongs to, directly or through other groups; `names`: its id, UPN, application."""
        belongs: list[Group] = []
        wanted = {name.lower() for name in names if name}
        while more := [
            one for one in self.groups if one not in belongs and wanted & {name.lower() for name in one.members}
        ]:
            belongs += more
            wanted = {name.lower() for one in more for name in (one.id, one.name)}
        return belongs

    def principal(self, app_id: str) -> ServicePrincipal | None:
        """An application's service principal here."""
        return next((one for one in self.principals if one.app == app_id), None)


@dataclass
class Settings(Strict):
    """How the emulator behaves, and whom its environment variables speak of (empty: the first of each).

    `password`: of every user who has none of their own.

    `loop_limit`: how often a client may repeat one token request within five minutes, 0 for no limit.

    `address`: the IP address that requests come from which do not say by X-Forwarded-For that it is another one.
    """

    description_separator: str = "space"
    tenant: str = ""
    app: str = ""
    user: str = ""
    customer: str = ""
    password: str = "emulator"
    loop_limit: int = 0
    address: str = "127.0.0.1"
