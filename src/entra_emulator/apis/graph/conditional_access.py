"""Graph: Conditional Access policies, named locations, authentication strengths and contexts.

Source: learn.microsoft.com/graph/api/resources/conditionalaccessroot (permissions of each call).
"""

from typing import TypeVar

from starlette.requests import Request

from entra_emulator.apis.bearer import Caller
from entra_emulator.conditions import Location, Policy
from entra_emulator.model import new_id
from entra_emulator.routing import Route, route

from .applications import READ as READ_APPLICATIONS
from .conditional_access_reading import merged, read_location, read_policy
from .conditional_access_view import facts, location_view, policy_view, strength_view
from .query import entity, entity_type
from .resources import Readable
from .wire import JsonObject, Refusal, changing, not_found, require

T = TypeVar("T", Location, Policy)
_CHANGE = frozenset({"Policy.ReadWrite.ConditionalAccess"})
_READ = frozenset({"Policy.Read.All", "Policy.Read.ConditionalAccess"}) | _CHANGE
_BESIDE = frozenset({"Policy.Read.All"}) | READ_APPLICATIONS
"""Of these, a change of a policy needs one more."""
_ROOT = "identity/conditionalAccess"


def routes() -> list[Route]:
    """Return the routes. Policies and strengths have two paths each."""
    contexts, locations = f"{_ROOT}/authenticationContextClassReferences", f"{_ROOT}/namedLocations"
    made = Readable(contexts, "authenticationContextClassReference", _contexts, _READ).routes()
    for path in (f"{_ROOT}/authenticationStrength/policies", "policies/authenticationStrengthPolicies"):
        made += Readable(path, "authenticationStrengthPolicy", _strengths, _READ).routes()
    for path in (f"{_ROOT}/policies", "policies/conditionalAccessPolicies"):
        made += [
            route("POST", f"/{{version}}/{path}", changing(_create_policy, 201)),
            route("PATCH", f"/{{version}}/{path}/{{key}}", changing(_change_policy, 204)),
            route("DELETE", f"/{{version}}/{path}/{{key}}", changing(_remove_policy, 204)),
            *Readable(path, "conditionalAccessPolicy", _policies, _READ).routes(),
        ]
    return [
        *made,
        route("POST", f"/{{version}}/{locations}", changing(_create_location, 201)),
        route("PATCH", f"/{{version}}/{locations}/{{key}}", changing(_change_location, 204)),
        route("DELETE", f"/{{version}}/{locations}/{{key}}", changing(_remove_location, 204)),
        *Readable(locations, "namedLocation", _locations, _READ).routes(),
    ]


def _policies(_: Request, caller: Caller) -> list[JsonObject]:
    return [policy_view(caller.tenant, policy) for policy in caller.tenant.policies]


def _strengths(_: Request, __: Caller) -> list[JsonObject]:
    return [strength_view(name) for name in facts()["strengths"]]


def _contexts(_: Request, caller: Caller) -> list[JsonObject]:
    """Return the contexts that policies name."""
    named = sorted({context for policy in caller.tenant.policies for context in policy.contexts})
    return [{"id": name, "displayName": name, "description": name, "isAvailable": True} for name in named]


def _locations(_: Request, caller: Caller) -> list[JsonObject]:
    return [location_view(location) for location in caller.tenant.locations]


def _create_policy(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    _may_change(caller)
    empty = {**policy_view(caller.tenant, Policy("", "block")), "conditions": None, "grantControls": None}
    whole = merged({**empty, "displayName": None, "state": None}, body)
    made = read_policy(caller.tenant, whole, new_id(), request.state.world.clock.now())
    caller.tenant.policies.append(made)
    shown = policy_view(caller.tenant, made)
    return entity(request, f"{_ROOT}/policies", entity_type("conditionalAccessPolicy"), shown)


def _change_policy(request: Request, caller: Caller, body: JsonObject) -> None:
    """Change a policy. Conditions that Graph has no word for stay."""
    _may_change(caller)
    present = _addressed(request, caller.tenant.policies)
    shown = policy_view(caller.tenant, present)
    changed = read_policy(caller.tenant, merged(shown, body), present.id, present.created_on)
    if "@emulator.apps" in shown:
        changed.apps = present.apps
    if "@emulator.grants" in shown:
        changed.grants = present.grants
    policies = caller.tenant.policies
    policies[policies.index(present)] = changed


def _remove_policy(request: Request, caller: Caller, _: JsonObject) -> None:
    _may_change(caller)
    gone = _addressed(request, caller.tenant.policies)
    caller.tenant.policies[:] = [policy for policy in caller.tenant.policies if policy is not gone]


def _may_change(caller: Caller) -> None:
    require(caller, _CHANGE)
    require(caller, _BESIDE)


def _create_location(request: Request, caller: Caller, body: JsonObject) -> JsonObject:
    require(caller, _CHANGE)
    made = read_location(body, Location("", []))
    caller.tenant.locations.append(made)
    return entity(request, f"{_ROOT}/namedLocations", entity_type("namedLocation"), location_view(made))


def _change_location(request: Request, caller: Caller, body: JsonObject) -> None:
    require(caller, _CHANGE)
    present = _addressed(request, caller.tenant.locations)
    changed = read_location(body, present)
    present.name, present.ranges, present.trusted = changed.name, changed.ranges, changed.trusted


def _remove_location(request: Request, caller: Caller, _: JsonObject) -> None:
    """Delete a location, except one that is trusted or that a policy names."""
    require(caller, _CHANGE)
    gone = _addressed(request, caller.tenant.locations)
    if gone.trusted:
        raise Refusal(400, "BadRequest", "A trusted named location cannot be deleted.")
    for policy in caller.tenant.policies:
        if {name.lower() for name in policy.locations + policy.except_locations} & {gone.id, gone.name.lower()}:
            raise Refusal(400, "BadRequest", f"The policy '{policy.name}' uses this named location.")
    caller.tenant.locations[:] = [location for location in caller.tenant.locations if location is not gone]


def _addressed(request: Request, entities: list[T]) -> T:
    wanted = request.path_params["key"].lower()
    for one in entities:
        if one.id.lower() == wanted:
            return one
    raise not_found(wanted)
