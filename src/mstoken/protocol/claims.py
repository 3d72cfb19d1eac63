"""The `claims` request parameter (OpenID Connect Core section 5.5) and Entra's client capabilities."""

from __future__ import annotations

import json

from mstoken.errors import UsageError
from mstoken.protocol.server_text import claims_in

_CP1 = {"access_token": {"xms_cc": {"values": ["CP1"]}}}


def claims_parameter(challenge: str, *, enable_cae: bool) -> str:
    """Return the claims to send: the challenge, and CP1 if the client can handle claims challenges; '' for none.

    Source: learn.microsoft.com/entra/identity-platform/claims-challenge. Raises UsageError for a challenge that is not
    a JSON object.
    """
    if not challenge:
        return json.dumps(_CP1, separators=(",", ":")) if enable_cae else ""
    claims = claims_in(challenge)
    if claims is None:
        raise UsageError("The claims are not a JSON object.", 'Pass them as text such as {"access_token":{...}}.')
    if enable_cae:
        token = claims.setdefault("access_token", {})
        if isinstance(token, dict):
            token.setdefault("xms_cc", {"values": ["CP1"]})
    return json.dumps(claims, separators=(",", ":"))
