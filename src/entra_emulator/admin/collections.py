"""The lists of the model as collections of the admin API: tenants, apps, and what a tenant has."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from entra_emulator import config
from entra_emulator.model import (
    App,
    Device,
    Grant,
    Location,
    Policy,
    Relationship,
    ServicePrincipal,
    Subscription,
    Tenant,
    User,
    Vault,
)
from entra_emulator.saved import plain
from entra_emulator.state import State

# By name in the URL: the class, and the fields by which one entry is named.
OF_TENANT: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    "users": (User, ("id", "upn")),
    "principals": (ServicePrincipal, ("id", "app")),
    "grants": (Grant, ()),
    "policies": (Policy, ("id", "name")),
    "relationships": (Relationship, ("id", "name")),
    "subscriptions": (Subscription, ("id", "name")),
    "devices": (Device, ("id", "name")),
    "locations": (Location, ("id", "name")),
    "vaults": (Vault, ("name",)),
}


class NotThere(LookupError):
    """No such collection or entry."""


class Collection:
    """One list: of entries of `kind`, named by `names`. `changed` is called with each entry added or changed."""

    def __init__(
        self, entries: list[Any], kind: type[Any], names: tuple[str, ...], changed: Callable[[Any], None]
    ) -> None:
        self.entries, self._kind, self._names, self._changed = entries, kind, names, changed

    def find(self, name: str) -> Any:
        """An entry by one of its names, or by its place in the list where entries have no name.

        :raises NotThere: there is none.
        """
        if not self._names and name.isdigit() and int(name) < len(self.entries):
            return self.entries[int(name)]
        for entry in self.entries:
            if name.lower() in (str(getattr(entry, field)).lower() for field in self._names):
                return entry
        raise NotThere(f"There is no '{name}'.")

    def add(self, values: Any) -> Any:
        """Add an entry of a configuration's form.

        :raises ConfigError: it is none.
        """
        entry = config.read(values, self._kind)
        self.entries.append(entry)
        try:
            self._changed(entry)
        except config.ConfigError:
            self.entries.remove(entry)
            raise
        return entry

    def change(self, name: str, values: Any) -> Any:
        """Set some fields of an entry.

        :raises NotThere: there is none.
        :raises ConfigError: a value does not fit; nothing is changed then.
        """
        entry = self.find(name)
        merged = config.read({**plain(entry), **_table(values)}, self._kind)
        before = {one.name: getattr(entry, one.name) for one in fields(entry)}
        _set(entry, {one.name: getattr(merged, one.name) for one in fields(entry)})
        try:
            self._changed(entry)
        except config.ConfigError:
            _set(entry, before)
            raise
        return entry

    def remove(self, name: str) -> None:
        """Take an entry away.

        :raises NotThere: there is none.
        """
        self.entries.remove(self.find(name))


def of_tenant(state: State, tenant: Tenant, name: str) -> Collection:
    """A collection of one tenant.

    :raises NotThere: there is no such collection.
    """
    if name not in OF_TENANT:
        raise NotThere(f"A tenant has no '{name}'; it has {', '.join(OF_TENANT)}.")
    kind, names = OF_TENANT[name]
    return Collection(getattr(tenant, name), kind, names, lambda _: config.check(state))


def add_tenant(state: State, values: Any) -> Tenant:
    """:raises ConfigError: the values are no tenant's, or the tenant is there."""
    tenant: Tenant = config.read(values, Tenant)
    _add(state, state.tenants, tenant)
    return tenant


def add_app(state: State, values: Any) -> App:
    """:raises ConfigError: the values are no application's, or the application is there."""
    app: App = config.read(values, App)
    _add(state, state.apps, app)
    config.complete(state, app)
    return app


def _add(state: State, known: dict[str, Any], entry: Any) -> None:
    if entry.id in known:
        raise config.ConfigError(f"'{entry.id}' is there already")
    known[entry.id] = entry
    try:
        config.check(state)
    except config.ConfigError:
        del known[entry.id]
        raise


def change(state: State, entry: Any, values: Any) -> None:
    """Set some fields of a tenant or application. Lists are replaced whole.

    :raises ConfigError: a value does not fit; nothing is changed then.
    """
    known = {entry.id: entry}
    Collection(list(known.values()), type(entry), ("id",), lambda _: config.check(state)).change(entry.id, values)


def _table(values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise config.ConfigError("expected a JSON object")
    return values


def _set(entry: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(entry, name, value)
