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
    """Return the id of a delegated (`scopes`) or application (`roles`) permission: the real one if it is known."""
    known = _known_permissions().get(resource, {}).get(kind, {})
    return known.get(name) or str(uuid.uuid5(uuid.UUID(resource), f"{kind}:{name}"))


def permissions(state: State, resource: str, kind: str) -> list[str]:
    """Return the permissions that an API offers: the known ones, those it declares, and those granted anywhere."""
    names = set(_known_permissions().get(resource, {}).get(kind, {}))
    if app := state.apps.get(resource):
        names |= {app_role.value for app_role in app.app_roles} if kind == "roles" else set(app.scopes)
    for grant in state.grants:
        if grant.resource == resource:
            names |= set(grant.roles if kind == "roles" else grant.scopes)
    return sorted(names)


def permission_name(state: State, resource: str, kind: str, wanted: str) -> str:
    """Return the name of the API's permission with this id or name; '' if it does not exist."""
    names = permissions(state, resource, kind)
    return next((name for name in names if wanted.lower() in (name.lower(), permission_id(resource, kind, name))), "")


def required_permissions(state: State, app: App) -> list[RequiredPermissions]:
    """Return the permissions that an application declares: in the configuration, or as requiredResourceAccess in Graph.

    A permission without a known name is listed by its id.
    """
    required = list(app.permissions)
    for entry in app.properties.get("requiredResourceAccess", []):
        resource = str(entry["resourceAppId"]).lower()
        names: dict[str, list[str]] = {"Scope": [], "Role": []}
        for access in entry.get("resourceAccess", []):
            kind, wanted = "roles" if access["type"] == "Role" else "scopes", str(access["id"])
            names[access["type"]].append(permission_name(state, resource, kind, wanted) or wanted)
        required.append(RequiredPermissions(resource, names["Scope"], names["Role"]))
    return required
