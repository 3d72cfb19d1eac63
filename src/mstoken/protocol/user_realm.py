"""User realm: where a username signs in, at Entra itself or at a federated identity provider.

The response is not documented; its form is the one recorded from the service, which Microsoft's own libraries parse.
"""

from __future__ import annotations

import json
from urllib.parse import quote

from mstoken.protocol.http import HttpRequest
from mstoken.protocol.server_text import one_line
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.authority import Authority
    from mstoken.protocol.http import HttpResponse


def realm_request(authority: Authority, username: str) -> HttpRequest:
    """GET for the realm of `username`."""
    name = quote(username, safe="@")
    return HttpRequest(
        "GET", f"{authority.origin}/common/UserRealm/{name}?api-version=1.0", {"Accept": "application/json"}
    )


def federated_with(response: HttpResponse) -> str:
    """Return the host that checks the user's passwords, '' for Entra itself and for an invalid response."""
    try:
        body = json.loads(response.body) if response.status == 200 else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or str(body.get("account_type", "")).lower() != "federated":
        return ""
    url = one_line(body.get("federation_active_auth_url") or body.get("federation_metadata_url"), 2000)
    host = url.partition("://")[2].partition("/")[0]
    return host or one_line(body.get("domain_name")) or "another identity provider"
