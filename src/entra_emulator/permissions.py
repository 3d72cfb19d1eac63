"""The permissions of APIs: their names and ids, and which of them an application declares that it requires."""

import functools
import tomllib
import uuid
from importlib import resources as files

from .applications import App, RequiredPermissions
from .state import State

__all__ = ["RequiredPermissions", "permission_id", "permission_name", "permissions", "required_permissions"]


@functools.cache
def _known_permissions() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(files.files(__package__).joinpath("data/permissions.toml").read_text(encoding="utf-8"))


def permission_id(resource: str, kind: str, name: str) -> str:
    """The id of a delegated permission (`scopes`) or an application permission (`roles`): the real one where known."""
    known = _known_permissions().get(resource, {}).get(kind, {})
    return known.get(name) or str(uuid.uuid5(uuid.UUID(resource), f"{kind}:{name}"))


def permissions(state: State, resource: str, kind: str) -> list[str]:
    """The permissions that an API offers: those known of it, those it declares, and those granted anywhere."""
    names = set(_known_permissions().get(resource, {}).get(kind, {}))
    if app := state.apps.get(resource):
        names |= {one.value for one in app.app_roles} if kind == "roles" else set(app.scopes)
    for grant in state.grants:
        if grant.resource == resource:
            names |= set(grant.roles if kind == "roles" else grant.scopes)
    return sorted(names)


def permission_name(state: State, resource: str, kind: str, wanted: str) -> str:
    """The permission of an API with this id, or of this name; empty for none."""
    names = permissions(state, resource, kind)
    return next((one for one in names if wanted.lower() in (one.lower(), permission_id(resource, kind, one))), "")


def required_permissions(state: State, app: App) -> list[RequiredPermissions]:
    """What an application declares that it requires: in the configuration, or as Graph's requiredResourceAccess.

    A permission whose name the emulator does not know goes by its id.
    """
    required = list(app.permissions)
    for one in app.properties.get("requiredResourceAccess", []):
        resource = str(one["resourceAppId"]).lower()
        names: dict[str, list[str]] = {"Scope": [], "Role": []}
        for access in one.get("resourceAccess", []):
            kind, wanted = "roles" if access["type"] == "Role" else "scopes", str(access["id"])
            names[access["type"]].append(permission_name(state, resource, kind, wanted) or wanted)
        required.append(RequiredPermissions(resource, names["Scope"], names["Role"]))
    return required
