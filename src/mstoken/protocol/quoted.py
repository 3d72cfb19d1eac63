"""Remove secrets from the error messages in which a server quotes them."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, quote_plus

from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.protocol.http import HttpRequest, HttpResponse

SECRETS = frozenset(
    {
        "assertion",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "password",
        "refresh_token",
        "user_federated_identity_credential",
    }
)
"""Secret fields of the token endpoint's form."""


def unquoted(refusal: HttpResponse, sent: HttpRequest) -> HttpResponse:
    """Return a refusal without the secrets of the form `sent`: a server may quote them, and errors are shown.

    Entra does not quote them; other servers do ("invalid refresh token: …").
    """
    try:
        body = json.loads(refusal.body)
    except (ValueError, RecursionError):
        body = None
    text = body.get("error_description") if isinstance(body, dict) else None
    if body is None or not isinstance(text, str):
        return refusal
    for name, secret in parse_qsl(sent.body.decode()):
        if name in SECRETS:
            text = text.replace(secret, "…").replace(quote_plus(secret), "…")
    return replace(refusal, body=json.dumps({**body, "error_description": text}).encode())
