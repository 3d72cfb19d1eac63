"""Verification of the emulator's tokens by the keys it publishes, as an API does it."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

_LENIENT = JWSRegistry(algorithms=["RS256"], strict_check_header=False)
JWKS = dict[str, list[dict[str, Any]]]


def verified(token: str, jwks: JWKS) -> dict[str, Any]:
    """The claims of a token, its signature checked as any API can check it.

    :raises JoseError: the signature is not that of a key in the list.
    """
    keys = [{name: key[name] for name in ("kty", "kid", "n", "e")} for key in jwks["keys"]]
    return dict(jwt.decode(token, KeySet.import_key_set({"keys": keys}), registry=_LENIENT).claims)


def verified_as_graph(token: str, jwks: JWKS) -> dict[str, Any]:
    """The same as Microsoft Graph checks it: the SHA-256 of the header's nonce was signed, if it has one."""
    head, _, rest = token.partition(".")
    header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    if "nonce" in header:
        digest = hashlib.sha256(header["nonce"].encode()).digest()
        header["nonce"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        text = json.dumps(header, separators=(",", ":"))
        head = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    return verified(f"{head}.{rest}", jwks)
