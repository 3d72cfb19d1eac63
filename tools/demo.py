"""The main job, told as a short story. `make demo` runs this inside the built-in emulator.

Both grants, three services: an access token for each, and one call to each API with it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

from mstoken import Client, ClientSecret, MstokenError, RefreshToken, SignInRequired

if TYPE_CHECKING:
    from mstoken.protocol.http import HttpResponse

GRAPH = "https://graph.microsoft.com/v1.0"
ARM = "https://management.azure.com"
PARTNER = "https://api.partnercenter.microsoft.com/v1"


def main() -> int:
    env = os.environ
    identity = (env["AZURE_TENANT_ID"], env["AZURE_CLIENT_ID"])
    authority = env["AZURE_AUTHORITY_HOST"]
    secret = env["AZURE_CLIENT_SECRET"]
    app = Client(*identity, ClientSecret(secret), authority)
    user = Client(*identity, RefreshToken(env["ENTRA_EMULATOR_REFRESH_TOKEN"], ClientSecret(secret)), authority)

    say(f"A local Entra ID runs at {authority}. Nothing here leaves this machine.")
    say("1. As the application itself (client credentials)")
    call(
        app, "Microsoft Graph", f"{GRAPH}/organization", lambda body: f"organization {body['value'][0]['displayName']}"
    )
    call(app, "Azure Resource Manager", f"{ARM}/subscriptions?api-version=2022-12-01", subscriptions)
    try:
        app.get_token("partner")
    except SignInRequired as error:
        line("Partner Center", error.message)

    say("2. On behalf of a user who signed in with MFA (refresh token)")
    call(user, "Microsoft Graph", f"{GRAPH}/me", lambda body: f"signed in as {body['userPrincipalName']}")
    call(user, "Azure Resource Manager", f"{ARM}/subscriptions?api-version=2022-12-01", subscriptions)
    call(user, "Partner Center", f"{PARTNER}/customers", lambda body: f"{body['totalCount']} customer(s)")

    customer = env["ENTRA_EMULATOR_CUSTOMER_TENANT_ID"]
    say("3. The same sign-in, for a customer's tenant")
    token = user.get_token("graph", tenant_id=customer)
    line("Microsoft Graph", f"a token for tenant {customer}, good for {minutes(token.expires_on)} minutes")
    say("Try it yourself:  mstoken emulator -- mstoken get graph   (docs/emulator.md)")
    return 0


def call(client: Client, service: str, url: str, tell: object) -> None:
    """Get the token, call the API with it, and say what came of it."""
    token = client.get_token(url)
    answer: HttpResponse = client.request("GET", url)
    if answer.status != 200 or not callable(tell):
        raise SystemExit(f"{service} answered {answer.status}: {answer.body[:300]!r}")
    line(service, f"a token for {minutes(token.expires_on)} minutes; the API says: {tell(json.loads(answer.body))}")


def subscriptions(body: dict[str, list[dict[str, str]]]) -> str:
    return ", ".join(f"subscription {entry['displayName']}" for entry in body["value"])


def minutes(expires_on: int) -> int:
    return int(expires_on - time.time()) // 60


def say(text: str) -> None:
    print(f"\n{text}")


def line(service: str, text: str) -> None:
    print(f"   {service + ':':<24} {text}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MstokenError as error:
        sys.exit(f"the demo failed: {error}")
