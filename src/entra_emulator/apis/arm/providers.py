"""Resource Manager: locations, providers and resources of a subscription.

Source: learn.microsoft.com/rest/api/resources/subscriptions/list-locations, .../providers, .../resources.
"""

from typing import Any

from entra_emulator.routing import Route, route

from .facts import facts
from .subscriptions import opened
from .wire import Call, Refusal, Reply, endpoint

_BASE = "/subscriptions/{subscription}"


def routes() -> list[Route]:
    """Return the routes."""
    return [
        route("GET", f"{_BASE}/locations", endpoint(_locations)),
        route("GET", f"{_BASE}/providers", endpoint(_providers)),
        route("GET", f"{_BASE}/providers/{{namespace}}", endpoint(_provider)),
        route("POST", f"{_BASE}/providers/{{namespace}}/register", endpoint(_provider)),
        route("GET", f"{_BASE}/resources", endpoint(_no_resources)),
        route("GET", f"{_BASE}/resourcegroups/{{group}}/resources", endpoint(_no_resources)),
    ]


def _locations(call: Call) -> Reply:
    subscription = opened(call)
    items = [
        {
            "id": f"/subscriptions/{subscription.id}/locations/{name}",
            "name": name,
            "type": "Region",
            "displayName": shown,
            "regionalDisplayName": f"({group}) {shown}",
            "metadata": {
                "regionType": "Physical",
                "regionCategory": "Recommended",
                "geographyGroup": group,
                "longitude": longitude,
                "latitude": latitude,
            },
        }
        for name, (shown, group, latitude, longitude) in facts()["locations"].items()
    ]
    return Reply({"value": items})


def _providers(call: Call) -> Reply:
    subscription = opened(call)
    return Reply({"value": [_shown(subscription.id, name) for name in facts()["providers"]]})


def _provider(call: Call) -> Reply:
    """Return one provider. Every subscription is registered for all of them."""
    subscription, wanted = opened(call), call.named("namespace").lower()
    for name in facts()["providers"]:
        if name.lower() == wanted:
            return Reply(_shown(subscription.id, name))
    message = f"The resource namespace '{call.named('namespace')}' is invalid."
    raise Refusal(404, "InvalidResourceNamespace", message)


def _shown(subscription: str, name: str) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{subscription}/providers/{name}",
        "namespace": name,
        "registrationState": "Registered",
        "registrationPolicy": "RegistrationFree",
        "resourceTypes": [
            {"resourceType": kind, "locations": [], "apiVersions": ["2022-12-01"]}
            for kind in facts()["providers"][name]
        ],
    }


def _no_resources(call: Call) -> Reply:
    """Return an empty list: the emulator's groups contain no resources."""
    opened(call, "Microsoft.Resources/subscriptions/resources/read")
    return Reply({"value": []})
