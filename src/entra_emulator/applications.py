"""Application registrations: who may use them, in which tenants they exist, and how they authenticate."""

from dataclasses import dataclass, field
from typing import Any

from .ids import new_id
from .strict import Strict

GROUP_CLAIMS = ("", "SecurityGroup", "DirectoryRole", "ApplicationGroup", "All")
AUDIENCES = ("single", "multiple", "all", "personal")


@dataclass
class Secret(Strict):
    """A client secret. `expires_on` is in epoch seconds, None for never; `starts_on` is only displayed."""

    value: str = field(repr=False)
    expires_on: float | None = None
    name: str = ""
    id: str = field(default_factory=new_id)
    starts_on: float | None = None


@dataclass
class Certificate(Strict):
    """A certificate (PEM) whose key may sign the application's assertions."""

    pem: str
    name: str = ""


@dataclass
class TrustedSubject(Strict):
    """Certificates that an application trusts by name: any with this `subject` (RFC 4514) from `authority` (PEM)."""

    subject: str
    authority: str


@dataclass
class FederatedCredential(Strict):
    """A federated credential: tokens of `issuer` (a URL with OpenID discovery) for `subject` authenticate the app."""

    issuer: str
    subject: str
    audiences: list[str] = field(default_factory=lambda: ["api://AzureADTokenExchange"])
    name: str = ""
    id: str = field(default_factory=new_id)
    description: str = ""


@dataclass
class AppRole(Strict):
    """A role that an API declares. `members`: who may have it, `User`, `Application` or both."""

    value: str
    name: str = ""
    description: str = ""
    members: list[str] = field(default_factory=lambda: ["Application"])
    enabled: bool = True
    id: str = field(default_factory=new_id)


@dataclass
class RequiredPermissions(Strict):
    """The permissions of one API (application id) that an application declares: delegated `scopes` and `roles`."""

    resource: str
    scopes: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)


@dataclass
class App(Strict):
    """An application registration.

    `audience` is who may use it: its own tenant (`single`), any tenant (`multiple`), any and personal accounts (`all`),
    or only these (`personal`). `resources`: the APIs (application ids) it may request; empty means all. `scopes`: the
    delegated permissions it offers as an API; empty means all that are granted. `permissions`: what consent to
    `.default` and the admin consent endpoint grant. `approved` and `protected`: it satisfies the policies
    `approved_app` and `app_protection`.
    `refresh_in`: responses with day-long tokens say when to renew them, after half of the life. Entra ID does so for
    some applications: recordings of azure-sdk-for-python have it, others do not.
    `logout_url`: called when a user signs out (OpenID Connect Front-Channel Logout 1.0).
    `id_tokens` and `access_tokens`: the authorization endpoint may issue them (implicit and hybrid flows).
    `blueprint`: the application is an agent identity; tokens that this other application gets for it authenticate it.
    `optional_claims` are those of access tokens for it as an API, `id_token_claims` those of its ID tokens, by name
    with their additional properties after a colon (`upn:include_externally_authenticated_upn`). `group_claims`: which
    groups of a user both kinds of token contain (groupMembershipClaims), one of GROUP_CLAIMS.
    `app_roles`: the roles it declares as an API. `properties`: values that Graph stores and that have no effect.
    """

    id: str
    name: str
    tenant: str
    audience: str = "single"
    public: bool = False
    enabled: bool = True
    family: bool = False
    single_use_refresh_tokens: bool = False
    refresh_in: bool = False
    secrets: list[Secret] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    trusted_subjects: list[TrustedSubject] = field(default_factory=list)
    federated: list[FederatedCredential] = field(default_factory=list)
    blueprint: str = ""
    redirect_uris: list[str] = field(default_factory=list)
    spa_redirect_uris: list[str] = field(default_factory=list)
    logout_url: str = ""
    id_tokens: bool = False
    access_tokens: bool = False
    identifier_uris: list[str] = field(default_factory=list)
    token_version: int = 1
    optional_claims: list[str] = field(default_factory=list)
    id_token_claims: list[str] = field(default_factory=list)
    group_claims: str = ""
    resources: list[str] = field(default_factory=list)
    permissions: list[RequiredPermissions] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    approved: bool = False
    protected: bool = False
    app_roles: list[AppRole] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def personal(self) -> bool:
        """True if personal accounts may use it."""
        return self.audience in ("all", "personal")
