"""Check that the parts of a configuration are consistent, which its classes alone cannot check."""

from ipaddress import ip_address, ip_network

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from .clouds import CUSTOM, SERVICES, may_be_custom
from .conditions import CLIENT_TYPES, REQUIREMENTS, RISKS, STRENGTHS, TRUSTED
from .faults import Fault
from .ids import personal_id
from .model import (
    AUDIENCES,
    GROUP_CLAIMS,
    PASSWORD_AGENTS,
    RELATIONSHIP_STATES,
    App,
    Group,
    Policy,
    Relationship,
    Settings,
    Tenant,
    User,
)
from .state import State, as_guid
from .throttling import Throttle
from .tokens import optional_claims
from .tokens.directory_roles import directory_roles, role_ids
from .user_flows import CLAIMS, KINDS, PREFIX

UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)
"""The exceptions for a certificate, one of its names or its key that cannot be read."""


class ConfigError(ValueError):
    """The configuration cannot be used; the message says where and why."""


def check(state: State) -> None:
    """Check that the parts of a state are consistent.

    :raises ConfigError: they are not.
    """
    ids = [(f"tenants[{index}]", tenant.id) for index, tenant in enumerate(state.tenants.values())]
    ids += [(f"apps[{index}]", app.id) for index, app in enumerate(state.apps.values())]
    for where, text in ids:
        if as_guid(text) != text:
            raise ConfigError(f"{where}.id: '{text}' is not a GUID in lower case")
    for app in state.apps.values():
        if not (home := state.tenant(app.tenant)):
            raise ConfigError(f"app {app.id}: its tenant '{app.tenant}' is not in the configuration")
        app.tenant = home.id
        check_app(app)
        if app.blueprint and app.blueprint not in state.apps:
            raise ConfigError(f"app {app.id}: its blueprint '{app.blueprint}' is not in the configuration")
    for tenant in state.tenants.values():
        _check_tenant(tenant)
    for fault in state.faults:
        check_fault(fault)
    for throttle in state.throttles:
        check_throttle(throttle)
    _check_settings(state.settings)


def _check_settings(settings: Settings) -> None:
    if settings.description_separator not in ("space", "crlf"):
        raise ConfigError("settings.description_separator: expected space or crlf")
    try:
        ip_address(settings.address)
    except ValueError:
        raise ConfigError(f"settings.address: '{settings.address}' is not an IP address") from None


def _check_tenant(tenant: Tenant) -> None:
    for policy in tenant.policies:
        check_policy(policy, tenant)
    for location in tenant.locations:
        check_ranges(f"location '{location.name}'", location.ranges)
    for relation in tenant.relationships:
        _check_choice(f"relationship '{relation.name or relation.id}': status", relation.status, RELATIONSHIP_STATES)
    for user in tenant.users:
        user.id = personal_id(user.id) if tenant.personal else user.id
        check_user(user)
    _check_user_flows(tenant)
    for domain in tenant.custom_domains:
        if not may_be_custom(domain) or domain != domain.lower():
            raise ConfigError(
                f"tenant {tenant.id}: the custom domain '{domain}' is not below .{CUSTOM}, in lower case; "
                "the emulator's certificate authority vouches for no other names"
            )
    _check_choice(f"tenant {tenant.id}: password_agent", tenant.password_agent, PASSWORD_AGENTS)
    holders: list[Relationship | Group] = [*tenant.relationships, *tenant.groups]
    for owner in holders:
        check_roles(f"'{owner.name or owner.id}'", owner.roles)


def _check_user_flows(tenant: Tenant) -> None:
    for flow in tenant.user_flows:
        where = f"user flow '{flow.name}'"
        if not flow.name.lower().startswith(f"{PREFIX}_") and not flow.name.lower().startswith(f"{PREFIX}a_"):
            raise ConfigError(f"{where}: a name begins with B2C_1_ or, of a custom policy, B2C_1A_")
        _check_choice(f"{where}: kind", flow.kind, KINDS)
        _check_choice(f"{where}: policy_claim", flow.policy_claim, ("tfp", "acr"))
        for claim in flow.claims:
            _check_choice(f"{where}: claim", claim, CLAIMS)
    if len({flow.name.lower() for flow in tenant.user_flows}) < len(tenant.user_flows):
        raise ConfigError(f"tenant {tenant.id}: two user flows have the same name")


