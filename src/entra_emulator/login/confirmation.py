"""Proof of possession: a token bound to the key whose thumbprint the client sends (RFC 7800 section 3).

Source: learn.microsoft.com/entra/msal/dotnet/advanced/proof-of-possession-tokens; `xms_ksl` as in MSAL: the key is in
software.
"""

import json
from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.ids import from_base64url

from .exchange import Exchange

_MALFORMED = 9002313


def token_type(exchange: Exchange) -> str:
    """What the answer says of its access token."""
    return "pop" if _bound(exchange) else "Bearer"


def confirmation(exchange: Exchange) -> dict[str, Any]:
    """The claim that names the key; none in a bearer token.

    :raises EntraError: 900144 without req_cnf, 9002313 for one that is no base64url of JSON with a kid.
    """
    if not _bound(exchange):
        return {}
    text = exchange.required("req_cnf")
    try:
        requested = json.loads(from_base64url(text))
    except (ValueError, RecursionError):
        requested = None
    kid = requested.get("kid") if isinstance(requested, dict) else None
    if not isinstance(kid, str) or not kid:
        raise EntraError(_MALFORMED)
    return {"cnf": {"kid": kid, "xms_ksl": "sw"}}


def _bound(exchange: Exchange) -> bool:
    return exchange.form.get("token_type", "").lower() == "pop"
