"""The scope parameter of Azure AD B2C.

Source: learn.microsoft.com/azure/active-directory-b2c/access-tokens: `openid`, `offline_access`, the client ID for the
application's own API, or permissions of one API by its application ID URI. Of several, those that were granted count.
"""

from dataclasses import dataclass

from entra_emulator.login.access import app_roles, delegated_scopes
from entra_emulator.model import App, User
from entra_emulator.resources import Resource
from entra_emulator.state import as_guid

from .errors import B2CError
from .journey import Journey

_OIDC = frozenset({"openid", "offline_access", "profile", "email"})
_DEFAULT = ".default"


@dataclass(frozen=True)
class Scope:
    """What a scope parameter requests: OpenID scopes, and permissions `names` of the API `identifier`.

    `own`: the client ID, for an access token for the application itself.
    """

    text: str
    oidc: frozenset[str]
    identifier: str = ""
    names: tuple[str, ...] = ()
    own: bool = False

    @property
    def wants_access(self) -> bool:
        """Whether an access token is requested: the OpenID scopes alone request none."""
        return self.own or bool(self.names)


def parse(text: str, app: App) -> Scope:
    """Read a scope parameter.

    :raises B2CError: 90010 if it is missing, 90055 for a permission without an API, 90146 for two APIs.
    """
    words = list(dict.fromkeys(text.split()))
    if not words:
        raise B2CError(90010)
    oidc = frozenset(word.lower() for word in words if word.lower() in _OIDC)
    others = [word for word in words if word.lower() not in _OIDC]
    own = [word for word in others if as_guid(word.lower()) == app.id]
    named = [word for word in others if word not in own]
    if any("/" not in word for word in named):
        raise B2CError(90055, scope=text)
    identifiers = {word.rpartition("/")[0].lower().rstrip("/") for word in named}
    if len(identifiers) + bool(own) > 1:
        raise B2CError(90146, scope=text)
    names = tuple(word.rpartition("/")[2] for word in named)
    return Scope(text, oidc, next(iter(identifiers), ""), names, own=bool(own))


def granted(journey: Journey, app: App, user: User, scope: Scope) -> tuple[str, tuple[str, ...]]:
    """Return the audience of a user's access token, and its permissions.

    :raises B2CError: 90117 for an API or permission that does not exist, 90205 if none of them is granted.
    """
    if scope.own:
        return app.id, ()
    api = _api(journey, scope)
    have = {name.lower(): name for name in delegated_scopes(journey.tenant, app, api, user)}
    found = tuple(have[name.lower()] for name in scope.names if name.lower() in have)
    if not found:
        raise B2CError(90205)
    return api.app_id, found


def granted_to_application(journey: Journey, app: App, text: str) -> tuple[str, tuple[str, ...]]:
    """Return the audience of an application's own access token, and the roles granted to it.

    Source: learn.microsoft.com/azure/active-directory-b2c/client-credentials-grant-flow: one `API/.default`.

    :raises B2CError: 90010, 90055, 90117 or 90146.
    """
    scope = parse(text, app)
    if scope.names != (_DEFAULT,):
        raise B2CError(90117, scope=text)
    api = _api(journey, scope)
    return api.app_id, app_roles(journey.tenant, app, api)


def _api(journey: Journey, scope: Scope) -> Resource:
    """Return the API of a scope: an application of the tenant. Microsoft's own APIs issue tokens at Entra's hosts."""
    found = journey.exchange.world.state.resource(scope.identifier, journey.tenant, journey.exchange.realm)
    if found is None or not found.registered:
        raise B2CError(90117, scope=scope.text)
    return found
