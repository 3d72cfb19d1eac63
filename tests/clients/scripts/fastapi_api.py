"""An API made with FastAPI and fastapi-azure-auth. A line of input is a caller's token; one of output, the response.

Arguments: the tenant, the API's client id, the address of the OpenID configuration.
"""

import asyncio
import json
import ssl
import sys
from typing import Annotated

from fastapi import FastAPI, Security
from fastapi_azure_auth.auth import AzureAuthorizationCodeBearerBase
from fastapi_azure_auth.user import User
from httpx2 import ASGITransport, AsyncClient

tenant, client_id, configuration = sys.argv[1:]
scheme = AzureAuthorizationCodeBearerBase(
    client_id,
    tenant_id=tenant,
    scopes={"Orders.Read": "Read orders"},
    openid_config_url=configuration,
    http_client_config={"verify": ssl.create_default_context()},
)
api = FastAPI()


@api.get("/orders")
async def orders(user: Annotated[User, Security(scheme, scopes=["Orders.Read"])]) -> dict[str, str | None]:
    """Whose orders these are."""
    return {"user": user.preferred_username}


async def main() -> None:
    async with AsyncClient(transport=ASGITransport(app=api), base_url="http://api.example") as client:
        for token in sys.stdin:
            answer = await client.get("/orders", headers={"Authorization": f"Bearer {token.strip()}"})
            sys.stdout.write(json.dumps([answer.status_code, answer.json()]) + "\n")


asyncio.run(main())
