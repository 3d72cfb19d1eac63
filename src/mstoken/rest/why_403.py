"""Why an API refused a call: what the token carries, beside what the call needs, and what grants it.

The service's own words come first: Azure names the action and the scope, Graph's workloads the permissions. Otherwise
the table of Graph's operations says what the path needs (`mstoken.permissions`). A permission is necessary, not
sufficient: if the token has one that suffices, the user's role is missing or a policy refuses.
"""

from __future__ import annotations

import json
import re

from mstoken.aadsts import fill
from mstoken.permissions.azure_roles import is_data_action, roles_for
from mstoken.permissions.requirements import GRAPH_APPLICATION_ID, first_words, in_words, suffices
from mstoken.rest.permission_table import all_roles, table
from mstoken.rest.token_rights import GDAP_USER
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.urls import path_of
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mstoken.rest.token_rights import TokenRights

_GRAPH = {"graph", "https://graph.microsoft.com"}
"""What `context["resource"]` says of a call of Graph."""

_MAX_DEPTH = 8
_NAME = r"[A-Z]\w+(?:[.-]\w+)+"

_ACTION = r"[\w.]+/[\w./*-]+"
_SCOPE = r"\s+(?:over scope|on the linked scope\(s\))\s+'(?P<scope>/[^']*)'"

# Resource Manager: learn.microsoft.com/azure/role-based-access-control/troubleshooting. Its
# LinkedAuthorizationFailed names an allowed action first, so that only the words before an action tell it apart.
_ACTIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"does not have (?:authorization|permission) to perform action\s+'(?P<action>{_ACTION})'(?:{_SCOPE})?",
        r"Action:\s*'(?P<action>Microsoft\.KeyVault/[\w/]+)'(?:\s*Resource:\s*'(?P<scope>/[^']*)')?",
        rf"lacks the required data action `(?P<action>{_ACTION})`",
    )
)
_OBJECT_ID = re.compile(r"(?:object id\s+'|\boid=)([0-9a-f]{8}-[0-9a-f-]{27})(?![0-9a-f-])", re.IGNORECASE)
_MISSING_PERMISSIONS = re.compile(
    r"(?:missing permission scopes?:?|API requires one of|required scopes are missing in the token:?)\s*'?"
    rf"(?P<names>{_NAME}(?:\s*[,;]\s*{_NAME})*)"
)


@value
class Explanation:
    """What to print: `needs` and `has` are sentences, `remedy` has a line for each step. `record` is for JSON."""

    needs: str
    has: str
    remedy: str
    record: Mapping[str, Any] = field(default_factory=dict, repr=False)


def explain_refusal(
    method: str, url: str, body: str, rights: TokenRights, context: Mapping[str, str], *, named_only: bool = False
) -> Explanation | None:
    """Return the explanation; None if nothing is known about the API, or if the reason is not a permission.

    `body` is the API's response. `named_only`: explain only what the service itself names, not what a table says.
    """
    context = {**context, "client_id": rights.client_id or context.get("client_id", "")}
    words = "\n".join(_texts(body))
    if found := next((match for pattern in _ACTIONS if (match := pattern.search(words))), None):
        groups = found.groupdict()
        return _azure(groups["action"], groups.get("scope") or "", words, rights, context)
    if named := _MISSING_PERMISSIONS.search(words):
        entries = tuple(re.split(r"\s*[,;]\s*", named["names"]))
        return _permission("The API requires", entries, rights, context, {"source": "response"})
    if context.get("resource") in _GRAPH and not named_only:
        return _graph(method, path_of(url), rights, context)
    return None


