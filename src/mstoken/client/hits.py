"""The hits in memory: tokens that a client returns again without further checks."""

from __future__ import annotations

from mstoken import steps
from mstoken.client.azure_core_types import AZURE_CORE, LOADED, as_access_token
from mstoken.errors import ConsentRequired, SignInRequired
from mstoken.model import LEEWAY_IN
from mstoken.stores.memory import BoundedDict
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.model import Token

    Call = tuple[tuple[str, ...], str | None, str | None, bool]
    """The arguments of `get_token` that decide which token it is: scopes, claims, tenant_id, enable_cae."""
    Hit = tuple[float, float, Token]
    """A token, and from when until when it is returned without further checks (epoch seconds)."""


class Hits:
    """The tokens that a client's calls returned, by their arguments. Threads may share it."""

    def __init__(self) -> None:
        self._items: BoundedDict[Call, Hit] = BoundedDict()
        self.get = self._items.get  # a hit costs this one look-up, safe without a lock
        self.clear = self._items.clear
        self.cleared_on_refusal = ClearedOnRefusal(self)

    def remember(self, call: Call, token: Token) -> Token:
        """Store the token. One that met a claims challenge replaces the one that did not."""
        if call[1]:
            self._items.pop((call[0], None, *call[2:]))
        if AZURE_CORE in LOADED:
            token = as_access_token(token)
        if steps.wanted():
            return token  # no hit in memory hides a step; the hits themselves log nothing, which keeps them fast
        valid_until = min(token.refresh_on or token.expires_on, token.expires_on - LEEWAY_IN)
        self._items.put(call, (token.good_from, valid_until, token))
        return token

    def as_azure_core(self, call: Call, hit: Hit) -> Token:
        """Return the token of a hit in azure-core's type and store it so: azure-core may have been loaded since."""
        token = as_access_token(hit[2])
        if token is not hit[2]:
            self._items.put(call, (*hit[:2], token))
        return token


class ClearedOnRefusal:
    """Clears the hits when the service reports that a sign-in or consent has ended, as the store does."""

    def __init__(self, hits: Hits) -> None:
        self._hits = hits

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, SignInRequired | ConsentRequired):
            self._hits.clear()
