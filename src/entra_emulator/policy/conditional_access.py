"""Conditional Access, security defaults and per-user multi-factor authentication.

The claims of a refusal name the unmet policies; a client sends them in its next authorization request.
Source: learn.microsoft.com/entra/identity/conditional-access and .../identity-platform/reference-error-codes. The code
for an unmet authentication strength is not documented; 50074 is an assumption.
"""

import json
from collections.abc import Callable

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import ticks
from entra_emulator.conditions import TRUSTED, Policy
from entra_emulator.model import App, Tenant
from entra_emulator.resources import Resource
from entra_emulator.tokens.directory_roles import role_ids

from .sign_in import SignIn

_MFA_METHODS = frozenset({"mfa", "ngcmfa"})
"""Values of `amr` with which a client requires multi-factor authentication, whatever the policies say."""

AZURE_MFA = "p1"
"""The authentication context that Azure itself demands of users who change something
(learn.microsoft.com/entra/identity/authentication/concept-mandatory-multifactor-authentication)."""


def enforce(sign_in: SignIn) -> None:
    """Apply all rules to a user's request for a token.

    :raises EntraError: blocked 53003 53011 530034 530035; a second factor 50072 50074 50076 50078 50079 53004 90072;
        the device 50097 53000 53001 700003 135011; the application 53002 53005 530084; 50142 50158 50177 50178 70043.
    """
    applying = [policy for policy in sign_in.tenant.policies if _applies(policy, sign_in)]
    _block(sign_in, applying)
    for require, check in _CHECKS.items():
        if unmet := [policy for policy in applying if require in policy.required]:
            check(sign_in, unmet)
    for policy in applying:
        _one_of(sign_in, policy)
    if _MFA_METHODS & set(sign_in.methods) and not sign_in.has_mfa:
        raise _second_factor(sign_in)
    _tenant_wide(sign_in)


def enforce_for_workload(tenant: Tenant, app: App, resource: Resource, address: str) -> None:
    """Apply Conditional Access to an application without a user, which it can only block.

    :param address: the IP address its request comes from.
    :raises EntraError: 53003.
    """
    for policy in tenant.policies:
        fits = _listed(policy.resources, {resource.app_id}) and _listed(policy.apps, {app.id})
        fits = fits and resource.app_id not in policy.except_resources and app.id not in policy.except_apps
        fits = fits and _located(policy, tenant, address)
        if policy.active and policy.workloads and policy.require == "block" and fits:
            raise EntraError(53003, claims=_claims([policy]))


def contexts_met(sign_in: SignIn) -> tuple[str, ...]:
    """Return the authentication contexts that a request meets: the requested and known ones. Call `enforce` before."""
    known = {AZURE_MFA, *(context for policy in sign_in.tenant.policies for context in policy.contexts)}
    return tuple(context for context in sign_in.contexts if context in known)


def _applies(policy: Policy, sign_in: SignIn) -> bool:
    user = sign_in.user
    if not policy.active or policy.workloads or not _concerns(policy, sign_in):
        return False
    if not _located(policy, sign_in.tenant, sign_in.address) or sign_in.resource.app_id in policy.except_resources:
        return False
    return all(
        _listed(listed, values)
        for listed, values in (
            (policy.resources, {sign_in.resource.app_id}),
            (policy.apps, {sign_in.app.id}),
            (policy.client_types, {_client_type(sign_in.app)}),
            (policy.grants, {sign_in.grant.lower()}),
            (policy.user_risk, {user.risk}),
            (policy.sign_in_risk, {user.sign_in_risk}),
            (policy.contexts, set(sign_in.contexts)),
        )
    )


def _concerns(policy: Policy, sign_in: SignIn) -> bool:
    """Return whether a policy is about the user: by name, group or role, and not left out by one of them."""
    roles = {*_names(sign_in.roles), *_names(role_ids(sign_in.roles))}
    groups = sign_in.group_names if policy.groups or policy.except_groups else set()
    out = _names(policy.except_users) & sign_in.names or _names(policy.except_groups) & groups
    if out or _names(policy.except_roles) & roles:
        return False
    listed = (policy.users, sign_in.names), (policy.groups, groups), (policy.roles, roles)
    return not any(names for names, _ in listed) or any(_names(names) & values for names, values in listed)


def _client_type(app: App) -> str:
    """Return the kind of client app: legacy ones do not exist here, and a public client is an app on a device."""
    return "mobileappsanddesktopclients" if app.public else "browser"


def _located(policy: Policy, tenant: Tenant, address: str) -> bool:
    """Return whether a policy applies to requests from an IP address."""
    if not policy.locations and not policy.except_locations:
        return True
    locations = [location for location in tenant.locations if location.holds(address)]
    names = {
        name.lower()
        for location in locations
        for name in (location.id, location.name, TRUSTED if location.trusted else location.name)
    }
    return _listed(policy.locations, names) and not _names(policy.except_locations) & names


def _names(listed: list[str]) -> set[str]:
    return {name.lower() for name in listed}


def _listed(listed: list[str], values: set[str]) -> bool:
    return not listed or bool(_names(listed) & values)


def context_claims(context: str) -> str:
    """Return the claims that require an authentication context (c1 to c99, or p1)."""
    return f'{{"access_token":{{"acrs":{{"essential":true,"value":"{context}"}}}}}}'


def _claims(policies: list[Policy]) -> str:
    values = [policy.id for policy in policies]
    return json.dumps({"access_token": {"capolids": {"essential": True, "values": values}}}, separators=(",", ":"))


