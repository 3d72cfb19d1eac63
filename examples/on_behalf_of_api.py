"""A web API that acts for its callers: it exchanges each caller's token for one to Microsoft Graph.

Run it in a tenant of its own: mstoken emulator --config examples/orders.toml -- python examples/on_behalf_of_api.py
"""

import os

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mstoken import AsyncClient, Client, ClientSecret, RefreshToken, TokenRefused, claims_challenge

TENANT, AUTHORITY = os.environ["AZURE_TENANT_ID"], os.environ["AZURE_AUTHORITY_HOST"]
api = AsyncClient(
    TENANT, "7b1e9d40-2c5f-4a86-9f13-6d8e0a2b4c02", ClientSecret("api-secret-for-tests"), authority=AUTHORITY
)


async def profile(request: Request) -> Response:
    """The caller's name in Graph. A real API first validates the token: signature, issuer, audience and time."""
    callers_token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        token = await api.on_behalf_of(callers_token).get_token("graph")
    except TokenRefused as error:
        if error.claims:  # Entra ID wants more of the user, such as a second factor: the caller passes it on
            return Response(status_code=401, headers={"WWW-Authenticate": claims_challenge(error.claims)})
        return JSONResponse({"error": error.message}, 403)
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token.token}"}) as graph:
        return JSONResponse((await graph.get("https://graph.microsoft.com/v1.0/me")).json())


app = Starlette(routes=[Route("/profile", profile)])


async def call_it() -> None:
    """Call the API as the web application does, with a token of the user Ann."""
    ann = RefreshToken(os.environ["ENTRA_EMULATOR_REFRESH_TOKEN"], ClientSecret(os.environ["AZURE_CLIENT_SECRET"]))
    token = Client(TENANT, os.environ["AZURE_CLIENT_ID"], ann, AUTHORITY).get_token("api://orders/.default")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://orders.example") as web:
        for value in (token.token, "nonsense"):
            response = await web.get("/profile", headers={"Authorization": f"Bearer {value}"})
            print(response.status_code, response.json().get("displayName"))


if __name__ == "__main__":
    import asyncio

    asyncio.run(call_it())

# Output:
#   200 Ann
#   403 None
