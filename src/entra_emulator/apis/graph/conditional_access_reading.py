"""Read Conditional Access policies and named locations from Graph's form.

A member that Graph knows and the emulator does not apply has to be empty: a policy is applied whole, or refused.
Source: learn.microsoft.com/graph/api/resources/conditionalaccesspolicy and the types that it links to.
"""

from collections.abc import Callable
from typing import Any

from entra_emulator.checks import ConfigError, check_policy, check_ranges
from entra_emulator.conditions import TRUSTED, Location, Policy
from entra_emulator.model import Tenant

from .conditional_access_view import (
    ALL,
    ALL_TRUSTED,
    DAY,
    DEVICE_CODE,
    EXTERNAL_CONTROL,
    HOUR,
    OWN_APPLICATIONS,
    facts,
    terms_id,
)
from .objects import find_principal
from .wire import JsonObject, Refusal

_STATES = {"enabled": (True, False), "disabled": (False, False), "enabledForReportingButNotEnforced": (True, True)}
_READ_ONLY = ("id", "createdDateTime", "modifiedDateTime", "templateId", "deletedDateTime")
_NOBODY = "None"


def read_policy(tenant: Tenant, body: JsonObject, policy_id: str, created_on: float) -> Policy:
    """Return the policy that a whole body in Graph's form describes.

    :raises Refusal: 400.
    """
    name, state = body.get("displayName"), body.get("state")
    if not isinstance(name, str) or not name:
        raise _bad("A policy needs a displayName.")
    if state not in _STATES:
        raise _bad(f"The state '{state}' is not one of {', '.join(_STATES)}.")
    enabled, report_only = _STATES[state]
    if enabled and not report_only and tenant.security_defaults:
        raise _bad("Security defaults are enabled in the tenant. Disable them before you enable a policy.")
    conditions = _part(body, "conditions")
    if not conditions:
        raise _bad("A policy needs conditions.")
    values = {**_conditions(tenant, conditions), **_controls(tenant, body)}
    policy = Policy(name, id=policy_id, created_on=created_on, enabled=enabled, report_only=report_only, **values)
    if policy.workloads and policy.require != "block":
        raise _bad("A policy for workload identities can only block.")
    try:
        check_policy(policy, tenant)
    except ConfigError as problem:
        raise _bad(str(problem)) from None
    return policy


def merged(shown: JsonObject, changes: JsonObject) -> JsonObject:
    """Return an entity with changes: members of complex values that are not named stay as they are.

    :raises Refusal: 400 for a read-only or unknown property.
    """
    for name in changes:
        if name in _READ_ONLY or (name not in shown and not name.startswith("@odata.")):
            raise _bad(f"Property '{name}' does not exist or cannot be set.")
    return _merged(shown, changes)


def _merged(shown: JsonObject, changes: JsonObject) -> JsonObject:
    result = dict(shown)
    for name, value in changes.items():
        before = shown.get(name)
        result[name] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result


def _part(body: JsonObject, name: str) -> JsonObject:
    """Return a complex value of a body, {} for none.

    :raises Refusal: 400 for an unknown member, and for one that the emulator lacks.
    """
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _bad(f"'{name}' is not an object.")
    known = facts()["types"][name]
    for member, content in value.items():
        if "@odata." in member or member in known["applied"]:
            continue
        if member not in known["lacking"]:
            raise _bad(f"'{name}' has no member '{member}'.")
        if content not in (None, [], False):
            raise _bad(f"The emulator cannot apply '{member}' of '{name}'.")
    return value


def _names(body: JsonObject, member: str) -> list[str]:
    value = body.get(member)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _bad(f"'{member}' is not a list of texts.")
    return list(value)


def _known(body: JsonObject, member: str, find: Callable[[str], str | None]) -> list[str]:
    """Return the names of a list as the emulator writes them.

    :raises Refusal: 400 for one that does not exist.
    """
    found = []
    for name in _names(body, member):
        own = find(name)
        if own is None:
            raise _bad(f"'{name}' in '{member}' does not exist, or the emulator cannot apply it.")
        found.append(own)
    return found


def _conditions(tenant: Tenant, conditions: JsonObject) -> dict[str, Any]:
    kinds = _names(conditions, "clientAppTypes")
    flows = _part(conditions, "authenticationFlows").get("transferMethods")
    if flows not in (None, "", "none", "deviceCodeFlow"):
        raise _bad(f"The emulator cannot apply the transferMethods '{flows}'.")
    return {
        **_users(tenant, conditions),
        **_applications(_part(conditions, "applications")),
        **_locations(tenant, _part(conditions, "locations")),
        "client_types": [] if "all" in kinds else kinds,
        "grants": [DEVICE_CODE] if flows == "deviceCodeFlow" else [],
        "sign_in_risk": _names(conditions, "signInRiskLevels"),
        "user_risk": _names(conditions, "userRiskLevels"),
    }


def _users(tenant: Tenant, conditions: JsonObject) -> dict[str, Any]:
    """Return whom a policy is for: users, or applications without one."""

    def principal(name: str) -> str | None:
        return found.app if (found := find_principal(tenant, name)) else None

    clients = _part(conditions, "clientApplications")
    if _names(clients, "includeServicePrincipals"):
        everyone = OWN_APPLICATIONS in clients["includeServicePrincipals"]
        return {
            "workloads": True,
            "apps": [] if everyone else _known(clients, "includeServicePrincipals", principal),
            "except_apps": _known(clients, "excludeServicePrincipals", principal),
        }
    return _people(tenant, _part(conditions, "users"))