def _block(sign_in: SignIn, applying: list[Policy]) -> None:
    if sign_in.passthrough and sign_in.user.risk == "high":
        raise EntraError(530034)
    if blocking := [policy for policy in applying if policy.require == "block"]:
        if sign_in.foreign and any(policy.user_risk for policy in blocking):
            raise EntraError(53011)
        raise EntraError(53003)


def _one_of(sign_in: SignIn, policy: Policy) -> None:
    """Check that one of a policy's alternatives is met; the refusal is that of the last, which a user can meet."""
    refusal = None
    for require, check in _CHECKS.items():
        if require in policy.choices:
            try:
                check(sign_in, [policy])
            except EntraError as problem:
                refusal = problem
            else:
                return
    if refusal:
        raise refusal


def _mfa(sign_in: SignIn, policies: list[Policy]) -> None:
    if not sign_in.has_mfa:
        raise _second_factor(sign_in, _claims(policies))


def _second_factor(sign_in: SignIn, claims: str | None = None) -> EntraError:
    """Return the refusal of a sign-in without multi-factor authentication; it depends on the user's methods."""
    if sign_in.user.methods:
        return EntraError(50076, resource=sign_in.resource.app_id, claims=claims)
    if sign_in.passthrough:
        return EntraError(90072, tenant=sign_in.tenant.name, app=sign_in.app.id, app_name=sign_in.app.name)
    if sign_in.user.sign_in_risk == "high":
        return EntraError(53004)
    return EntraError(50079, resource=sign_in.resource.app_id, claims=claims)


def _strength(sign_in: SignIn, policies: list[Policy]) -> None:
    _mfa(sign_in, policies)
    amr = set(sign_in.session.amr)
    strengths = {"mfa"}
    if "pwd" not in amr:
        strengths.add("passwordless_mfa")
    if amr & {"fido", "rsa"}:
        strengths |= {"passwordless_mfa", "phishing_resistant_mfa"}
    if unmet := [policy for policy in policies if policy.strength not in strengths]:
        raise EntraError(50074, resource=sign_in.resource.app_id, claims=_claims(unmet))


def _frequency(sign_in: SignIn, policies: list[Policy]) -> None:
    if sign_in.passthrough:
        raise EntraError(50178)
    allowed_in = min(policy.frequency_in for policy in policies)
    if sign_in.now - sign_in.session.granted_on >= allowed_in:
        raise EntraError(70043, issued=ticks(sign_in.session.granted_on), allowed=f"{allowed_in:.0f}")


def _known_device(sign_in: SignIn, policies: list[Policy]) -> None:
    if not sign_in.session.device:
        raise EntraError(50097, claims=_claims(policies))
    if sign_in.device is None:
        raise EntraError(700003, device=sign_in.session.device, tenant=sign_in.home.name)
    if not sign_in.device.enabled:
        raise EntraError(135011)


def _compliant(sign_in: SignIn, policies: list[Policy]) -> None:
    _known_device(sign_in, policies)
    if not (sign_in.device and sign_in.device.compliant):
        raise EntraError(53000, claims=_claims(policies))


def _joined(sign_in: SignIn, policies: list[Policy]) -> None:
    _known_device(sign_in, policies)
    if not (sign_in.device and sign_in.device.joined):
        raise EntraError(53001, claims=_claims(policies))


def _approved(sign_in: SignIn, _: list[Policy]) -> None:
    if not sign_in.app.approved:
        raise EntraError(53002)


def _protected(sign_in: SignIn, _: list[Policy]) -> None:
    if not sign_in.app.protected:
        raise EntraError(53005)


def _bound(sign_in: SignIn, _: list[Policy]) -> None:
    if not sign_in.session.bound:
        raise EntraError(530084)


def _password_change(_: SignIn, policies: list[Policy]) -> None:
    raise EntraError(50142, claims=_claims(policies))


def _terms(sign_in: SignIn, policies: list[Policy]) -> None:
    if not sign_in.user.accepted_terms:
        _external(sign_in, policies)


def _external(sign_in: SignIn, policies: list[Policy]) -> None:
    """Require the controls that only a browser can meet: terms of use, another vendor's second factor."""
    if sign_in.passthrough:
        raise EntraError(50177)
    raise EntraError(50158, claims=_claims(policies))


def _tenant_wide(sign_in: SignIn) -> None:
    """Apply the other rules: security defaults, per-user multi-factor authentication, and its age."""
    user, tenant = sign_in.user, sign_in.tenant
    if tenant.security_defaults:
        if user.sign_in_risk == "high":
            raise EntraError(530035)
        if not sign_in.has_mfa and not user.methods:
            raise EntraError(50072, resource=sign_in.resource.app_id)
    if not sign_in.has_mfa and (user.mfa_required or (tenant.security_defaults and sign_in.roles)):
        raise _second_factor(sign_in)
    age_in = sign_in.now - sign_in.session.granted_on
    if sign_in.has_mfa and 0 < tenant.mfa_valid_in <= age_in:
        raise EntraError(50078, resource=sign_in.resource.app_id)
    if AZURE_MFA in sign_in.contexts and not sign_in.has_mfa:
        raise _second_factor(sign_in, context_claims(AZURE_MFA))


_CHECKS: dict[str, Callable[[SignIn, list[Policy]], None]] = {
    "sign_in_frequency": _frequency,
    "compliant_device": _compliant,
    "joined_device": _joined,
    "approved_app": _approved,
    "app_protection": _protected,
    "token_protection": _bound,
    "mfa": _mfa,
    "strength": _strength,
    "password_change": _password_change,
    "terms_of_use": _terms,
    "external": _external,
}