def _texts(body: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts in a JSON body, and in the JSON inside such texts; the body itself if it is not JSON.

    Graph forwards the error of a workload as JSON inside `message`.
    """
    if isinstance(body, str):
        try:
            inner = json.loads(body) if body.lstrip()[:1] in {"{", "["} and depth < _MAX_DEPTH else None
        except (ValueError, RecursionError):
            inner = None
        if inner is None:
            yield body
        else:
            yield from _texts(inner, depth + 1)
    elif isinstance(body, dict | list) and depth < _MAX_DEPTH:
        for item in body.values() if isinstance(body, dict) else body:
            yield from _texts(item, depth + 1)


def _azure(action: str, scope: str, words: str, rights: TokenRights, context: Mapping[str, str]) -> Explanation:
    everything = all_roles()
    roles, data = roles_for(action, everything), is_data_action(action, everything)
    kind = "data action" if data else "action"
    needs = f"The call needs the {kind} {action}{f' over {scope}' if scope else ''}."
    if roles:
        needs += f" Roles that allow it: {', '.join(roles)}."
    known = _OBJECT_ID.search(words)
    object_id = known[1] if known else rights.object_id
    assignee = "--assignee {client_id}"
    if object_id:
        principal = "User" if rights.user else "ServicePrincipal"
        assignee = f"--assignee-object-id {object_id} --assignee-principal-type {principal}"
    grant = fill(
        f"`az role assignment create {assignee} --role {{resource}} --scope {{scope}}`",
        **{**context, "resource": roles[0] if roles else "ROLE", "scope": scope or "RESOURCE_ID"},
    )
    fresh = fill("A new assignment takes some minutes to work; then get a new token: `{get} --fresh`", **context)
    remedy = f"An Owner or User Access Administrator of that scope assigns a role: {grant}\n{fresh}"
    record = {"action": action, "data_action": data, "scope": scope or None, "roles": list(roles), "source": "response"}
    return Explanation(needs, rights.sentence(), remedy, {"needs": record, "token": rights.record()})


def _graph(method: str, path: str, rights: TokenRights, context: Mapping[str, str]) -> Explanation | None:
    requirement = table().find(method, path)
    if requirement is None:
        return None
    operation = f"{requirement.method} {requirement.path.replace('{}', '{id}')}"
    record = {"operation": operation, "guessed": requirement.guessed, "source": f"table of {requirement.dated}"}
    entries = requirement.of(user=rights.user)
    if entries is None:
        return _other_caller(rights, requirement.of(user=not rights.user) or (), context, record)
    guess = " probably" if requirement.guessed else ""
    return _permission(f"{operation}{guess} needs", entries, rights, context, record)


def _permission(
    subject: str,
    entries: tuple[str, ...],
    rights: TokenRights,
    context: Mapping[str, str],
    record: Mapping[str, Any],
) -> Explanation:
    kind = "delegated" if rights.user else "application"
    needs = f"{subject} the {kind} permission {first_words(entries)}."
    enough = next((entry for entry in entries if suffices(entry, rights.permissions)), "")
    remedy = _beyond_permissions(enough, rights) if enough else "\n".join(grant_steps(entries, rights, context))
    fields = {**record, "kind": kind, "any_of": list(entries), "sufficient": bool(enough)}
    return Explanation(needs, rights.sentence(), remedy, {"needs": fields, "token": rights.record()})


def _other_caller(
    rights: TokenRights, entries: tuple[str, ...], context: Mapping[str, str], record: Mapping[str, Any]
) -> Explanation:
    caller, kind = ("an application", "application") if rights.user else ("a user", "delegated")
    needs = f"Only {caller} can make this call, with the {kind} permission {first_words(entries)}."
    remedy = "Use an application's own credential." if rights.user else fill("Sign in as a user: `{login}`", **context)
    fields = {**record, "kind": kind, "any_of": list(entries), "sufficient": False}
    return Explanation(needs, rights.sentence(), remedy, {"needs": fields, "token": rights.record()})


def _beyond_permissions(enough: str, rights: TokenRights) -> str:
    has = f"The token has {in_words(enough)}, which suffices."
    if not rights.user:
        policies = "an application access policy, RBAC for Applications, or Conditional Access"
        return f"{has} A policy restricts the application: ask an administrator about {policies}."
    if rights.relation == GDAP_USER:
        return f"{has} The GDAP relationship gives no role for it: assign one of its roles to a group of the user."
    return f"{has} The user lacks a directory role, an ownership or a license: ask an administrator of the tenant."


def grant_steps(entries: tuple[str, ...], rights: TokenRights, context: Mapping[str, str]) -> Iterator[str]:
    """Yield the steps that grant the least of a requirement's entries, without the permissions that the token has."""
    known = table()
    entry = known.to_grant(entries, user=rights.user)
    kind, caller = ("Scope", "Delegated") if rights.user else ("Role", "Application")
    names = [group.partition("|")[0] for group in entry.split("+")]
    for name in names:
        if name in rights.permissions:
            continue
        number = known.permission_id(name, user=rights.user)
        if number:
            which = f"--api {GRAPH_APPLICATION_ID} --api-permissions {number}={kind}"
            add = fill(f"`az ad app permission add --id {{client_id}} {which}`", **context)
            yield f"Add {name} to the application: {add}"
        else:
            yield f"Add {name} to the application: API permissions, Microsoft Graph, {caller} permissions."
    if rights.user and not any(known.needs_administrator(name) for name in names):
        scopes = " ".join(f"--scope https://graph.microsoft.com/{name}" for name in names)
        yield fill(f"Sign in again and consent: `{{login}} {scopes}`", **context)
        return
    yield fill("An administrator consents: {consent_url}", **context)
    yield fill("Then get a new token: `{get} --fresh`", **context)
