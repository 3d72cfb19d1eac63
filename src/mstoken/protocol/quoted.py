"""What a server quotes of our secrets in its words is not shown."""

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
"""Fields of the token endpoint's form that nobody else may see."""


def unquoted(refusal: HttpResponse, sent: HttpRequest) -> HttpResponse:
    """A refusal without the secrets of the form `sent`: a server may quote what it refuses, and errors are shown.

    Entra does not; others do ("invalid refresh token: …").
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
