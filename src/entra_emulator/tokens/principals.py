"""The subject of a token, its permissions, and its issuer."""

from dataclasses import dataclass, field
from typing import Any

from entra_emulator.model import App, Tenant, User
from entra_emulator.resources import Resource


@dataclass(frozen=True)
class Principal:
    """The subject of a token: an application in a tenant, or a user through it.

    `proof`: how the application authenticated: "0" not at all, "1" by a secret, "2" by a certificate or an assertion.
    `address`: the IP address of the request. `signed_in_on` (epoch seconds) and `sid`: of the user's session.
    """

    tenant: Tenant
    app: App
    proof: str
    object_id: str
    user: User | None = None
    home: Tenant | None = None
    roles: list[str] = field(default_factory=list)
    amr: tuple[str, ...] = ()
    address: str = ""
    signed_in_on: float = 0.0
    sid: str = ""

    @property
    def foreign(self) -> bool:
        """True if the user's home is another tenant."""
        return bool(self.home and self.home.id != self.tenant.id)

    @property
    def from_live(self) -> bool:
        """True if the user is a guest with a personal account."""
        return bool(self.foreign and self.home and self.home.personal)


@dataclass(frozen=True)
class Access:
    """What an access token allows: `scp` for users, `roles` for applications, at `resource` named `audience`.

    `contexts`: authentication contexts that the sign-in has met (`acrs`). `most_groups`: how many groups fit in it.
    """

    resource: Resource
    audience: str
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    most_groups: int = 200


@dataclass(frozen=True)
class Stamp:
    """Issuer and times: `issuer`, `sts` (the base of identity providers' names), and times in epoch seconds."""

    issuer: str
    sts: str
    issued_on: int
    expires_on: int

    @property
    def times(self) -> dict[str, Any]:
        """Return iss, iat, nbf and exp."""
        return {"iss": self.issuer, "iat": self.issued_on, "nbf": self.issued_on, "exp": self.expires_on}
