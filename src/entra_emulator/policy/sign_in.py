"""The facts on which the policies decide when a user requests a token."""

from dataclasses import dataclass

from entra_emulator.model import App, Device, RefreshToken, Tenant, User
from entra_emulator.resources import Resource


@dataclass(frozen=True)
class SignIn:
    """A user of `home` requests a token for `resource` in `tenant`, through `app`. `now` is in epoch seconds.

    `member`: the user's own entry in the tenant, as a member or guest; None for delegated administration, which Entra
    calls a pass-through user. `grant`: the grant type. `contexts`: the authentication contexts requested (c1 to c99).
    `methods`: how the client requires the user to have signed in (`amr` of the claims parameter).
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
    methods: tuple[str, ...] = ()
    address: str = ""
    version: int = 2

    @property
    def has_mfa(self) -> bool:
        """True if the sign-in used multi-factor authentication."""
        return "mfa" in self.session.amr

    @property
    def passthrough(self) -> bool:
        """True if the user has access only by delegated administration."""
        return self.member is None

    @property
    def foreign(self) -> bool:
        """True if the user's home is another tenant."""
        return self.home.id != self.tenant.id

    @property
    def device(self) -> Device | None:
        """The device of the sign-in, if its tenant knows it."""
        wanted = self.session.device
        return next((device for device in self.home.devices if wanted and device.id == wanted), None)

    @property
    def group_names(self) -> set[str]:
        """The ids and names of the groups that the user belongs to in the tenant."""
        own = self.member.id if self.member else ""
        return {name.lower() for group in self.tenant.groups_of(own, *self.names) for name in (group.id, group.name)}

    @property
    def names(self) -> set[str]:
        """The user's id and UPN, the names that lists in a configuration may contain."""
        return {self.user.id.lower(), self.user.upn.lower()}
