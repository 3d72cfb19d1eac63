"""Add tokens to aiohttp, whose sessions take middlewares since version 3.12."""

import asyncio

import aiohttp

from mstoken import AsyncClient

USERS = "https://graph.microsoft.com/v1.0/users?$select=displayName"


async def main() -> None:
    async with (
        AsyncClient.from_env() as client,
        # Without trust_env, aiohttp does not read the variables that name a proxy.
        aiohttp.ClientSession(middlewares=[client.auth("graph")], trust_env=True) as graph,
        graph.get(USERS, raise_for_status=True) as response,
    ):
        print([user["displayName"] for user in (await response.json())["value"]])


asyncio.run(main())

# Output:
#   ['Nadia Brandt', 'Otto Falk']
