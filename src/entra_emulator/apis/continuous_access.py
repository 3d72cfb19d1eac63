"""Continuous access evaluation: after a revocation, an API challenges tokens that were issued before it.

Only tokens of clients that declare that they can handle it (xms_cc: cp1) are challenged; others stay valid until they
expire.
Source: learn.microsoft.com/entra/identity-platform/claims-challenge and .../app-resilience-continuous-access-evaluation
"""

import base64
from collections.abc import Mapping
from typing import Any

from entra_emulator.model import Tenant, User
from entra_emulator.state import State
from entra_emulator.tokens.claims import BACKDATED_IN


def revocation(state: State, tenant: Tenant, claims: Mapping[str, Any], now: float) -> str | None:
    """Return the claims that a new token must have (JSON text); None if nothing was revoked."""
    if "cp1" not in (str(capability).lower() for capability in claims.get("xms_cc", ())):
        return None
    issued_on = float(claims["iat"]) + BACKDATED_IN
    revoked_on = _user(state, tenant, claims, now) if "scp" in claims else _workload(state, tenant, claims, now)
    if revoked_on is None or issued_on >= revoked_on:
        return None
    # As recorded: a space after the comma, the time as text.
    return f'{{"access_token":{{"nbf":{{"essential":true, "value":"{int(revoked_on)}"}}}}}}'


def encoded(claims: str) -> str:
    """Return claims in the form of a challenge: standard base64."""
    return base64.b64encode(claims.encode()).decode()


def _user(state: State, tenant: Tenant, claims: Mapping[str, Any], now: float) -> float | None:
    """Return when the user's sessions were revoked, at home or in this tenant; `now` if it is removed or disabled."""
    entries = [entry for entry in _entries(state, tenant, claims) if entry]
    if not entries or not all(entry.enabled for entry in entries):
        return now
    return max(entry.tokens_valid_from for entry in entries) or None


def _entries(state: State, tenant: Tenant, claims: Mapping[str, Any]) -> list[User | None]:
    member = tenant.user(str(claims["oid"]))
    found = state.user(member.upn if member else str(claims["oid"]))
    return [member, found[1] if found else None]


def _workload(state: State, tenant: Tenant, claims: Mapping[str, Any], now: float) -> float | None:
    app_id = str(claims.get("appid") or claims.get("azp"))
    app, principal = state.apps.get(app_id), tenant.principal(app_id)
    if app is None or principal is None or not (app.enabled and principal.enabled):
        return now
    return principal.tokens_valid_from or None
