"""Conditional Access: when a policy applies, and what it requires. Each field is a key in TOML."""

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from .ids import new_id
from .strict import Strict

REQUIREMENTS = (
    "block",
    "mfa",
    "strength",
    "sign_in_frequency",
    "compliant_device",
    "joined_device",
    "approved_app",
    "app_protection",
    "token_protection",
    "password_change",
    "terms_of_use",
    "external",
)
SESSION = frozenset({"sign_in_frequency", "token_protection"})
"""Requirements on the session: they have to be met beside the others, also where one of those is sufficient."""
RISKS = ("none", "low", "medium", "high")
CLIENT_TYPES = ("browser", "mobileAppsAndDesktopClients", "exchangeActiveSync", "other")
TRUSTED = "trusted"
SECURITY_KEY = "security_key"
"""Among a user's `methods`: they can meet the strength `phishing_resistant_mfa` at the sign-in page."""
STRENGTHS = ("mfa", "passwordless_mfa", "phishing_resistant_mfa")


@dataclass
class Policy(Strict):
    """One Conditional Access policy. `require` is one of REQUIREMENTS.

    It applies if every list matches; an empty list matches everything. `users` are ids or UPNs, `groups` ids or names,
    `roles` directory roles: one of these three has to match. `resources` and `apps` are application ids, `grants` grant
    types, `user_risk` and `sign_in_risk` levels, `client_types` some of CLIENT_TYPES.
    `contexts` are authentication contexts (c1 … c99): such a policy applies only to requests for one of them.
    `locations` are named locations (names or ids); `trusted` means all trusted ones. What an `except_…` list names is
    left out. `workloads`: it applies to applications without a user, not to users.

    `also`: further requirements, of which all have to be met; with `any_of`, `require` or one of them is sufficient,
    except those of SESSION. `strength` belongs to the requirement "strength", `frequency_in` (seconds) to
    "sign_in_frequency". `report_only`: it is listed, but refuses nothing. `created_on` is in epoch seconds.
    """

    name: str
    require: str
    id: str = field(default_factory=new_id)
    enabled: bool = True
    resources: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    except_users: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    apps: list[str] = field(default_factory=list)
    grants: list[str] = field(default_factory=list)
    user_risk: list[str] = field(default_factory=list)
    sign_in_risk: list[str] = field(default_factory=list)
    contexts: list[str] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)
    except_locations: list[str] = field(default_factory=list)
    workloads: bool = False
    strength: str = "phishing_resistant_mfa"
    frequency_in: float = 86_400.0
    also: list[str] = field(default_factory=list)
    any_of: bool = False
    report_only: bool = False
    groups: list[str] = field(default_factory=list)
    except_groups: list[str] = field(default_factory=list)
    except_roles: list[str] = field(default_factory=list)
    except_resources: list[str] = field(default_factory=list)
    except_apps: list[str] = field(default_factory=list)
    client_types: list[str] = field(default_factory=list)
    created_on: float = 0.0

    @property
    def active(self) -> bool:
        """True if it can refuse something."""
        return self.enabled and not self.report_only

    @property
    def requirements(self) -> tuple[str, ...]:
        """All requirements, `require` first."""
        return self.require, *self.also

    @property
    def required(self) -> set[str]:
        """The requirements that have to be met in any case."""
        return set(self.requirements) & SESSION if self.any_of else set(self.requirements)

    @property
    def choices(self) -> set[str]:
        """The requirements of which one is sufficient."""
        return set(self.requirements) - self.required


@dataclass
class Location(Strict):
    """A named location: the IP addresses in `ranges` (CIDR). `trusted`: it belongs to the organization."""

    name: str
    ranges: list[str]
    id: str = field(default_factory=new_id)
    trusted: bool = False

    def holds(self, address: str) -> bool:
        """Return whether an IP address is in the location."""
        return any(ip_address(address) in ip_network(text, strict=False) for text in self.ranges)


@dataclass
class Device(Strict):
    """A device registered in a tenant. `compliant`: it meets its management's rules; `joined`: it is domain-joined."""

    name: str
    id: str = field(default_factory=new_id)
    enabled: bool = True
    compliant: bool = False
    joined: bool = False
