"""Check the types of arguments where they enter: a wrong one would fail far from the call, or not at all.

Each TypeError says what to write. None shows a value, since a secret is easily given in the place of something else.
"""

from __future__ import annotations

from mstoken.credentials.base import BaseCredential
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_TTL: float = 0
"""The default of `min_ttl`. A call with another object, even an equal one, has its options checked."""
_TENANT = "a tenant's GUID or a domain such as 'contoso.onmicrosoft.com'"


def check_identity(tenant: object, client_id: object, credential: object) -> None:
    """Check the first three arguments of a client. Raises TypeError."""
    if not isinstance(tenant, str):
        raise TypeError(f"tenant is {_TENANT}, as text, not {_kind(tenant)}.")
    if not isinstance(client_id, str):
        raise TypeError(f"client_id is the application's (client) ID as text, not {_kind(client_id)}.")
    if isinstance(credential, BaseCredential):
        return
    if isinstance(credential, str):
        raise TypeError("credential is a credential, not text: for a client secret, write ClientSecret(secret).")
    if isinstance(credential, type) and issubclass(credential, BaseCredential):
        raise TypeError(f"credential is the class {credential.__name__} itself: write {credential.__name__}(…).")
    raise TypeError(
        f"credential is one of mstoken's credentials, such as ClientSecret(secret) or ManagedIdentity(), "
        f"not {_kind(credential)}."
    )


def check_scopes(scopes: Iterable[object]) -> None:
    """Check the scopes of a call: each is text, and an argument of its own. Raises TypeError."""
    for scope in scopes:
        if isinstance(scope, list | tuple | set | frozenset):
            raise TypeError(
                'Each scope is an argument of its own: get_token("graph"), or get_token(*scopes) for a list.'
            )
        if not isinstance(scope, str):
            raise TypeError(f'A scope is text such as "graph", not {_kind(scope)}.')


def check_call(claims: object, tenant_id: object) -> None:
    """Check the arguments of `get_token` that are text. Raises TypeError."""
    if not isinstance(claims, str | None):
        raise TypeError(f"claims is the JSON text of a claims challenge, not {_kind(claims)}: json.dumps(claims).")
    if not isinstance(tenant_id, str | None):
        raise TypeError(f"tenant_id is {_TENANT}, as text, not {_kind(tenant_id)}.")


def check_options(min_ttl: object, timeout: object, *, fresh: object, enable_cae: object) -> None:
    """Check the other arguments of `get_token`. Raises TypeError; ValueError for a number out of range."""
    _check_seconds("min_ttl", min_ttl, 600)
    if timeout is not None:
        check_timeout(timeout)
    for name, given in (("fresh", fresh), ("enable_cae", enable_cae)):
        if not isinstance(given, bool):
            raise TypeError(f"{name} is True or False, not {_kind(given)}.")


def check_timeout(timeout: object) -> None:
    """Check a timeout in seconds. Raises TypeError; ValueError for zero and less."""
    _check_seconds("timeout", timeout, 10)
    if isinstance(timeout, int | float) and not 0 < timeout < float("inf"):
        raise ValueError("timeout is a positive number of seconds, for example timeout=10.")


def _check_seconds(name: str, value: object, example: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number of seconds, not {_kind(value)}: {name}={example}")


def _kind(value: Any) -> str:
    """Return the type of a value in words, without the value."""
    if value is None:
        return "None"
    return f"the class {value.__name__}" if isinstance(value, type) else f"of the type {type(value).__name__}"
