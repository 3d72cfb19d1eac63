"""Read every customer's tenant at once: list the customers as the partner's user, then get a token in each tenant."""

import asyncio
import json
import os

import httpx

from mstoken import AsyncClient, ClientSecret, RefreshToken, TokenRefused

CUSTOMERS = "https://api.partnercenter.microsoft.com/v1/customers"
ORGANIZATION = "https://graph.microsoft.com/v1.0/organization"


async def organization(partner: AsyncClient, tenant: str, http: httpx.AsyncClient) -> str:
    """The name of a customer's organization, or why there is no token for that tenant."""
    try:
        token = await partner.get_token("graph", tenant_id=tenant)
    except TokenRefused as error:
        return f"{tenant}: {error.message}"
    response = await http.get(ORGANIZATION, headers={"Authorization": f"Bearer {token.token}"})
    return str(response.raise_for_status().json()["value"][0]["displayName"])


async def main() -> None:
    env = os.environ
    user = RefreshToken(env["ENTRA_EMULATOR_REFRESH_TOKEN"], client=ClientSecret(env["AZURE_CLIENT_SECRET"]))
    partner = AsyncClient(env["AZURE_TENANT_ID"], env["AZURE_CLIENT_ID"], user, env["AZURE_AUTHORITY_HOST"])
    async with partner, httpx.AsyncClient() as http:
        page = json.loads((await partner.request("GET", CUSTOMERS)).body)
        tenants = [customer["companyProfile"]["tenantId"] for customer in page["items"]]
        print(*await asyncio.gather(*(organization(partner, tenant, http) for tenant in tenants)), sep="\n")


asyncio.run(main())

# Output:
#   Tailwind Bakery
