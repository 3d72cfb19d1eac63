"""azure-core's own token types, if azure-core is loaded; nothing is imported for them.

Some SDKs check the type that a credential returns: kiota-authentication-azure, and with it the Microsoft Graph SDK,
sends no token that is not an `azure.core.credentials.AccessToken`. That is a NamedTuple, so a `Token` cannot be one
too; the returned object has all attributes of `Token`.
"""

from __future__ import annotations

import sys
from functools import cache

from mstoken.model import Token
from mstoken.typed import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

AZURE_CORE = "azure.core.credentials"
LOADED = sys.modules
"""`AZURE_CORE in LOADED` says whether a caller can know the types; the check costs almost nothing."""

_FIELDS = ("token", "expires_on", "token_type", "refresh_on", "scope", "got_on")


def as_access_token(token: Token) -> Token:
    """Return the token as an `AccessToken`: with `[0]`, unpacking and `_asdict`, and the attributes of `Token`."""
    base = getattr(LOADED[AZURE_CORE], "AccessToken", None)
    if base is None or isinstance(token, base):  # None while azure-core is being imported
        return token
    made = _access_token_class(base)(token.token, token.expires_on)
    vars(made).update({name: getattr(token, name) for name in _FIELDS[2:]})
    return cast("Token", made)


def as_access_token_info(token: Token) -> Token:
    """Return the token as an `AccessTokenInfo` and `Token` in one; older versions of azure-core have no such type."""
    base = getattr(LOADED[AZURE_CORE], "AccessTokenInfo", None)
    return token if base is None else cast("Token", _info_class(base)(*_values(token)))


@cache
def _access_token_class(base: Any) -> Any:
    class AccessToken(base):  # type: ignore[misc]
        """An access token; `token_type`, `refresh_on`, `scope` and `got_on` are as in `mstoken.Token`."""

        token_type = "Bearer"
        refresh_on = None
        scope = ""
        got_on = None
        freshness = Token.freshness
        good_from = Token.good_from

        def __repr__(self) -> str:
            return f"AccessToken(expires_on={self.expires_on}, token_type={self.token_type!r}, scope={self.scope!r})"

        def __reduce__(self) -> tuple[Callable[..., Token], tuple[Any, ...]]:
            return _access_token, _values(self)

    return AccessToken


@cache
def _info_class(base: Any) -> Any:
    class AccessTokenInfo(Token, base):  # type: ignore[misc]
        """An access token in both libraries' types."""

        __slots__ = ()

        def __reduce__(self) -> tuple[Callable[..., Token], tuple[Any, ...]]:
            return _access_token_info, _values(self)

    return AccessTokenInfo


def _values(token: Any) -> tuple[Any, ...]:
    return tuple(getattr(token, name) for name in _FIELDS)


def _access_token(*values: Any) -> Token:
    token = Token(*values)
    return as_access_token(token) if AZURE_CORE in LOADED else token


def _access_token_info(*values: Any) -> Token:
    token = Token(*values)
    return as_access_token_info(token) if AZURE_CORE in LOADED else token
