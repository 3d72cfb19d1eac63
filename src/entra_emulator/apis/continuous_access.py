"""Continuous access evaluation: an API that hears of a revocation challenges tokens that were issued before it.

Only tokens of clients that said they can handle it (xms_cc: cp1) are challenged; others live until they expire.
Source: learn.microsoft.com/entra/identity-platform/claims-challenge and .../app-resilience-continuous-access-evaluation
"""

import base64
from collections.abc import Mapping
from typing import Any

from entra_emulator.model import Tenant, User
from entra_emulator.state import State
from entra_emulator.tokens.claims import BACKDATED_IN


def revocation(state: State, tenant: Tenant, claims: Mapping[str, Any], now: float) -> str | None:
    """The claims that a new token must have (JSON text), None where nothing was revoked."""
    if "cp1" not in (str(one).lower() for one in claims.get("xms_cc", ())):
        return None
    issued_on = float(claims["iat"]) + BACKDATED_IN
    revoked_on = _user(state, tenant, claims, now) if "scp" in claims else _workload(state, tenant, claims, now)
    if revoked_on is None or issued_on >= revoked_on:
        return None
    # As recorded: a blank after the comma, the time as text.
    return f'{{"access_token":{{"nbf":{{"essential":true, "value":"{int(revoked_on)}"}}}}}}'


def context_demand(context: str) -> str:
    """The claims that ask for an authentication context (c1 to c99)."""
    return f'{{"access_token":{{"acrs":{{"essential":true,"value":"{context}"}}}}}}'


def encoded(claims: str) -> str:
    """Claims as a challenge carries them: standard base64."""
    return base64.b64encode(claims.encode()).decode()


def _user(state: State, tenant: Tenant, claims: Mapping[str, Any], now: float) -> float | None:
    """When the user's sessions were revoked, at home or here; one who is gone or disabled has none any more."""
    entries = [one for one in _entries(state, tenant, claims) if one]
    if not entries or not all(one.enabled for one in entries):
        return now
    return max(one.tokens_valid_from for one in entries) or None


def _entries(state: State, tenant: Tenant, claims: Mapping[str, Any]) -> list[User | None]:
    here = tenant.user(str(claims["oid"]))
    found = state.user(here.upn if here else str(claims["oid"]))
    return [here, found[1] if found else None]


def _workload(state: State, tenant: Tenant, claims: Mapping[str, Any], now: float) -> float | None:
    app_id = str(claims.get("appid") or claims.get("azp"))
    app, principal = state.apps.get(app_id), tenant.principal(app_id)
    if app is None or principal is None or not (app.enabled and principal.enabled):
        return now
    return principal.tokens_valid_from or None
