"""The type of an access token: Bearer, bound to a key by proof of possession (RFC 7800 section 3), or SSH certificate.

Source: learn.microsoft.com/entra/msal/dotnet/advanced/proof-of-possession-tokens. `xms_ksl` is as in MSAL: the key is
in software.
"""

import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from entra_emulator.aadsts import EntraError
from entra_emulator.ids import from_base64url
from entra_emulator.tokens.ssh_certificates import BadKey, public_key

from .exchange import Exchange

POP, SSH = "pop", "ssh-cert"
_MALFORMED = 9002313
_TYPES = {"": "Bearer", "bearer": "Bearer", POP: POP, SSH: SSH}


def token_type(exchange: Exchange) -> str:
    """Return the requested type, as the response names it.

    :raises EntraError: 90100 for an unknown type, and for an SSH certificate from v1.0.
    """
    found = _TYPES.get(exchange.form.get("token_type").lower())
    if found is None or (found == SSH and exchange.version == 1):
        raise EntraError(90100, parameter="token_type")
    return found


def confirmation(exchange: Exchange) -> dict[str, Any]:
    """Return the claim that names the key; empty for a bearer token.

    :raises EntraError: 900144 without req_cnf, 9002313 if it is not base64url of JSON with a kid.
    """
    if token_type(exchange) != POP:
        return {}
    requested = _parsed(exchange, from_base64url)
    kid = requested.get("kid") if isinstance(requested, dict) else None
    if not isinstance(kid, str) or not kid:
        raise EntraError(_MALFORMED)
    return {"cnf": {"kid": kid, "xms_ksl": "sw"}}


def ssh_key(exchange: Exchange) -> RSAPublicKey:
    """Return the key to certify: `req_cnf` is its JWK.

    :raises EntraError: 900144 without req_cnf, 9002313 if it is not a JWK of an RSA key.
    """
    try:
        return public_key(_parsed(exchange, str))
    except BadKey:
        raise EntraError(_MALFORMED) from None


def _parsed(exchange: Exchange, decode: Callable[[str], bytes | str]) -> object:
    """Return the JSON of req_cnf, None for text that is not JSON."""
    text = exchange.required("req_cnf")
    try:
        return json.loads(decode(text))
    except (ValueError, RecursionError):
        return None
