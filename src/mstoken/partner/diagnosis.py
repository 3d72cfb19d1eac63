"""What prevents a partner from working in a customer's tenant: each check with its result, and one remedy.

The order is that in which Entra would refuse: the sign-in and its age, MFA, the relationship (GDAP) and its end,
consent, Conditional Access, and the directory roles that the relationship grants. Sources of the age:
learn.microsoft.com/entra/identity-platform/refresh-tokens (90 days); of the roles, learn.microsoft.com/graph/api/
rbacapplication-list-roleassignments: a partner's group is a principal of the partner's organization there.
"""

from __future__ import annotations

import time

from mstoken.errors import AccessBlocked, MstokenError, SignInRequired
from mstoken.fleet.outcomes import outcome_of
from mstoken.partner.customers import RELATIONSHIPS, relationship
from mstoken.partner.mfa import check_mfa
from mstoken.typed import TYPE_CHECKING, Any, Literal
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mstoken.partner.api import PartnerApi
    from mstoken.partner.customers import Relationship

    State = Literal["ok", "warning", "failed", "unknown"]

DAY_IN = 86_400
WARN_AFTER_DAYS, ENDS_AFTER_DAYS = 60, 90
"""Days without use after which a refresh token is a warning, and after which Entra ends it."""
ENDS_SOON_DAYS = 30
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
"""The template id of the role that includes all others."""
_WHERE = " (Customers > the customer > Admin relationships)"
_RELOGIN = "Sign in again: `mstoken partner login`"


@value
class Check:
    """One check: `sign-in`, `MFA`, `relationship`, `consent`, `policies` (Conditional Access) or `roles`; `tenant` or
    `token` for a failure that is none of these.

    `state` is `ok`, `warning`, `failed`, or `unknown` if an earlier failure hides it. `text` says what was found,
    `remedy` what to do next, '' for nothing. `error` is the exception that a call would raise, if there is one.
    """

    name: str
    state: State
    text: str
    remedy: str = ""
    error: MstokenError | None = field(default=None, repr=False)


@value
class Diagnosis:
    """The checks of one tenant, in their order."""

    tenant: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """True if no check failed."""
        return self.failure is None

    @property
    def failure(self) -> Check | None:
        """The first check that failed; None if there is none."""
        return next((check for check in self.checks if check.state == "failed"), None)


async def sign_in_checks(api: PartnerApi) -> list[Check]:
    """Check the sign-in itself: its age, and its MFA. Raises StoreError."""
    if not api.acts_for_user:
        return [Check("sign-in", "ok", "The application acts for itself; its tokens need neither a sign-in nor MFA.")]
    return [await _check_age(api), await _check_mfa(api)]


async def diagnose(api: PartnerApi, tenant: str) -> Diagnosis:
    """Return the checks of the sign-in and of a customer's tenant. Raises StoreError."""
    own, found = await sign_in_checks(api), await tenant_checks(api, tenant)
    return Diagnosis(found.tenant, (*own, *found.checks))


async def tenant_checks(api: PartnerApi, tenant: str) -> Diagnosis:
    """Check one customer's tenant, an id or a domain. A failure is a check; nothing but StoreError is raised."""
    try:
        customer = await api.tenant_id(tenant)
    except MstokenError as error:
        return Diagnosis(tenant, (_failed("tenant", error), *_hidden("relationship", "consent", "policies", "roles")))
    if not api.acts_for_user:  # an application acts by its own permissions: it needs neither a relationship nor a role
        return Diagnosis(customer, await _check_token(api, customer))
    relationships, related = await _check_relationship(api, customer)
    token = await _check_token(api, customer)
    if any(check.state != "ok" for check in token):
        return Diagnosis(customer, (related, *token, *_hidden("roles")))
    roles = tuple(dict.fromkeys(role for one in relationships for role in one.roles))
    return Diagnosis(customer, (related, *token, await _check_roles(api, customer, roles)))


