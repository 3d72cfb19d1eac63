"""MSAL for Python: as people write it, and with one HTTP session shared by all tenants.

`instance_discovery=False`, because the local service is in no list of Microsoft's; this spares MSAL a request.
"""

from __future__ import annotations

from typing import Any

import msal
import requests
from requests.adapters import HTTPAdapter

from bench.contenders.fan_out import SECRET, clocked, in_threads
from bench.contenders.hits import rate_of_calls
from bench.run import CLIENT_ID, SCOPE, TENANT


def tenants_as_written(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    """An application per tenant, nothing shared."""
    with clocked(tenants) as numbers:
        in_threads(lambda tenant: ask(application(url, tenant)), tenants, concurrency)
    return numbers


def tenants_by_session(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    """An application per tenant over one `requests.Session` with a connection for each thread."""
    with clocked(tenants) as numbers, requests.Session() as session:
        session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=concurrency))
        in_threads(lambda tenant: ask(application(url, tenant, http_client=session)), tenants, concurrency)
    return numbers


def hit(url: str, entries: int) -> dict[str, float]:
    """The kept token of one tenant, put into a cache in the middle of `entries` tenants' tokens."""
    cache, before = msal.TokenCache(), entries // 2
    filled(cache, url, before)
    app = application(url, TENANT, token_cache=cache)
    ask(app)
    filled(cache, url, entries - 1 - before, first=before)
    return rate_of_calls(lambda _: app.acquire_token_for_client([SCOPE]), [TENANT])


def application(url: str, tenant: str, **options: Any) -> Any:
    authority = f"{url}/{tenant}"
    return msal.ConfidentialClientApplication(
        CLIENT_ID, client_credential=SECRET, authority=authority, instance_discovery=False, **options
    )


def ask(app: Any) -> str:
    return str(app.acquire_token_for_client([SCOPE])["access_token"])


def entry(url: str, tenant: str) -> dict[str, Any]:
    """What MSAL's cache is told of an answer (`TokenCache.add`)."""
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
    """The cache with the tokens of so many other tenants, the one numbered `first` and those after it."""
    for number in range(first, first + entries):
        cache.add(entry(url, f"tenant-{number:06d}.example"))
    return cache
