"""The id (GUID) of a tenant, which Partner Center and Graph need, from a domain: the sign-in host's metadata has it.

Source: OpenID Connect Discovery section 4; learn.microsoft.com/entra/identity-platform/v2-protocols-oidc. It needs no
token and no permission.
"""

from __future__ import annotations

import json
import re

from mstoken.aadsts import codes_in
from mstoken.errors import Misconfigured, Refusal, ServiceUnavailable
from mstoken.protocol.http import HttpRequest
from mstoken.redaction import shown
from mstoken.services.target import is_guid
from mstoken.texts import decode_text
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.authority import Authority
    from mstoken.flows.port import Port

_ISSUER = re.compile(r"/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?:/|$)")

_MAX_BODY = 10_000


async def tenant_id(name: str, authority: Authority, port: Port) -> str:
    """Return the id of the tenant `name`, at its `authority`. Raises Misconfigured if there is no such tenant,
    ServiceUnavailable for a response that does not say, and TransportError.
    """
    if is_guid(name):
        return name.lower()
    response = await port.send(HttpRequest("GET", f"{authority.url}/v2.0/.well-known/openid-configuration"))
    if response.status == 400:
        codes = tuple(
            int(code) for code in codes_in(decode_text(response.body[:_MAX_BODY], "replace")) if code.isdigit()
        )
        remedy = "Check the domain, or name the tenant by its id."
        raise Misconfigured(f"There is no tenant {shown(name)!r}.", remedy, Refusal("invalid_tenant", codes=codes))
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        document = None
    found = _ISSUER.search(str(document.get("issuer"))) if isinstance(document, dict) else None
    if response.status != 200 or found is None:
        raise ServiceUnavailable(
            f"{authority.origin} returned {response.status} and no id for the tenant {shown(name)!r}.",
            "Try again, or name the tenant by its id.",
        )
    return found[1].lower()
