"""MSAL for Python: as people write it, and with one HTTP session shared by all tenants.

`instance_discovery=False`, because Microsoft does not list the local service; this saves MSAL a request.
"""

from __future__ import annotations

from typing import Any

import msal
import requests
from requests.adapters import HTTPAdapter

from bench.clients.fan_out import CALL, in_threads, measured, with_peak
from bench.clients.timing import seconds_per_call
from bench.parameters import CLIENT_ID, SCOPE, SECRET, TENANT


def tenants_as_written(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    """An application per tenant, which shares nothing with the others."""
    with measured(tenants) as numbers:
        in_threads(lambda tenant: token(application(url, tenant)), tenants, concurrency)
    return numbers


def tenants_by_session(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    """An application per tenant over one `requests.Session` with a connection for each thread."""
    with measured(tenants) as numbers, requests.Session() as session:
        session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=concurrency))
        in_threads(lambda tenant: token(application(url, tenant, http_client=session)), tenants, concurrency)
    return numbers


def calls_as_written(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    """An application per tenant, and `requests.get` for the call: nothing is shared."""

    def call(tenant: str) -> str:
        headers = {"Authorization": f"Bearer {token(application(url, tenant))}"}
        return _ok(requests.get(f"{url}{CALL}", headers=headers, timeout=30))

    with measured(tenants) as numbers:
        in_threads(call, tenants, concurrency)
    return with_peak(numbers, tenants, tenants)


def calls_by_session(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    """An application per tenant; tokens and calls over one `requests.Session` with a connection for each thread."""
    with measured(tenants) as numbers, requests.Session() as session:
        session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=concurrency))

        def call(tenant: str) -> str:
            headers = {"Authorization": f"Bearer {token(application(url, tenant, http_client=session))}"}
            return _ok(session.get(f"{url}{CALL}", headers=headers, timeout=30))

        in_threads(call, tenants, concurrency)
    return with_peak(numbers, tenants, tenants)


def _ok(response: requests.Response) -> str:
    response.raise_for_status()
    return response.text


def hit(url: str, entries: int) -> dict[str, float]:
    """A cached token in a cache of `entries` tenants' tokens, half of which were added after it."""
    cache, before = msal.TokenCache(), entries // 2
    filled(cache, url, before)
    app = application(url, TENANT, token_cache=cache)
    token(app)
    filled(cache, url, entries - 1 - before, first=before)
    return seconds_per_call(lambda _: app.acquire_token_for_client([SCOPE]), [TENANT])


def application(url: str, tenant: str, **options: Any) -> Any:
    """A ConfidentialClientApplication of the tenant."""
    authority = f"{url}/{tenant}"
    return msal.ConfidentialClientApplication(
        CLIENT_ID, client_credential=SECRET, authority=authority, instance_discovery=False, **options
    )


def token(app: Any) -> str:
    """The access token of the application itself."""
    return str(app.acquire_token_for_client([SCOPE])["access_token"])


def entry(url: str, tenant: str) -> dict[str, Any]:
    """An event for `TokenCache.add`: a response to a token request."""
    return {
        "client_id": CLIENT_ID,
        "scope": [SCOPE],
        "token_endpoint": f"{url}/{tenant}/oauth2/v2.0/token",
        "response": {"access_token": f"token of {tenant}", "expires_in": 3600, "token_type": "Bearer"},
        "params": {},
        "data": {},
        "grant_type": "client_credentials",
    }


def filled(cache: Any, url: str, entries: int, first: int = 0) -> Any:
    """The cache, after the tokens of `entries` more tenants, numbered from `first`, were added."""
    for number in range(first, first + entries):
        cache.add(entry(url, f"tenant-{number:06d}.example"))
    return cache
