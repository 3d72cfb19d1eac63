"""The lists of the model as collections of the admin API: tenants, apps, and the lists of a tenant."""

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

# By name in the URL: the class, and the fields that identify an entry.
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
    """The collection or entry does not exist."""


class Collection:
    """A list of entries of `kind`, identified by the fields `names`. `changed` is called with each changed entry."""

    def __init__(
        self, entries: list[Any], kind: type[Any], names: tuple[str, ...], changed: Callable[[Any], None]
    ) -> None:
        self.entries, self._kind, self._names, self._changed = entries, kind, names, changed

    def find(self, name: str) -> Any:
        """Return an entry by one of its names, or by its position in the list if entries have no name.

        :raises NotThere: it does not exist.
        """
        if not self._names and name.isdigit() and int(name) < len(self.entries):
            return self.entries[int(name)]
        for entry in self.entries:
            if name.lower() in (str(getattr(entry, field)).lower() for field in self._names):
                return entry
        raise NotThere(f"There is no '{name}'.")

    def add(self, values: Any) -> Any:
        """Add an entry, given in the form of the configuration.

        :raises ConfigError: it is invalid.
        """
        entry = config.parse(values, self._kind)
        self.entries.append(entry)
        try:
            self._changed(entry)
        except config.ConfigError:
            self.entries.remove(entry)
            raise
        return entry

    def change(self, name: str, values: Any) -> Any:
        """Set some fields of an entry.

        :raises NotThere: it does not exist.
        :raises ConfigError: a value is invalid; nothing changes then.
        """
        entry = self.find(name)
        merged = config.parse({**plain(entry), **_table(values)}, self._kind)
        before = {field.name: getattr(entry, field.name) for field in fields(entry)}
        _set(entry, {field.name: getattr(merged, field.name) for field in fields(entry)})
        try:
            self._changed(entry)
        except config.ConfigError:
            _set(entry, before)
            raise
        return entry

    def remove(self, name: str) -> None:
        """Remove an entry.

        :raises NotThere: it does not exist.
        """
        self.entries.remove(self.find(name))


def of_tenant(state: State, tenant: Tenant, name: str) -> Collection:
    """Return a collection of one tenant.

    :raises NotThere: it does not exist.
    """
    if name not in OF_TENANT:
        raise NotThere(f"A tenant has no '{name}'; it has {', '.join(OF_TENANT)}.")
    kind, names = OF_TENANT[name]
    return Collection(getattr(tenant, name), kind, names, lambda _: config.check(state))


def add_tenant(state: State, values: Any) -> Tenant:
    """:raises ConfigError: the values are invalid, or the tenant exists already."""
    tenant: Tenant = config.parse(values, Tenant)
    _add(state, state.tenants, tenant)
    return tenant


def add_app(state: State, values: Any) -> App:
    """:raises ConfigError: the values are invalid, or the application exists already."""
    app: App = config.parse(values, App)
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
    """Set some fields of a tenant or application. A list is replaced as a whole.

    :raises ConfigError: a value is invalid; nothing changes then.
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
