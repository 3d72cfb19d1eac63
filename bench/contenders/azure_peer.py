"""azure-identity, blocking and asyncio: one credential for all tenants, the tenant named in the call.

That is its fastest way; a credential per tenant opens connections of its own for each.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msal
from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AsyncClientSecretCredential

from bench.contenders.fan_out import SECRET, clocked, in_tasks, in_threads
from bench.contenders.hits import rate_of_awaits, rate_of_calls
from bench.contenders.msal_peer import filled
from bench.run import CLIENT_ID, SCOPE, TENANT


def tenants_by_threads(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    with clocked(tenants) as numbers, ClientSecretCredential(TENANT, CLIENT_ID, SECRET, **_options(url)) as credential:
        in_threads(lambda tenant: credential.get_token(SCOPE, tenant_id=tenant).token, tenants, concurrency)
    return numbers


def tenants_by_tasks(url: str, tenants: int, concurrency: int) -> dict[str, float]:
    async def main() -> None:
        async with AsyncClientSecretCredential(TENANT, CLIENT_ID, SECRET, **_options(url)) as credential:

            async def ask(tenant: str) -> str:
                return (await credential.get_token(SCOPE, tenant_id=tenant)).token

            await in_tasks(ask, tenants, concurrency)

    with clocked(tenants) as numbers:
        asyncio.run(main())
    return numbers


def hit_blocking(url: str, entries: int) -> dict[str, float]:
    """The kept token of one tenant, put into a cache in the middle of `entries` tenants' tokens."""
    cache, before = msal.TokenCache(), entries // 2
    filled(cache, url, before)
    with ClientSecretCredential(TENANT, CLIENT_ID, SECRET, **_options(url), _cache=cache) as credential:
        credential.get_token(SCOPE)
        filled(cache, url, entries - 1 - before, first=before)
        return rate_of_calls(lambda _: credential.get_token(SCOPE), [TENANT])


def hit_asyncio(url: str, entries: int) -> dict[str, float]:
    """As `hit_blocking`, awaited."""
    cache, before = msal.TokenCache(), entries // 2
    filled(cache, url, before)

    async def main() -> dict[str, float]:
        async with AsyncClientSecretCredential(TENANT, CLIENT_ID, SECRET, **_options(url), cache=cache) as credential:
            await credential.get_token(SCOPE)
            filled(cache, url, entries - 1 - before, first=before)
            return await rate_of_awaits(lambda _: credential.get_token(SCOPE), [TENANT])

    return asyncio.run(main())


def _options(url: str) -> dict[str, Any]:
    return {"authority": url, "disable_instance_discovery": True, "additionally_allowed_tenants": ["*"]}
