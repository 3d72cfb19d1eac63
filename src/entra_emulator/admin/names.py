"""Display names for the objects that the state stores by id."""

from entra_emulator.resources import find_first_party
from entra_emulator.state import State


def tenant_name(state: State, tenant_id: str) -> str:
    """Return a tenant's name; its id if it has none."""
    found = state.tenants.get(tenant_id)
    return found.name if found else tenant_id


def app_name(state: State, app_id: str) -> str:
    """Return an application's name; its id if it is unknown."""
    found = state.app(app_id)
    return found.name if found else app_id


def resource_name(state: State, app_id: str) -> str:
    """Return the name of an API, Microsoft's own or an application."""
    found = find_first_party(app_id, None)
    return found.name if found else app_name(state, app_id)
