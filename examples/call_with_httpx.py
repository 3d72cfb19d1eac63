"""Add tokens to httpx, blocking and with asyncio."""

import asyncio

import httpx

from mstoken import AsyncClient, Client

USERS = "https://graph.microsoft.com/v1.0/users?$select=displayName"


def names(response: httpx.Response) -> list[str]:
    return [user["displayName"] for user in response.raise_for_status().json()["value"]]


async def main() -> None:
    async with AsyncClient.from_env() as client, httpx.AsyncClient(auth=client.auth("graph")) as graph:
        print(names(await graph.get(USERS)))


with httpx.Client(auth=Client.from_env().auth("graph")) as graph:
    print(names(graph.get(USERS)))
asyncio.run(main())

# Output:
#   ['Nadia Brandt', 'Otto Falk']
#   ['Nadia Brandt', 'Otto Falk']
