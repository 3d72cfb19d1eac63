"""The authorization request that a browser sends, and the response at the redirect URI.

Sources: RFC 6749 sections 4.1.1 and 4.1.2, RFC 7636, OpenID Connect Core section 3.1.2.1,
learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from mstoken.aadsts import codes_in
from mstoken.errors import Refusal, SignInRequired, UnreadableAnswer, UsageError
from mstoken.protocol.claims import claims_parameter
from mstoken.protocol.http import HttpResponse
from mstoken.protocol.refusal import refusal_of
from mstoken.protocol.server_text import is_visible
from mstoken.protocol.token_endpoint import form_encoded
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from mstoken.errors import MstokenError
    from mstoken.model import TokenRequest

    ResponseMode = Literal["form_post", "query"]

OIDC = ("openid", "offline_access", "profile")
"""Scopes requested in addition to the resource's: for the person's identity, and for a refresh token."""


@value
class Secrets:
    """The values that bind a response to its request: at least 43 random characters each (RFC 7636 section 4.1)."""

    state: str = field(secret=True)
    nonce: str = field(secret=True)
    verifier: str = field(secret=True)


def authorize_url(
    request: TokenRequest, redirect_uri: str, secrets: Secrets, options: Mapping[str, str], response_mode: ResponseMode
) -> str:
    """Return the URL to open. `options` are login_hint, domain_hint and prompt; empty ones are left out.

    With `form_post` the browser posts the response, so that the code is in no address, history or log of a proxy
    (OAuth 2.0 Form Post Response Mode); with `query` the response is in the address, which a person can copy.
    The URL has the S256 challenge, not the verifier. Raises UsageError for a server other than Entra, since only its
    token endpoint is known.
    """
    if request.authority.token_url:
        raise UsageError(
            "A browser sign-in needs Entra; of a standard OAuth server only the token endpoint is known.",
            "Sign in there by its own means and keep the refresh token: mstoken login --refresh-token-stdin",
        )
    parameters = {
        "client_id": request.client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "response_mode": response_mode,
        "scope": " ".join(dict.fromkeys((*request.scopes, *OIDC))),
        "state": secrets.state,
        "nonce": secrets.nonce,
        "code_challenge": challenge_of(secrets.verifier),
        "code_challenge_method": "S256",
        "claims": claims_parameter(request.claims, enable_cae=request.enable_cae),
        **options,
    }
    query = form_encoded({name: value for name, value in parameters.items() if value}).decode()
    return f"{request.authority.endpoint('authorize')}?{query}"


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode()


def is_ours(landed: Mapping[str, str], secrets: Secrets) -> bool:
    """Return whether the redirect is the response to this request (RFC 6749 section 10.12)."""
    return hmac.compare_digest(landed.get("state", "").encode(errors="surrogatepass"), secrets.state.encode())


def code_of(landed: Mapping[str, str], request: TokenRequest, now: float) -> str:
    """Return the authorization code. Raises the redirect's error, by its kind; UnreadableAnswer if it has neither."""
    if landed.get("error"):
        raise _refused(landed, request, now)
    if is_visible(code := landed.get("code", "")):
        return code
    raise UnreadableAnswer(
        "The browser came back with neither a usable code nor an error.",
        "Sign in again. If the error remains, check the authority.",
    )


def _refused(landed: Mapping[str, str], request: TokenRequest, now: float) -> MstokenError:
    body = {name: landed[name] for name in ("error", "error_description", "suberror", "claims") if landed.get(name)}
    # The redirect has no HTTP status of its own. The token endpoint sends the same error names with status 400.
    refused = refusal_of(HttpResponse(400, {}, json.dumps(body).encode()), now, request)
    # Azure AD B2C also says so for a forgotten password (AADB2C90118) and others; 90091 is the cancellation.
    codes = {*getattr(refused, "codes", ()), *codes_in(landed.get("error_description", ""))} - {"AADB2C90091"}
    if landed["error"] == "access_denied" and not codes:
        return SignInRequired(
            "The sign-in was cancelled in the browser.", "Sign in again when you are ready.", Refusal("access_denied")
        )
    return refused