def _people(tenant: Tenant, users: JsonObject) -> dict[str, Any]:
    def user(name: str) -> str | None:
        return name if name == _NOBODY else found.id if (found := tenant.user(name)) else None

    def group(name: str) -> str | None:
        return found.id if (found := tenant.group(name)) else None

    everyone = ALL in _names(users, "includeUsers")
    include = {
        "users": [] if everyone else _known(users, "includeUsers", user),
        "groups": _known(users, "includeGroups", group),
        "roles": _names(users, "includeRoles"),
    }
    if not everyone and not any(include.values()):
        raise _bad("The users of a policy are missing.")
    return {
        **({} if everyone else include),
        "except_users": _known(users, "excludeUsers", user),
        "except_groups": _known(users, "excludeGroups", group),
        "except_roles": _names(users, "excludeRoles"),
    }


def _applications(applications: JsonObject) -> dict[str, Any]:
    contexts = _names(applications, "includeAuthenticationContextClassReferences")
    named = [_application(name) for name in _names(applications, "includeApplications")]
    if not named and not contexts:
        raise _bad("The applications of a policy are missing.")
    return {
        "contexts": contexts,
        "resources": [] if ALL in named else named,
        "except_resources": [_application(name) for name in _names(applications, "excludeApplications")],
    }


def _application(name: str) -> str:
    if name in (ALL, _NOBODY):
        return name
    if "-" not in name:
        raise _bad(f"The emulator cannot apply the applications '{name}'.")
    return name.lower()


def _locations(tenant: Tenant, locations: JsonObject) -> dict[str, Any]:
    ids = {location.id.lower(): location.id for location in tenant.locations} | {ALL_TRUSTED.lower(): TRUSTED}

    def location(name: str) -> str | None:
        return ids.get(name.lower())

    everywhere = ALL in _names(locations, "includeLocations")
    return {
        "locations": [] if everywhere else _known(locations, "includeLocations", location),
        "except_locations": _known(locations, "excludeLocations", location),
    }


def _controls(tenant: Tenant, body: JsonObject) -> dict[str, Any]:
    """Return what a policy requires, from its grant and session controls."""
    grant, values = _grant_controls(tenant, _part(body, "grantControls"))
    session, more = _session_controls(_part(body, "sessionControls"))
    every = [*grant, *session]
    if not every:
        raise _bad("A policy needs grantControls or sessionControls.")
    return {"require": every[0], "also": every[1:], **values, **more}


def _grant_controls(tenant: Tenant, controls: JsonObject) -> tuple[list[str], dict[str, Any]]:
    own = {shown: require for require, shown in facts()["controls"].items()}
    required = _known(controls, "builtInControls", own.get)
    values: dict[str, Any] = {}
    if strength := controls.get("authenticationStrength"):
        ids = {fact["id"]: name for name, fact in facts()["strengths"].items()}
        values["strength"] = ids.get(str(strength.get("id")) if isinstance(strength, dict) else "")
        if values["strength"] is None:
            raise _bad("The emulator has the built-in authentication strengths only.")
        required.append("strength")
    if _known(controls, "termsOfUse", {terms_id(tenant): "terms"}.get):
        required.append("terms_of_use")
    if _known(controls, "customAuthenticationFactors", {EXTERNAL_CONTROL: "external"}.get):
        required.append("external")
    operator = controls.get("operator")
    if required and operator not in ("AND", "OR"):
        raise _bad(f"The operator of grantControls is '{operator}', expected AND or OR.")
    if "password_change" in required and ("mfa" not in required or operator != "AND"):
        raise _bad("passwordChange needs mfa beside it, with the operator AND.")
    return required, {**values, "any_of": operator == "OR" and len(required) > 1}


def _session_controls(controls: JsonObject) -> tuple[list[str], dict[str, Any]]:
    required, values = [], {}
    frequency = _part(controls, "signInFrequency")
    if frequency.get("isEnabled"):
        required.append("sign_in_frequency")
        values["frequency_in"] = _frequency_in(frequency)
    if _part(controls, "secureSignInSession").get("isEnabled"):
        required.append("token_protection")
    return required, values


def _frequency_in(frequency: JsonObject) -> float:
    if frequency.get("frequencyInterval") == "everyTime":
        return 0.0
    value, unit = frequency.get("value"), {"hours": HOUR, "days": DAY}.get(str(frequency.get("type")))
    if type(value) is not int or value < 1 or unit is None:
        raise _bad("A signInFrequency needs a value of at least 1 and the type hours or days.")
    return float(value * unit)


def read_location(body: JsonObject, location: Location) -> Location:
    """Return a named location with the values of a body; those that are missing are of `location`.

    :raises Refusal: 400.
    """
    kind = str(body.get("@odata.type", "")).rpartition(".")[2]
    if kind != "ipNamedLocation":
        raise _bad(f"The emulator has named locations of IP addresses only, not '{kind}'.")
    for name in body:
        if not name.startswith("@odata.") and name not in ("displayName", "ipRanges", "isTrusted"):
            raise _bad(f"Property '{name}' of a named location does not exist or cannot be set.")
    name, trusted = body.get("displayName", location.name), body.get("isTrusted", location.trusted)
    try:
        ranges = [str(entry["cidrAddress"]) for entry in body["ipRanges"]] if "ipRanges" in body else location.ranges
        check_ranges("ipRanges", ranges)
    except (LookupError, TypeError, ConfigError):
        raise _bad("The ipRanges of a named location are not addresses with a prefix length.") from None
    if not isinstance(name, str) or not name or not ranges or not isinstance(trusted, bool):
        raise _bad("A named location needs a displayName, ipRanges and, if any, isTrusted as true or false.")
    return Location(name, ranges, location.id, trusted)


def _bad(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)