async def _check_age(api: PartnerApi) -> Check:
    info = await api.sign_in()
    if info is None:
        return Check("sign-in", "ok", "The refresh token is not in a store of mstoken, so its age is unknown.")
    if info.ended_by:
        ended = SignInRequired(f"Entra ended the sign-in (AADSTS{info.ended_by}).", _RELOGIN)
        return _failed("sign-in", ended)
    unused = int(max(0, api.now() - info.renewed_on) // DAY_IN)
    made = int(max(0, api.now() - info.created_on) // DAY_IN)
    user = f"{info.info.username}, signed" if info.info.username else "Signed"
    text = f"{user} in {_ago(made)}, last renewed {_ago(unused)}."
    if unused < WARN_AFTER_DAYS:
        return Check("sign-in", "ok", text)
    left = max(0, ENDS_AFTER_DAYS - unused)
    text = f"{text[:-1]}; without use, Entra ends it in {left} day{'' if left == 1 else 's'}."
    return Check("sign-in", "warning", text, "Renew it in time, for example weekly in a crontab: `mstoken keepalive`")


async def _check_mfa(api: PartnerApi) -> Check:
    try:
        found = await check_mfa(api)
        found.require()
    except MstokenError as error:
        return _failed("MFA", error)
    said = "" if found.accepted else "; Partner Center does not say whether it accepts it"
    return Check("MFA", "ok", f"The sign-in has MFA{said}." if found.in_token else "Partner Center accepts the token.")


async def _check_relationship(api: PartnerApi, customer: str) -> tuple[list[Relationship], Check]:
    """Return the active relationships, and their check."""
    try:
        wanted = {"$filter": f"customer/tenantId eq '{customer}'"}
        found = [one async for item in api.items(RELATIONSHIPS, params=wanted) if (one := relationship(item))]
    except MstokenError as error:
        return [], _failed("relationship", error)
    active = [one for one in found if one.status == "active"]
    if not active:
        states = ", ".join(sorted({one.status for one in found}))
        had = f"; there is one that is {states}" if states else ""
        text = f"The customer has no active relationship (GDAP) with you{had}."
        remedy = f"Request one in Partner Center, and have an administrator of the customer approve it{_WHERE}."
        return [], Check("relationship", "failed", text, remedy, AccessBlocked(text, remedy))
    last = max(active, key=lambda one: one.ends_on or 0)
    if last.ends_on is None:
        return active, Check("relationship", "ok", "It is active; Graph does not say when it ends.")
    days = int((last.ends_on - api.now()) // DAY_IN)
    date = time.strftime("%Y-%m-%d", time.gmtime(last.ends_on))
    text = f"It is active until {date}, {days} day{'' if days == 1 else 's'} from now"
    if any(one.extends for one in active):
        return active, Check("relationship", "ok", f"{text}; it extends itself.")
    if days >= ENDS_SOON_DAYS:
        return active, Check("relationship", "ok", f"{text}.")
    remedy = f"Request the next one, and have an administrator of the customer approve it{_WHERE}."
    return active, Check("relationship", "warning", f"{text}, and does not extend itself.", remedy)


async def _check_token(api: PartnerApi, customer: str) -> tuple[Check, ...]:
    """Return the checks of consent and of Conditional Access: a new token in the tenant shows both.

    The codes of Conditional Access begin with 53, or demand MFA. Any other refusal is a check `token` of its own.
    """
    try:
        await api.token("graph", tenant=customer, fresh=True)
    except MstokenError as error:
        outcome = outcome_of(error)
        if outcome == "consent_missing":
            remedy = f"Consent to it: `mstoken partner consent {customer}`"
            return Check("consent", "failed", error.message, remedy, error), *_hidden("policies")
        of_policies = outcome == "mfa_required" or str(getattr(error, "codes", ("",))[:1]).startswith("(53")
        return *_hidden("consent"), _failed("policies" if of_policies else "token", error)
    return (
        Check("consent", "ok", "The application gets tokens for Microsoft Graph."),
        Check("policies", "ok", "Conditional Access admits the sign-in."),
    )


async def _check_roles(api: PartnerApi, customer: str, roles: Sequence[str]) -> Check:
    """Check in one batch which roles of the relationships are assigned to a group of the partner."""
    if not roles:
        return Check("roles", "unknown", "Without an active relationship there are no roles to look for.")
    base = "graph:/roleManagement/directory/roleAssignments?$expand=principal&$filter=roleDefinitionId eq "
    names_url = "graph:/roleManagement/directory/roleDefinitions?$select=id,displayName"
    try:
        own = await api.tenant_id(api.tenant)
        first, *found = await api.batch([names_url, *(f"{base}'{role}'" for role in roles)], tenant=customer)
        listed = first.raise_for_status().json()["value"]
        assigned = {
            role
            for role, result in zip(roles, found, strict=True)
            for one in result.raise_for_status().json()["value"]
            if own in _organizations(one)
        }
    except MstokenError as error:
        return Check("roles", "warning", f"They cannot be read: {error.message}", error.remedy, error)
    names = {str(one.get("id")): str(one.get("displayName")) for one in listed}
    shown = [names.get(role, role) for role in roles if role in assigned]
    missing = [names.get(role, role) for role in roles if role not in assigned]
    if not missing or GLOBAL_ADMINISTRATOR in assigned:
        return Check("roles", "ok", f"{', '.join(shown)}.")
    remedy = "Give a security group of yours these roles in the relationship, and add the user to it."
    text = f"The relationship grants {', '.join(missing)}, but to none of your groups."
    return Check("roles", "failed" if not assigned else "warning", text, remedy, AccessBlocked(text, remedy))


def _organizations(assignment: Mapping[str, Any]) -> set[str]:
    """Return the tenants to which Graph says that the principal of an assignment belongs: one of two members has it."""
    principal = assignment.get("principal") or {}
    return {
        str(found).lower()
        for found in (assignment.get("principalOrganizationId"), principal.get("organizationId"))
        if found
    }


def _failed(name: str, error: MstokenError) -> Check:
    return Check(name, "failed", error.message, error.remedy, error)


def _hidden(*names: str) -> list[Check]:
    return [Check(name, "unknown", "An earlier failure hides it.") for name in names]


def _ago(days: int) -> str:
    return "today" if days == 0 else f"{days} day{'' if days == 1 else 's'} ago"
