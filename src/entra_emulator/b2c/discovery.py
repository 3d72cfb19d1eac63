"""The documents of a user flow: OpenID configuration and keys.

Source: learn.microsoft.com/azure/active-directory-b2c/openid-connect, "Validate the ID token", and the documents of
Microsoft's public sample tenant fabrikamb2c.
"""

from typing import Any

from .journey import Journey


def openid_configuration(journey: Journey) -> dict[str, Any]:
    """Return the OpenID configuration of a user flow."""
    base, flow = journey.base, journey.flow
    claims = [*flow.claims, "sub", flow.policy_claim, "iss", "iat", "exp", "aud", "nonce", "auth_time"]
    return {
        "issuer": journey.issuer,
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": [
            "code",
            "code id_token",
            "code token",
            "code id_token token",
            "id_token",
            "id_token token",
            "token",
            "token id_token",
        ],
        "scopes_supported": ["openid"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": claims,
    }


def keys(journey: Journey) -> dict[str, Any]:
    """Return the JWKS of a user flow, whose keys have no certificates."""
    ring = journey.exchange.world.keys
    listed = [key.published("") for key in ring.published()]
    return {"keys": [{name: key[name] for name in ("kid", "use", "kty", "e", "n")} for key in listed]}
