"""All of one emulator's state, and how things in it are found."""

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

Found = TypeVar("Found")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def as_guid(text: str) -> str | None:
    """The GUID in its usual lower-case form, None if the text is none (braces and URN forms are not GUIDs here)."""
    lower = text.lower()
    return lower if _GUID.fullmatch(lower) else None


def _there(found: Found | None, what: str, name: str) -> Found:
    if found is None:
        raise LookupError(f"The emulator's settings name the {what} '{name or 'to start with'}', and there is none.")
    return found


@dataclass
class State:
    """Tenants and applications by id, injected failures, and refresh tokens. Change it while the emulator runs."""

    tenants: dict[str, Tenant] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    faults: list[Fault] = field(default_factory=list)
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
        """A tenant by id or verified domain, if it lives in the cloud `realm` (None: wherever it lives).

        `consumers` and its id mean that of personal accounts, which is always there.
        """
        wanted = name.lower()
        if wanted in ("consumers", PERSONAL):
            self._add_personal()
            wanted = PERSONAL
        found = self.tenants.get(wanted) or next(
            (one for one in self.tenants.values() if wanted in (domain.lower() for domain in one.domains)), None
        )
        if found and realm and found.cloud and found.cloud != realm:
            return None
        return found

    def _add_personal(self) -> None:
        if PERSONAL not in self.tenants:
            self.tenants[PERSONAL] = Tenant(PERSONAL, "Personal accounts", ["outlook.com"], cloud="public")

    def user(self, name: str) -> tuple[Tenant, User] | None:
        """A user by object id or UPN, in the tenant that is its home."""
        for tenant in self.tenants.values():
            if (user := tenant.user(name)) and user.home in ("", tenant.id):
                return tenant, user
        return None

    def resource(self, identifier: str, tenant: Tenant, realm: str | None) -> Resource | None:
        """The API an identifier URI or application id means in a tenant; None where it has no service principal."""
        if found := find_first_party(identifier, realm):
            return None if found.app_id in tenant.without else found
        return self._own_resource(identifier, tenant) or self._registered_resource(identifier, tenant, realm)

    @staticmethod
    def _registered_resource(identifier: str, tenant: Tenant, realm: str | None) -> Resource | None:
        found = find_registered(identifier, realm)
        return None if found is None or found.app_id in tenant.without else found

    def _own_resource(self, identifier: str, tenant: Tenant) -> Resource | None:
        """An application of the tenant as an API."""
        for app in self.apps.values() if tenant.personal else self._installed(tenant):
            resource = self.app_resource(app)
            if resource.answers_to(identifier, None):
                # Personal accounts have no v1.0 tokens.
                return replace(resource, token_version=2) if tenant.personal else resource
        return None

    def app(self, app_id: str) -> App | None:
        """An application by id: one of the configuration, or a public client of Microsoft's."""
        if found := self.apps.get(app_id) or self._microsoft_apps.get(app_id):
            return found
        known = microsoft_apps().get(app_id)
        return self._microsoft_apps.setdefault(app_id, known.registration()) if known else None

    @property
    def every_app(self) -> list[App]:
        """The applications of the configuration and the public clients of Microsoft's."""
        return [
            *self.apps.values(),
            *(app for name in microsoft_apps() if name not in self.apps and (app := self.app(name))),
        ]

    @staticmethod
    def app_resource(app: App) -> Resource:
        """An application as the API that it is."""
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

    def customers(self, partner: Tenant) -> list[Tenant]:
        """The tenants that an active relationship lets a partner work in."""
        return [
            tenant
            for tenant in self.tenants.values()
            if any(one.partner == partner.id and one.status == "active" for one in tenant.relationships)
        ]

    @property
    def default_tenant(self) -> Tenant:
        """The tenant the environment variables speak of."""
        name = self.settings.tenant
        first = next((one for one in self.tenants.values() if not one.personal), None)
        return _there(self.tenant(name) if name else first, "tenant", name)

    @property
    def default_app(self) -> App:
        """The application the environment variables speak of."""
        name = self.settings.app
        return _there(self.apps.get(name) if name else next(iter(self.apps.values()), None), "app", name)

    @property
    def default_user(self) -> User | None:
        """The user whose refresh token is in the environment; None if the default tenant has no users."""
        if name := self.settings.user:
            return _there(self.user(name), "user", name)[1]
        return next(iter(self.default_tenant.users), None)

    @property
    def default_customer(self) -> Tenant | None:
        """A customer of the default tenant, if it has one."""
        if name := self.settings.customer:
            return _there(self.tenant(name), "customer", name)
        return next(iter(self.customers(self.default_tenant)), None)
