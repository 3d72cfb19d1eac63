"""Act for a user by a refresh token that you store yourself. Entra ID gives a new one with every renewal."""

import os

from mstoken import Client, ClientSecret, RefreshToken


def store(refresh_token: str) -> None:
    """Write it where only you can read it. mstoken calls this before it returns the access token."""
    print("stored a new refresh token:", len(refresh_token) > 0)


signed_in = RefreshToken(
    os.environ["ENTRA_EMULATOR_REFRESH_TOKEN"],
    client=ClientSecret(os.environ["AZURE_CLIENT_SECRET"]),
    on_new=store,
)
tenant, client_id = os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"]
with Client(tenant, client_id, signed_in, os.environ["AZURE_AUTHORITY_HOST"]) as user:
    print(user.request("GET", "https://graph.microsoft.com/v1.0/me").status)

# Output:
#   stored a new refresh token: True
#   200
