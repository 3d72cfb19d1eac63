"""The meaning of a call's scopes: which resource, and whether it needs a user."""

from __future__ import annotations

from mstoken import services
from mstoken.errors import SignInRequired, UsageError
from mstoken.messages import advice
from mstoken.stores.memory import BoundedDict
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.authority import Authority
    from mstoken.clouds import Cloud
    from mstoken.services import Target

MAX_TARGETS = 1000
"""How many targets a client remembers: a catalog look-up costs more than everything else before a request."""


class ScopeResolver:
    """Resolves scopes with the catalog and remembers the results. Threads may share it."""

    def __init__(self) -> None:
        self._targets: BoundedDict[tuple[str, tuple[str, ...]], Target] = BoundedDict(MAX_TARGETS)

    def target(self, scopes: tuple[str, ...], cloud: Cloud) -> Target:
        """Return the one resource that `scopes` mean in `cloud`. Raises UsageError."""
        if not scopes:
            raise UsageError("No service or scope was given.", "Name one, such as graph or arm: mstoken services")
        key = (cloud.name, scopes)
        target = self._targets.get(key)
        if target is None:
            target = services.resolve_all(scopes, cloud)
            self._targets.put(key, target)
        return target


def user_required(target: Target, authority: Authority, client_id: str) -> SignInRequired:
    """Return the error for a token that needs a user, requested with an application's credential.

    Either the service has no app-only tokens, or the scopes name single permissions, which are only delegated.
    Source: AADSTS1002012; learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, scope.
    """
    from mstoken import aadsts

    service = target.service
    title = service.title if service else target.resource
    remedy = aadsts.fill("Sign in as a user: `{login}`", tenant=authority.tenant, client_id=client_id)
    if service and service.needs_user:
        wanted, own = f"{title} needs a token", service.app_only_note
    else:
        single = [scope.removeprefix(f"{target.resource}/") for scope in target.scopes]
        single = [scope for scope in single if scope != ".default"]
        wanted = f"{', '.join(single)} of {title} {'is' if len(single) == 1 else 'are'} only given"
        name = service.name if service and not service.needs_instance else target.resource
        call = advice(options=f"mstoken get {name}", python=f'get_token("{name}")')
        own = f"Or request what the application itself was granted: {call}"
    return SignInRequired(
        f"{wanted} on behalf of a user; there is only an application's credential. No request was made.",
        f"{remedy}\n{own}" if own else remedy,
    )
