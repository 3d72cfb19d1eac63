"""Conditional Access policies and named locations in Graph's form.

Source: learn.microsoft.com/graph/api/resources/conditionalaccesspolicy, .../ipnamedlocation.
"""

import functools
import tomllib
import uuid
from collections.abc import Iterable
from importlib import resources as files
from typing import Any

from entra_emulator.conditions import TRUSTED, Location, Policy
from entra_emulator.model import Tenant
from entra_emulator.tokens.directory_roles import role_ids

from .objects import find_principal, moment
from .wire import JsonObject

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
EXTERNAL_CONTROL = "EmulatedControl"
"""The id of the one control of another vendor that a tenant has here."""
ALL, ALL_TRUSTED, OWN_APPLICATIONS = "All", "AllTrusted", "ServicePrincipalsInMyTenant"
HOUR, DAY = 3600, 86_400


@functools.cache
def facts() -> dict[str, dict[str, Any]]:
    """Return data/conditional_access.toml."""
    text = (files.files("entra_emulator.data") / "conditional_access.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def terms_id(tenant: Tenant) -> str:
    """Return the id of the tenant's terms of use, of which each tenant has one here."""
    return str(uuid.uuid5(uuid.UUID(tenant.id), "terms of use"))


def policy_view(tenant: Tenant, policy: Policy) -> JsonObject:
    """Return all properties of a policy. What Graph has no word for is an annotation: `@emulator.apps`."""
    state = "enabledForReportingButNotEnforced" if policy.report_only else "enabled" if policy.enabled else "disabled"
    shown: JsonObject = {
        "id": policy.id,
        "createdDateTime": moment(policy.created_on or None),
        "displayName": policy.name,
        "state": state,
        "conditions": _conditions(tenant, policy),
        "grantControls": _grant_controls(tenant, policy),
        "sessionControls": _session_controls(policy),
    }
    if policy.apps and not policy.workloads:
        shown["@emulator.apps"] = policy.apps
    if policy.grants and not _only_device_code(policy):
        shown["@emulator.grants"] = policy.grants
    return shown


def _conditions(tenant: Tenant, policy: Policy) -> JsonObject:
    return {
        **_lacking("conditions"),
        "applications": _applications(policy),
        "authenticationFlows": {"transferMethods": "deviceCodeFlow"} if _only_device_code(policy) else None,
        "clientAppTypes": policy.client_types or ["all"],
        "clientApplications": _client_applications(tenant, policy) if policy.workloads else None,
        "locations": _locations(tenant, policy),
        "signInRiskLevels": policy.sign_in_risk,
        "userRiskLevels": policy.user_risk,
        "users": _users(tenant, policy),
    }


def _lacking(kind: str) -> JsonObject:
    return {name: [] if name.endswith(("Actions", "Levels")) else None for name in facts()["types"][kind]["lacking"]}


def _only_device_code(policy: Policy) -> bool:
    return [grant.lower() for grant in policy.grants] == [DEVICE_CODE]


def _applications(policy: Policy) -> JsonObject:
    return {
        **_lacking("applications"),
        "includeApplications": policy.resources or ([] if policy.contexts else [ALL]),
        "excludeApplications": policy.except_resources,
        "includeAuthenticationContextClassReferences": policy.contexts,
    }


def _users(tenant: Tenant, policy: Policy) -> JsonObject:
    named = policy.users or policy.groups or policy.roles
    everybody = ["None"] if policy.workloads else [] if named else [ALL]
    return {
        **_lacking("users"),
        "includeUsers": everybody or _user_ids(tenant, policy.users),
        "excludeUsers": _user_ids(tenant, policy.except_users),
        "includeGroups": _group_ids(tenant, policy.groups),
        "excludeGroups": _group_ids(tenant, policy.except_groups),
        "includeRoles": role_ids(policy.roles),
        "excludeRoles": role_ids(policy.except_roles),
    }


def _user_ids(tenant: Tenant, names: Iterable[str]) -> list[str]:
    return [user.id if (user := tenant.user(name)) else name for name in names]


def _group_ids(tenant: Tenant, names: Iterable[str]) -> list[str]:
    return [group.id if (group := tenant.group(name)) else name for name in names]


def _client_applications(tenant: Tenant, policy: Policy) -> JsonObject:
    return {
        **_lacking("clientApplications"),
        "includeServicePrincipals": _principal_ids(tenant, policy.apps) or [OWN_APPLICATIONS],
        "excludeServicePrincipals": _principal_ids(tenant, policy.except_apps),
    }


def _principal_ids(tenant: Tenant, apps: Iterable[str]) -> list[str]:
    return [found.id if (found := find_principal(tenant, app)) else app for app in apps]


def _locations(tenant: Tenant, policy: Policy) -> JsonObject | None:
    if not policy.locations and not policy.except_locations:
        return None
    return {
        "includeLocations": _location_ids(tenant, policy.locations) or [ALL],
        "excludeLocations": _location_ids(tenant, policy.except_locations),
    }


def _location_ids(tenant: Tenant, names: Iterable[str]) -> list[str]:
    ids = {location.name.lower(): location.id for location in tenant.locations} | {TRUSTED: ALL_TRUSTED}
    return [ids.get(name.lower(), name) for name in names]


def _grant_controls(tenant: Tenant, policy: Policy) -> JsonObject | None:
    every = policy.requirements
    built_in = [facts()["controls"][require] for require in every if require in facts()["controls"]]
    shown: JsonObject = {
        "operator": "AND" if policy.also and not policy.any_of else "OR",
        "builtInControls": built_in,
        "customAuthenticationFactors": [EXTERNAL_CONTROL] if "external" in every else [],
        "termsOfUse": [terms_id(tenant)] if "terms_of_use" in every else [],
        "authenticationStrength": strength_view(policy.strength) if "strength" in every else None,
    }
    has_controls = any(value for name, value in shown.items() if name != "operator")
    return shown if has_controls else None


def _session_controls(policy: Policy) -> JsonObject | None:
    every = policy.requirements
    shown: JsonObject = {}
    if "sign_in_frequency" in every:
        shown["signInFrequency"] = _frequency(policy.frequency_in)
    if "token_protection" in every:
        shown["secureSignInSession"] = {"isEnabled": True}
    return (
        {**_lacking("sessionControls"), "secureSignInSession": None, "signInFrequency": None, **shown}
        if shown
        else None
    )


def _frequency(seconds: float) -> JsonObject:
    """Return a frequency in days or hours; one that is no whole hour is rounded up."""
    if not seconds:
        return {"value": None, "type": None, "frequencyInterval": "everyTime", "isEnabled": True}
    kind, unit = ("days", DAY) if seconds % DAY == 0 else ("hours", HOUR)
    return {"value": int(-(-seconds // unit)), "type": kind, "frequencyInterval": "timeBased", "isEnabled": True}


def strength_view(name: str) -> JsonObject:
    """Return a built-in authentication strength by the emulator's word for it."""
    return {
        **facts()["strengths"][name],
        "description": facts()["strengths"][name]["displayName"],
        "policyType": "builtIn",
        "requirementsSatisfied": "mfa",
    }


def location_view(location: Location) -> JsonObject:
    """Return a named location."""
    ranges = [
        {
            "@odata.type": f"#microsoft.graph.{'iPv6CidrRange' if ':' in text else 'iPv4CidrRange'}",
            "cidrAddress": text,
        }
        for text in location.ranges
    ]
    return {
        "@odata.type": "#microsoft.graph.ipNamedLocation",
        "id": location.id,
        "displayName": location.name,
        "isTrusted": location.trusted,
        "ipRanges": ranges,
    }
