"""The main job, told as a short story. `make demo` runs this inside the built-in emulator.

Both grants, three services: an access token for each, and one call to each API with it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from mstoken import Client, ClientSecret, MstokenError, RefreshToken

GRAPH = "https://graph.microsoft.com/v1.0"
SUBSCRIPTIONS = "https://management.azure.com/subscriptions?api-version=2022-12-01"
CUSTOMERS = "https://api.partnercenter.microsoft.com/v1/customers"


def main() -> int:
    env = os.environ
    identity = (env["AZURE_TENANT_ID"], env["AZURE_CLIENT_ID"])
    authority = env["AZURE_AUTHORITY_HOST"]
    secret = ClientSecret(env["AZURE_CLIENT_SECRET"])
    say(f"A local Entra ID runs at {authority}. Its tenants are made up, and nothing here leaves this machine.")

    say("1. As the application itself (client credentials)")
    app = Client(*identity, secret, authority)
    call(app, "Microsoft Graph", "graph", f"{GRAPH}/organization")
    call(app, "Azure Resource Manager", "arm", SUBSCRIPTIONS)
    consents = f"{CUSTOMERS}/{env['ENTRA_EMULATOR_CUSTOMER_TENANT_ID']}/applicationconsents"
    call(app, "Partner Center", "partner/.default", consents, expected=401)
    line("", "so mstoken get partner says beforehand that a person must sign in")

    say("2. On behalf of a user who signed in with MFA (refresh token)")
    signed_in = RefreshToken(env["ENTRA_EMULATOR_REFRESH_TOKEN"], secret)
    user = Client(*identity, signed_in, authority)
    call(user, "Microsoft Graph", "graph", f"{GRAPH}/me")
    call(user, "Azure Resource Manager", "arm", SUBSCRIPTIONS)
    call(user, "Partner Center", "partner", CUSTOMERS)

    say("3. The same sign-in, in the tenant of that customer")
    there = Client(env["ENTRA_EMULATOR_CUSTOMER_TENANT_ID"], identity[1], signed_in, authority)
    call(there, "Microsoft Graph", "graph", f"{GRAPH}/organization")

    say("Try it yourself:  . .venv/bin/activate; mstoken emulator -- mstoken get graph   (docs/emulator.md)\n")
    return 0


def call(client: Client, title: str, scope: str, url: str, expected: int = 200) -> None:
    """Get the token, call the API with it, and say what came of both."""
    token = client.get_token(scope)
    answer = client.request("GET", url, scope=scope)
    if answer.status != expected:
        raise SystemExit(f"{title} answered {answer.status}, not {expected}: {answer.body[:300]!r}")
    path = url.partition("?")[0].removeprefix("https://").partition("/")[2]
    refused = f"{answer.status}, " if expected != 200 else ""
    what = f"GET /{path}: {refused}{told(json.loads(answer.body))}"
    line(title, f"token for {minutes(token.expires_on)} minutes;  {what}")


def told(body: dict[str, Any]) -> str:
    """The name of what the API answered with, or why it refused."""
    first = next(iter(body.get("value") or body.get("items") or [body]))
    profile = first.get("companyProfile", {})
    names = (first.get("displayName"), profile.get("companyName"), first.get("description"))
    return next(str(name) for name in names if name)


def minutes(expires_on: int) -> int:
    return int(expires_on - time.time()) // 60


def say(text: str) -> None:
    print(f"\n{text}")


def line(title: str, text: str) -> None:
    print(f"   {title:<23} {text}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MstokenError as error:
        sys.exit(f"the demo failed: {error}")
