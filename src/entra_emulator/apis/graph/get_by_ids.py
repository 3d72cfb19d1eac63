"""Graph: directory objects of any type by their ids, as the Azure CLI looks up the names of role assignments.

Source: learn.microsoft.com/graph/api/directoryobject-getbyids.
"""

from typing import TYPE_CHECKING

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.routing import Route, route

from . import applications
from .directory import READ_GROUPS, READ_USERS
from .objects import find_member
from .query import collection, entity_type
from .wire import JsonObject, Refusal, changing, require

if TYPE_CHECKING:
    from entra_emulator.state import State

_MAX_IDS = 1000
_PERMISSIONS = {"user": READ_USERS, "group": READ_GROUPS, "servicePrincipal": applications.READ}
# Types of which the emulator finds no objects by id. According to the documentation, directoryObject stands for all
# types; according to a comment in the Azure CLI (command_modules/role/custom.py), it does not in the service.
_OTHER_TYPES = frozenset(
    {"administrativeUnit", "application", "device", "directoryObject", "directoryObjectPartnerReference", "orgContact"}
)


def routes() -> list[Route]:
    """Return the route."""
    return [route("POST", "/{version}/directoryObjects/getByIds", changing(_get_by_ids, 200))]


def _get_by_ids(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    """Return the objects with these ids; unknown ids are left out.

    :raises Refusal: 400 for a body that is not as documented, 403 without the permissions of any type.
    """
    require(caller, frozenset().union(*_PERMISSIONS.values()))
    ids, types = _texts(body, "ids"), _texts(body, "types") if body.get("types") else []
    if not ids:
        raise _bad("The ids cannot be empty.")
    if len(ids) > _MAX_IDS:
        raise _bad(f"Too many ids are in the request: the maximum is {_MAX_IDS}.")
    wanted = {name.lower() for name in types or _PERMISSIONS}
    known = {name.lower(): name for name in {*_PERMISSIONS, *_OTHER_TYPES}}
    if unknown := sorted(wanted - set(known)):
        raise _bad(f"The value '{unknown[0]}' of types is not a type of directory objects.")
    state: State = request.state.world.state
    found = [item for one in ids if (item := find_member(state, caller.tenant, one)) and item["id"] == one.lower()]
    shown = [item for item in found if _type(item).lower() in wanted and _may_read(caller, _type(item))]
    return collection(request, "directoryObjects", entity_type("directoryObject"), shown)


def _type(item: JsonObject) -> str:
    return str(item["@odata.type"]).rpartition(".")[2]


def _may_read(caller: Caller, kind: str) -> bool:
    try:
        require(caller, _PERMISSIONS[kind])
    except Refusal:
        return False
    return True


def _texts(body: JsonObject, name: str) -> list[str]:
    value = body.get(name, [])
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise _bad(f"The value of {name} has to be a list of strings.")


def _bad(message: str) -> Refusal:
    return Refusal(400, "Request_BadRequest", message)