def check_policy(policy: Policy, tenant: Tenant) -> None:
    """Check that the values of a Conditional Access policy exist.

    :raises ConfigError: one does not; the message lists the valid ones.
    """
    for require in policy.requirements:
        _check_choice(f"policy '{policy.name}': require", require, REQUIREMENTS)
    if policy.also and "block" in policy.requirements:
        raise ConfigError(f"policy '{policy.name}': block cannot be combined with another requirement")
    for kind in policy.client_types:
        _check_choice(f"policy '{policy.name}': client type", kind, CLIENT_TYPES)
    _check_choice(f"policy '{policy.name}': strength", policy.strength, STRENGTHS)
    for level in policy.user_risk + policy.sign_in_risk:
        _check_choice(f"policy '{policy.name}': risk", level, RISKS)
    names = {name.lower() for name in _location_names(tenant)}
    for name in policy.locations + policy.except_locations:
        if name.lower() not in names:
            _check_choice(f"policy '{policy.name}': location", name, _location_names(tenant))
    check_roles(f"policy '{policy.name}'", policy.roles + policy.except_roles)


def check_user(user: User) -> None:
    """Check that a user's risk level and directory roles exist.

    :raises ConfigError: they do not.
    """
    _check_choice(f"user '{user.upn}': risk", user.risk, RISKS)
    _check_choice(f"user '{user.upn}': sign_in_risk", user.sign_in_risk, RISKS)
    check_roles(f"user '{user.upn}'", user.roles)


def check_roles(where: str, roles: list[str]) -> None:
    """Check that directory roles are known names or template ids.

    :raises ConfigError: one is neither; the message lists the known names.
    """
    for role in role_ids(roles):
        if not as_guid(role.lower()):
            known = ", ".join(directory_roles())
            raise ConfigError(f"{where}: '{role}' is not a directory role; give its template id, or one of {known}")


def check_app(app: App) -> None:
    """Check that an application's audience and claims exist and that its certificates can be read.

    :raises ConfigError: they do not, or cannot.
    """
    _check_choice(f"app {app.id}: audience", app.audience, AUDIENCES)
    _check_choice(f"app {app.id}: group_claims", app.group_claims, GROUP_CLAIMS)
    for name in ("optional_claims", "id_token_claims"):
        if wrong := optional_claims.problem(getattr(app, name)):
            raise ConfigError(f"app {app.id}: {name}: {wrong}")
    _check_certificates(app)


def check_fault(fault: Fault) -> None:
    """Check that the service of a fault exists.

    :raises ConfigError: it does not.
    """
    _check_choice("fault: service", fault.service, (*SERVICES, "*"))


def check_throttle(throttle: Throttle) -> None:
    """Check that the service of a limit is an API.

    :raises ConfigError: it is not.
    """
    _check_choice("throttle: service", throttle.service, tuple(name for name in SERVICES if name != "login"))


def _location_names(tenant: Tenant) -> tuple[str, ...]:
    return (TRUSTED, *(location.name for location in tenant.locations), *(location.id for location in tenant.locations))


def check_ranges(where: str, ranges: list[str]) -> None:
    """Check that texts are ranges of IP addresses in CIDR notation.

    :raises ConfigError: one is not.
    """
    for text in ranges:
        try:
            ip_network(text, strict=False)
        except ValueError:
            raise ConfigError(f"{where}: '{text}' is not a range of IP addresses, such as 203.0.113.0/24") from None


def _check_choice(where: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(
            f"{where} is '{value}', expected one of {', '.join(choice or 'nothing' for choice in choices)}"
        )


def _check_certificates(app: App) -> None:
    for text in [entry.pem for entry in app.certificates] + [entry.authority for entry in app.trusted_subjects]:
        try:
            certificate = x509.load_pem_x509_certificate(text.encode())
            _ = certificate.subject, certificate.public_key()
        except UNREADABLE:
            raise ConfigError(f"app {app.id}: a certificate cannot be read as PEM") from None
