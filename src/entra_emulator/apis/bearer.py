"""The checks of a bearer token that all APIs share (RFC 6750): signature, issuer, audience, time."""

from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import Request

from entra_emulator.clouds import clouds
from entra_emulator.model import Tenant
from entra_emulator.resources import find_first_party
from entra_emulator.throttling import Use
from entra_emulator.tokens.keys import BadSignature
from entra_emulator.world import Site, World

from .continuous_access import revocation

Fault = Literal["missing", "malformed", "issuer", "audience", "expired", "early", "revoked"]


class BadToken(Exception):
    """A token is refused. `fault` says why; `claims` are those of the token if its signature is valid.

    `demand`: the claims (JSON text) that a new token must have, for a challenge; empty for none.
    """

    def __init__(self, fault: Fault, claims: dict[str, Any] | None = None, demand: str = "") -> None:
        super().__init__(fault)
        self.fault, self.claims, self.demand = fault, claims or {}, demand


@dataclass(frozen=True)
class Caller:
    """The caller of an API, according to the token."""

    tenant: Tenant
    claims: dict[str, Any] = field(repr=False)

    @property
    def app_only(self) -> bool:
        """True if the token is an application's own, without a user."""
        return "scp" not in self.claims

    @property
    def app_id(self) -> str:
        """The calling application."""
        return str(self.claims.get("appid") or self.claims.get("azp"))

    @property
    def user_name(self) -> str:
        """The user's UPN, whatever the home tenant; empty without a user."""
        return "" if self.app_only else str(self.claims.get("unique_name", "")).removeprefix("live.com#")

    @property
    def names(self) -> set[str]:
        """The caller's names in access lists: an application's id, or a user's id and UPN, in lower case."""
        return {self.app_id} if self.app_only else {str(self.claims["oid"]), self.user_name.lower()}

    @property
    def permissions(self) -> frozenset[str]:
        """The roles of an application, or the delegated scopes of a user."""
        if self.app_only:
            return frozenset(self.claims.get("roles", ()))
        return frozenset(str(self.claims["scp"]).split())

    @property
    def directory_roles(self) -> frozenset[str]:
        """Template ids of the user's directory roles in this tenant."""
        return frozenset(self.claims.get("wids", ()))

    @property
    def has_mfa(self) -> bool:
        """True if the user signed in with multi-factor authentication."""
        return "mfa" in self.claims.get("amr", ())


def check(request: Request, resource: str) -> Caller:
    """Return the caller of a request to the API with this application id.

    :raises BadToken: the Authorization header is missing, or its token is not valid for this API now.
    :raises Throttled: the caller has used up a limit.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise BadToken("missing")
    return check_token(request, token.strip(), resource)


def check_token(request: Request, token: str, resource: str) -> Caller:
    """Return the caller according to `token`, wherever the request has it. Raises as `check`."""
    world: World = request.state.world
    site: Site = request.state.site
    try:
        claims = world.keys.verify(token)
    except BadSignature:
        raise BadToken("malformed") from None
    tenant = world.state.tenants.get(str(claims.get("tid")))
    if tenant is None or claims.get("iss") not in _issuers(world, tenant):
        raise BadToken("issuer", claims)
    found = find_first_party(str(claims.get("aud")), site.realm)
    if found is None or found.app_id != resource:
        raise BadToken("audience", claims)
    now = world.clock.now()
    if claims.get("exp", 0) <= now:
        raise BadToken("expired", claims)
    if claims.get("nbf", 0) > now:
        raise BadToken("early", claims)
    if found.cae and (demand := revocation(world.state, tenant, claims, now)):
        raise BadToken("revoked", claims, demand)
    notes = request.state.notes
    notes["tenant"], notes["client_id"] = tenant.id, claims.get("appid") or claims.get("azp")
    _count(request, tenant.id, str(notes["client_id"]))
    return Caller(tenant, claims)


def _count(request: Request, tenant: str, client: str) -> None:
    """Count the request, and note the headers that its response gets. A batch counts by its parts alone.

    :raises Throttled: it is over a limit.
    """
    world: World = request.state.world
    site: Site = request.state.site
    path = request.url.path.removeprefix(f"/{site.service}") if site.local_port else request.url.path
    if path.lower().endswith("/$batch"):
        return
    query = {name.lower(): value for name, value in request.query_params.items()}
    use = Use(site.service, request.method, path, query, tenant, client)
    request.state.headers += world.usage.count(world.state.throttles, use, world.clock.now())


def _issuers(world: World, tenant: Tenant) -> set[str]:
    sites = [Site(cloud, "login", port) for cloud in clouds() for port in (None, world.port)]
    return {site.issuer(tenant.id, version) for site in sites for version in (1, 2)}
