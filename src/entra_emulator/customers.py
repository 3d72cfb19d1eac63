"""A partner's customers by the hundred, some of them with trouble: one line of a configuration stands for all."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields

from .conditions import Policy
from .faults import Fault
from .model import Grant, Relationship, ServicePrincipal, Tenant
from .state import State
from .strict import Strict

GRAPH = "00000003-0000-0000-c000-000000000000"
ARM = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
PARTNER_CENTER = "fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd"
_ROLES = ["Organization.Read.All", "User.Read.All"]
_SCOPES = ["Directory.Read.All", "Organization.Read.All", "User.Read", "User.Read.All"]
_LISTING = "DelegatedAdminRelationship.Read.All"
_PAUSE_IN = 600
_VANISHES_AFTER = 1


@dataclass
class Customers(Strict):
    """Tenants `customer001.example` and so on, each with a relationship (GDAP) to the default tenant, the partner.

    `count` is their number. The default application has consent in each, and the default user may act in each. The
    other numbers say in how many of them something is wrong, the first of them in this order:

    `consent_missing`: the application is not there. `mfa_required`: Conditional Access demands more of users than they
    signed in with. `blocked`: Conditional Access blocks users and applications. `app_disabled`: an administrator
    disabled the application. `gone`: the tenant is disabled. `throttled`: token requests get 429. `ended`: the
    relationship is terminated. `vanishing`: the tenant answers one request, and then does not exist.
    """

    count: int
    consent_missing: int = 0
    mfa_required: int = 0
    blocked: int = 0
    app_disabled: int = 0
    gone: int = 0
    throttled: int = 0
    ended: int = 0
    vanishing: int = 0

    def __post_init__(self) -> None:
        """:raises ValueError: there are more troubles than customers, or a number below 0."""
        numbers = [getattr(self, name) for name in TROUBLES]
        if min(self.count, *numbers) < 0 or sum(numbers) > self.count:
            raise ValueError(f"count is {self.count}, and the others are {sum(numbers)} together; none is below 0")

    @property
    def troubles(self) -> list[str]:
        """The trouble of each customer, '' for none."""
        found = [name for name in TROUBLES for _ in range(getattr(self, name))]
        return found + [""] * (self.count - len(found))


TROUBLES = tuple(field.name for field in fields(Customers) if field.name != "count")


def add_customers(state: State, customers: Customers) -> None:
    """Add the customers to a state, and the right to list them to the application.

    :raises LookupError: the state has no tenant, application or user to start with.
    """
    partner, app, user = state.default_tenant, state.default_app, state.default_user
    for number, trouble in enumerate(customers.troubles, 1):
        made = _customer(partner, number, app.id, user.upn if user else "")
        _MAKE.get(trouble, _nothing)(state, made)
        state.tenants[made.id] = made
    partner.grants.append(Grant(app.id, GRAPH, scopes=[_LISTING], roles=[_LISTING]))


def _customer(partner: Tenant, number: int, app: str, user: str) -> Tenant:
    name = f"customer{number:03}"
    relationship = Relationship(
        partner.id, users=[user] if user else [], roles=["Global Reader", "User Administrator"], name=f"GDAP {name}"
    )
    return Tenant(
        str(uuid.uuid5(uuid.UUID(partner.id), name)),
        f"Customer {number:03}",
        [f"{name}.example", f"{name}.onmicrosoft.com"],
        cloud=partner.cloud,
        principals=[ServicePrincipal(app)],
        grants=[
            Grant(app, GRAPH, scopes=list(_SCOPES), roles=list(_ROLES)),
            Grant(app, ARM, scopes=["user_impersonation"]),
        ],
        relationships=[relationship],
        without=[PARTNER_CENTER],
    )


def _nothing(_: State, __: Tenant) -> None:
    """Nothing is wrong."""


def _without_consent(_: State, tenant: Tenant) -> None:
    tenant.principals.clear()
    tenant.grants.clear()


def _requiring_mfa(_: State, tenant: Tenant) -> None:
    tenant.policies.append(Policy("Phishing-resistant MFA for all users", "strength"))


def _blocking(_: State, tenant: Tenant) -> None:
    tenant.policies += [
        Policy("Block service providers", "block"),
        Policy("Block workloads", "block", workloads=True),
    ]


def _disabling(_: State, tenant: Tenant) -> None:
    for principal in tenant.principals:
        principal.enabled = False


def _gone(_: State, tenant: Tenant) -> None:
    tenant.enabled = False


def _throttling(state: State, tenant: Tenant) -> None:
    state.faults.append(Fault(status=429, retry_after_in=_PAUSE_IN, tenant=tenant.id))


def _ended(_: State, tenant: Tenant) -> None:
    tenant.relationships[0].status = "terminated"


def _vanishing(_: State, tenant: Tenant) -> None:
    tenant.vanishes_after = _VANISHES_AFTER


_MAKE: dict[str, Callable[[State, Tenant], None]] = {
    "consent_missing": _without_consent,
    "mfa_required": _requiring_mfa,
    "blocked": _blocking,
    "app_disabled": _disabling,
    "gone": _gone,
    "throttled": _throttling,
    "ended": _ended,
    "vanishing": _vanishing,
}
