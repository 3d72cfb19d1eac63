"""The data of an Entra ID: tenants, applications, users, consents. They are plain values, which tests may change.

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
from .user_flows import UserFlow
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
    "UserFlow",
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
    factors; if they include `security_key`, the pages offer one when it is required. `risk` and `sign_in_risk`: none,
    low, medium or high. `accepted_terms`: the user has accepted the terms of use. `pending`: a guest who has not
    accepted the invitation. `needs_age_consent`: a minor without a parent's consent. `properties`: values that Graph
    stores and that have no effect, such as `jobTitle`.
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

    `tokens_valid_from` (epoch seconds): its own earlier tokens are revoked.
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
        """Return whether a user of the partner may act in this tenant, by name or through a group."""
        if self.partner != partner.id or self.status != "active":
            return False
        named = {name.lower() for name in self.users}
        wanted = {name.lower() for name in self.groups}
        return bool(named & {user.id, user.upn.lower()}) or any(
            wanted & {group.id, group.name.lower()} for group in partner.groups_of(user.id, user.upn)
        )


@dataclass
class Tenant(Strict):
    """A directory. An empty `cloud` means every cloud. `without`: resources (application ids) it lacks.
    `region`: its tenant_region_scope (NA, EU, AS, WW …). `language`: its preferred one (`en`).

    `federated_domains`: those of its domains whose users sign in elsewhere. `user_consent`: users may consent for
    themselves to permissions that need no administrator.

    `disabled_resources`: those that an administrator disabled. `security_defaults`: everybody needs multi-factor
    authentication, and risky sign-ins are blocked. `mfa_valid_in`: seconds until multi-factor authentication must be
    repeated, 0 for never. `password_agent`: the state of the on-premises agent that checks passwords: "" (no agent),
    "ok", "unavailable", "timeout", "error" or "failing". `inbound_blocked`, `outbound_blocked`: tenants (ids) whose
    users may not enter, or which its own users may not enter. `request_limit`: token requests per minute before
    throttling, 0 for no limit. `user_flows`: those of Azure AD B2C. `custom_domains`: hosts at which it signs users in,
    below `.test`. `azure_mfa`: users change things in Azure only with multi-factor authentication. `vanishes_after`:
    requests that it still answers before it is deleted, 0 for never.
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
    user_flows: list[UserFlow] = field(default_factory=list)
    custom_domains: list[str] = field(default_factory=list)
    vanishes_after: int = 0
    azure_mfa: bool = False

    @property
    def personal(self) -> bool:
        """True for the tenant of all personal Microsoft accounts."""
        return self.id == PERSONAL

    @property
    def domain(self) -> str:
        """The default domain; the id of a tenant without a domain."""
        return self.domains[0] if self.domains else self.id

    def serves(self, host: str) -> bool:
        """Return whether a host of External ID or B2C (`NAME.ciamlogin.com`) or a custom domain is this tenant's."""
        name = host.partition(".")[0]
        own = {
            self.id,
            *(domain.lower().partition(".onmicrosoft.")[0] for domain in self.domains if ".onmicrosoft." in domain),
        }
        return name in own or host in self.custom_domains

    def user_flow(self, name: str) -> UserFlow | None:
        """A user flow by name, in any letter case."""
        return next((flow for flow in self.user_flows if flow.name.lower() == name.lower()), None)

    def user(self, name: str) -> User | None:
        """A user by object id or UPN."""
        wanted = name.lower()
        return next((user for user in self.users if wanted in (user.id.lower(), user.upn.lower())), None)

    def group(self, name: str) -> Group | None:
        """A group by object id or name."""
        wanted = name.lower()
        return next((group for group in self.groups if wanted in (group.id.lower(), group.name.lower())), None)

    def groups_of(self, *names: str) -> list[Group]:
        """Return the groups of a member, direct and nested; `names` are its id, UPN or application id."""
        belongs: list[Group] = []
        wanted = {name.lower() for name in names if name}
        while more := [
            group for group in self.groups if group not in belongs and wanted & {name.lower() for name in group.members}
        ]:
            belongs += more
            wanted = {name.lower() for group in more for name in (group.id, group.name)}
        return belongs

    def principal(self, app_id: str) -> ServicePrincipal | None:
        """An application's service principal here."""
        return next((principal for principal in self.principals if principal.app == app_id), None)


@dataclass
class Settings(Strict):
    """The emulator's behavior, and the identities in its environment variables (empty means the first of each).

    `password`: that of every user without one of their own.

    `loop_limit`: how often a client may repeat one token request within five minutes, 0 for no limit.

    `address`: the source IP address of requests without X-Forwarded-For.
    """

    description_separator: str = "space"
    tenant: str = ""
    app: str = ""
    user: str = ""
    customer: str = ""
    password: str = "emulator"
    loop_limit: int = 0
    address: str = "127.0.0.1"
