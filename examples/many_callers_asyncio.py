"""Two hundred tasks want the same token at once: mstoken sends one request."""

import asyncio

from mstoken import AsyncClient


async def main() -> None:
    async with AsyncClient.from_env() as client:
        tokens = await asyncio.gather(*(client.get_token("graph") for _ in range(200)))
    print(len(tokens), "callers,", len({token.token for token in tokens}), "token")


asyncio.run(main())

# Output:
#   200 callers, 1 token
