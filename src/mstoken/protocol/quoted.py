"""Remove secrets from the error messages in which a server quotes them."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, quote_plus

from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.protocol.http import HttpRequest, HttpResponse

PUBLIC = frozenset(
    {
        "claims",
        "client_assertion_type",
        "client_id",
        "fmi_path",
        "grant_type",
        "redirect_uri",
        "req_cnf",
        "requested_token_use",
        "scope",
        "token_type",
        "user_id",
        "username",
    }
)
"""Fields of the token endpoint's form that are no secret. Any other is hidden, also one that a new grant adds."""


def unquoted(refusal: HttpResponse, sent: HttpRequest) -> HttpResponse:
    """Return a refusal without the secrets of the form `sent`: a server may quote them, and errors are shown.

    Entra does not quote them; other servers do ("invalid refresh token: …"). A secret that is part of a longer one is
    replaced after it, so that nothing of the longer one stays.
    """
    try:
        body = json.loads(refusal.body)
    except (ValueError, RecursionError):
        body = None
    text = body.get("error_description") if isinstance(body, dict) else None
    if body is None or not isinstance(text, str):
        return refusal
    secrets = {secret for name, secret in parse_qsl(sent.body.decode()) if name not in PUBLIC}
    for written in sorted(secrets.union(map(quote_plus, secrets)), key=len, reverse=True):
        text = text.replace(written, "…")
    return replace(refusal, body=json.dumps({**body, "error_description": text}).encode())
