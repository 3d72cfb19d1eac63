"""Create tenants, applications, users and policies in a running emulator, with one line in a test for each."""

from collections.abc import Iterable
from typing import Any

from . import resources
from .checks import ConfigError, check_app, check_policy, check_roles, check_user
from .config import complete
from .ids import personal_id
from .model import App, Grant, Group, Policy, Secret, ServicePrincipal, Tenant, User, new_id
from .state import State
from .strict import make

_BY_NAME = {
    "graph": resources.GRAPH,
    "arm": resources.ARM,
    "partner": resources.PARTNER_CENTER,
    "vault": resources.KEY_VAULT,
    "acr": resources.CONTAINER_REGISTRY,
}


class Directory:
    """The changes to the state that the emulator and its admin API share.

    A tenant is named by id or domain, an application by id, a user by id or UPN, a resource also by `graph`, `arm`,
    `partner` or `vault`.
    """

    state: State

    def add_tenant(self, name: str, *domains: str, **fields: Any) -> Tenant:
        """Add a tenant. Without a domain it gets one derived from its name."""
        domain = "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum()) or "tenant"
        tenant = make(Tenant, id=new_id(), name=name, domains=list(domains) or [f"{domain}.onmicrosoft.com"], **fields)
        self.state.tenants[tenant.id] = tenant
        return tenant

    def add_app(self, name: str, tenant: str | Tenant = "", *, secret: str = "", **fields: Any) -> App:
        """Add an application with its service principal in the home tenant, and a random secret if none is given.

        :param tenant: the home tenant; the default one if empty.
        :param fields: fields of the class App: audience, public, redirect_uris …
        """
        home = self.find_tenant(tenant)
        app = make(App, id=new_id(), name=name, tenant=home.id, **fields)
        check_app(app)
        if secret:
            app.secrets.append(Secret(secret))
        self.state.apps[app.id] = app
        complete(self.state, app)
        return app

    def add_user(self, upn: str, tenant: str | Tenant = "", *, name: str = "", **fields: Any) -> User:
        """Add a user to `tenant`; if empty, to the tenant with the UPN's domain, else to the default one.

        The password is that of all users (`settings.password`) unless you give another one. In the tenant `consumers`
        the user is a personal account, whose id begins with zeros.
        """
        home = self.find_tenant(tenant or (upn.partition("@")[2] if self.state.tenant(upn.partition("@")[2]) else ""))
        secret = {"password": self.state.settings.password, **fields}
        user = make(User, upn=upn, name=name or upn.partition("@")[0].title(), **secret)
        check_user(user)
        if home.personal:
            user.id = personal_id(user.id)
        home.users.append(user)
        return user

    def add_group(
        self, name: str, members: Iterable[str | User] = (), tenant: str | Tenant = "", **fields: Any
    ) -> Group:
        """Add a group. `members`: users, or names as in the class Group; `fields` are those of that class."""
        named = [member.id if isinstance(member, User) else member for member in members]
        group = make(Group, name, members=named, **fields)
        check_roles(f"group '{name}'", group.roles)
        self.find_tenant(tenant).groups.append(group)
        return group

    def add_policy(self, require: str, tenant: str | Tenant = "", *, name: str = "", **fields: Any) -> Policy:
        """Add a Conditional Access policy. `require` is one of conditions.REQUIREMENTS; `fields` are its conditions."""
        listed = [self.find_resource(name) for name in fields.pop("resources", [])]
        policy, where = (
            make(Policy, name or f"Require {require}", require, resources=listed, **fields),
            self.find_tenant(tenant),
        )
        check_policy(policy, where)
        where.policies.append(policy)
        return policy

    def grant(
        self,
        app: str | App,
        resource: str | App,
        scopes: Iterable[str] = (),
        roles: Iterable[str] = (),
        tenant: str | Tenant = "",
        user: str = "",
    ) -> Grant:
        """Consent: `app` may act on `resource` with delegated `scopes` of one `user` or all, and `roles` of its own.

        The application gets a service principal in the tenant if it has none.
        """
        client, where = self.find_app(app), self.find_tenant(tenant)
        made = Grant(client.id, self.find_resource(resource), list(scopes), list(roles), user)
        self._check_permissions(made)
        if not where.principal(client.id):
            where.principals.append(ServicePrincipal(app=client.id))
        where.grants.append(made)
        return made

    def _check_permissions(self, grant: Grant) -> None:
        """Check that a resource which declares scopes or roles declares those of the grant.

        :raises ConfigError: one is not declared.
        """
        api = self.state.apps.get(grant.resource)
        if api is None:
            return
        declared = (
            ("scopes", grant.scopes, api.scopes),
            ("roles", grant.roles, [role.value for role in api.app_roles]),
        )
        for kind, wanted, known in declared:
            for name in wanted if known else ():
                if name not in known:
                    raise ConfigError(f"'{api.name}' declares no '{name}' among its {kind}: {', '.join(known)}")

    def find_tenant(self, name: str | Tenant = "") -> Tenant:
        """Return a tenant by id or domain; the default one for an empty name.

        :raises LookupError: it does not exist.
        """
        if isinstance(name, Tenant):
            return name
        found = self.state.tenant(name) if name else self.state.default_tenant
        if found is None:
            raise LookupError(f"The emulator has no tenant '{name}'.")
        return found

    def find_app(self, name: str | App = "") -> App:
        """Return an application by id; the default one for an empty name.

        :raises LookupError: it does not exist.
        """
        if isinstance(name, App):
            return name
        found = self.state.app(name) if name else self.state.default_app
        if found is None:
            raise LookupError(f"The emulator has no application '{name}'.")
        return found

    def find_user(self, name: str | User) -> tuple[Tenant, User]:
        """Return a user by id or UPN, with the home tenant.

        :raises LookupError: it does not exist.
        """
        found = self.state.user(name.id if isinstance(name, User) else name)
        if found is None:
            raise LookupError(f"The emulator has no user '{name}'.")
        return found

    def find_resource(self, name: str | App) -> str:
        """Return the application id of a resource.

        :raises LookupError: no application has this resource.
        """
        if isinstance(name, App):
            return name.id
        if known := _BY_NAME.get(name) or (name if name in self.state.apps else ""):
            return known
        if found := resources.find_first_party(name, None):
            return found.app_id
        for app in self.state.apps.values():
            if any(resources.matches(uri, name.lower().rstrip("/")) for uri in app.identifier_uris):
                return app.id
        raise LookupError(f"The emulator knows no resource '{name}'.")
