"""The facts that policy is evaluated against when a user requests a token."""

from dataclasses import dataclass

from entra_emulator.model import App, Device, RefreshToken, Tenant, User
from entra_emulator.resources import Resource


@dataclass(frozen=True)
class SignIn:
    """A user of `home` requests a token for `resource` in `tenant`, through `app`. `now` is in epoch seconds.

    `member`: the user's own entry in the tenant, as a member or guest; None for delegated administration, which Entra
    calls a pass-through user. `grant`: the grant type. `contexts`: the authentication contexts requested (c1 to c99).
    `address`: the IP address the request comes from. `version`: of the endpoint.
    """

    tenant: Tenant
    home: Tenant
    user: User
    member: User | None
    roles: list[str]
    app: App
    resource: Resource
    identifier: str
    session: RefreshToken
    grant: str
    now: float
    contexts: tuple[str, ...] = ()
    address: str = ""
    version: int = 2

    @property
    def has_mfa(self) -> bool:
        """Whether the sign-in was done with multi-factor authentication."""
        return "mfa" in self.session.amr

    @property
    def passthrough(self) -> bool:
        """Whether the user works here by delegated administration only."""
        return self.member is None

    @property
    def foreign(self) -> bool:
        """Whether the user's home is another tenant."""
        return self.home.id != self.tenant.id

    @property
    def device(self) -> Device | None:
        """The device of the sign-in, if its tenant knows it."""
        wanted = self.session.device
        return next((one for one in self.home.devices if wanted and one.id == wanted), None)

    @property
    def group_names(self) -> set[str]:
        """The ids and names of the groups that the user belongs to in the tenant."""
        own = self.member.id if self.member else ""
        return {name.lower() for one in self.tenant.groups_of(own, *self.names) for name in (one.id, one.name)}

    @property
    def names(self) -> set[str]:
        """The user's id and UPN, as lists in a configuration may have them."""
        return {self.user.id.lower(), self.user.upn.lower()}
