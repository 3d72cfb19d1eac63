"""`{tenant}` and `{subscription}` in the URL of a request."""

from __future__ import annotations

import os

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.client import Client

_LIST = "/subscriptions?api-version=2022-12-01"
_MOST_SHOWN = 5


def fill_in(url: str, client: Client, subscription: str) -> str:
    """Return the URL with the tenant of the client and a subscription in place of their names in braces.

    The subscription is the given one, that in AZURE_SUBSCRIPTION_ID, or the only one that the client sees, which takes
    a request. Other braces stay. Raises UsageError if there are none or several, and what `Client.request` raises.
    """
    from urllib.parse import quote

    if "{tenant}" in url:
        url = url.replace("{tenant}", quote(client.authority.tenant, safe=""))
    if "{subscription}" in url:
        found = subscription or os.environ.get("AZURE_SUBSCRIPTION_ID", "") or _only_subscription(client)
        url = url.replace("{subscription}", quote(found, safe=""))
    return url


def _only_subscription(client: Client) -> str:
    found = [str(one["subscriptionId"]) for one in client.items(_LIST)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            "No subscription is visible for {subscription}.", "Name one, or get a role in one: --subscription ID"
        )
    more = ", …" if len(found) > _MOST_SHOWN else ""
    raise UsageError(
        f"{{subscription}} could be each of {len(found)} subscriptions: {', '.join(found[:_MOST_SHOWN])}{more}.",
        "Name one: --subscription ID, or AZURE_SUBSCRIPTION_ID.",
    )
