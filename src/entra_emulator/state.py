"""The state of one emulator, with lookups."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .faults import Fault
from .ids import PERSONAL
from .microsoft_apps import microsoft_apps
from .model import App, Grant, Settings, Tenant, User
from .refresh_tokens import RefreshTokens
from .resources import Resource, find_first_party, find_registered
from .throttling import Throttle

Found = TypeVar("Found")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def as_guid(text: str) -> str | None:
    """Return the GUID in lower case; None if the text is not a GUID. Braces and URN forms are not accepted."""
    lower = text.lower()
    return lower if _GUID.fullmatch(lower) else None


def _required(found: Found | None, noun: str, name: str) -> Found:
    if found is None:
        raise LookupError(f"The emulator's settings name the {noun} '{name or 'to start with'}', and there is none.")
    return found


@dataclass
class State:
    """Tenants and applications by id, injected faults, limits of the APIs, refresh tokens.

    You can change it while the emulator runs.
    """

    tenants: dict[str, Tenant] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    faults: list[Fault] = field(default_factory=list)
    throttles: list[Throttle] = field(default_factory=list)
    refresh_tokens: RefreshTokens = field(default_factory=RefreshTokens, repr=False)
    _microsoft_apps: dict[str, App] = field(default_factory=dict, repr=False)

    @property
    def users(self) -> list[User]:
        """Every user of every tenant."""
        return [user for tenant in self.tenants.values() for user in tenant.users]

    @property
    def grants(self) -> list[Grant]:
        """Every consent of every tenant."""
        return [grant for tenant in self.tenants.values() for grant in tenant.grants]

    def tenant(self, name: str, realm: str | None = None) -> Tenant | None:
        """Return a tenant by id or verified domain, if it exists in the cloud `realm` (None: any cloud).

        `consumers` and its id name the tenant of personal accounts, which always exists.
        """
        wanted = name.lower()
        if wanted in ("consumers", PERSONAL):
            self._add_personal()
            wanted = PERSONAL
        found = self.tenants.get(wanted) or next(
            (tenant for tenant in self.tenants.values() if wanted in (domain.lower() for domain in tenant.domains)),
            None,
        )
        if found and realm and found.cloud and found.cloud != realm:
            return None
        return found

    def answered(self, name: str) -> None:
        """Count a request that a tenant answered; one that has no more answers left is deleted."""
        tenant = self.tenant(name)
        if tenant and tenant.vanishes_after:
            tenant.vanishes_after -= 1
            if not tenant.vanishes_after:
                del self.tenants[tenant.id]

    def _add_personal(self) -> None:
        if PERSONAL not in self.tenants:
            self.tenants[PERSONAL] = Tenant(PERSONAL, "Personal accounts", ["outlook.com"], cloud="public")

    def user(self, name: str) -> tuple[Tenant, User] | None:
        """Return a user by object id or UPN, with the home tenant."""
        for tenant in self.tenants.values():
            if (user := tenant.user(name)) and user.home in ("", tenant.id):
                return tenant, user
        return None

    def resource(self, identifier: str, tenant: Tenant, realm: str | None) -> Resource | None:
        """Return the API with this identifier URI or application id; None if the tenant has no such principal."""
        if found := find_first_party(identifier, realm):
            return None if found.app_id in tenant.without else found
        return self._own_resource(identifier, tenant) or self._registered_resource(identifier, tenant, realm)

    @staticmethod
    def _registered_resource(identifier: str, tenant: Tenant, realm: str | None) -> Resource | None:
        found = find_registered(identifier, realm)
        return None if found is None or found.app_id in tenant.without else found

    def _own_resource(self, identifier: str, tenant: Tenant) -> Resource | None:
        """Return an application of the tenant as an API."""
        for app in self.apps.values() if tenant.personal else self._installed(tenant):
            resource = self.app_resource(app)
            if resource.answers_to(identifier, None):
                # Personal accounts get no v1.0 tokens.
                return replace(resource, token_version=2) if tenant.personal else resource
        return None

    def app(self, app_id: str) -> App | None:
        """Return an application by id: from the configuration, or a public client of Microsoft's."""
        if found := self.apps.get(app_id) or self._microsoft_apps.get(app_id):
            return found
        known = microsoft_apps().get(app_id)
        return self._microsoft_apps.setdefault(app_id, known.registration()) if known else None

    @property
    def every_app(self) -> list[App]:
        """Return the applications in the configuration and Microsoft's public clients."""
        return [
            *self.apps.values(),
            *(app for name in microsoft_apps() if name not in self.apps and (app := self.app(name))),
        ]

    @staticmethod
    def app_resource(app: App) -> Resource:
        """Return an application as an API."""
        return Resource(
            app_id=app.id,
            name=app.name,
            identifiers={"": app.identifier_uris},
            token_version=app.token_version,
            optional_claims=tuple(app.optional_claims),
            personal=app.personal,
            group_claims=app.group_claims,
            registered=True,
        )

    def _installed(self, tenant: Tenant) -> Iterator[App]:
        for principal in tenant.principals:
            if app := self.apps.get(principal.app):
                yield app

    def resold(self, partner: Tenant) -> list[Tenant]:
        """Return the tenants that have or had a relationship with a partner: it sells to them, whatever it may do."""
        return [
            tenant
            for tenant in self.tenants.values()
            if any(relationship.partner == partner.id for relationship in tenant.relationships)
        ]

    def customers(self, partner: Tenant) -> list[Tenant]:
        """Return the tenants in which a partner may act through an active relationship."""
        return [
            tenant
            for tenant in self.tenants.values()
            if any(
                relationship.partner == partner.id and relationship.status == "active"
                for relationship in tenant.relationships
            )
        ]

    @property
    def default_tenant(self) -> Tenant:
        """The tenant in the environment variables."""
        name = self.settings.tenant
        first = next((tenant for tenant in self.tenants.values() if not tenant.personal), None)
        return _required(self.tenant(name) if name else first, "tenant", name)

    @property
    def default_app(self) -> App:
        """The application in the environment variables."""
        name = self.settings.app
        return _required(self.apps.get(name) if name else next(iter(self.apps.values()), None), "app", name)

    @property
    def default_user(self) -> User | None:
        """The user whose refresh token is in the environment; None if the default tenant has no users."""
        if name := self.settings.user:
            return _required(self.user(name), "user", name)[1]
        return next(iter(self.default_tenant.users), None)

    @property
    def default_customer(self) -> Tenant | None:
        """A customer of the default tenant, if it has one."""
        if name := self.settings.customer:
            return _required(self.tenant(name), "customer", name)
        return next(iter(self.customers(self.default_tenant)), None)
