"""azure-identity, blocking and asyncio: one credential for all tenants, the tenant named in the call.

This is its fastest way: a credential per tenant opens its own connections.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msal
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential

from bench.clients.fan_out import in_tasks, in_threads, measured
from bench.clients.msal_python import filled
from bench.clients.timing import seconds_per_await, seconds_per_call
from bench.parameters import CLIENT_ID, SCOPE, SECRET, TENANT


def tenants_in_threads(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    with measured(tenants) as numbers, ClientSecretCredential(TENANT, CLIENT_ID, SECRET, **_options(url)) as credential:
        in_threads(lambda tenant: credential.get_token(SCOPE, tenant_id=tenant).token, tenants, concurrency)
    return numbers


def tenants_in_tasks(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    async def main() -> None:
        async with AsyncClientSecretCredential(TENANT, CLIENT_ID, SECRET, **_options(url)) as credential:

            async def token(tenant: str) -> str:
                return (await credential.get_token(SCOPE, tenant_id=tenant)).token

            await in_tasks(token, tenants, concurrency)

    with measured(tenants) as numbers:
        asyncio.run(main())
    return numbers


def hit_blocking(url: str, entries: int) -> dict[str, float]:
    """A cached token in a cache of `entries` tenants' tokens, half of which were added after it."""
    cache, before = msal.TokenCache(), entries // 2
    filled(cache, url, before)
    with ClientSecretCredential(TENANT, CLIENT_ID, SECRET, **_options(url), _cache=cache) as credential:
        credential.get_token(SCOPE)
        filled(cache, url, entries - 1 - before, first=before)
        return seconds_per_call(lambda _: credential.get_token(SCOPE), [TENANT])


def hit_asyncio(url: str, entries: int) -> dict[str, float]:
    """`hit_blocking` under asyncio."""
    cache, before = msal.TokenCache(), entries // 2
    filled(cache, url, before)

    async def main() -> dict[str, float]:
        async with AsyncClientSecretCredential(TENANT, CLIENT_ID, SECRET, **_options(url), cache=cache) as credential:
            await credential.get_token(SCOPE)
            filled(cache, url, entries - 1 - before, first=before)
            return await seconds_per_await(lambda _: credential.get_token(SCOPE), [TENANT])

    return asyncio.run(main())


def _options(url: str) -> dict[str, Any]:
    return {"authority": url, "disable_instance_discovery": True, "additionally_allowed_tenants": ["*"]}
