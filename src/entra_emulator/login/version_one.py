"""The v1.0 endpoints that clients still use: requests name a resource instead of scopes.

A request is translated to v2.0, its response to v1.0: numbers are text, times are given as well as lifetimes,
permissions have no resource, and a refusal that the user can resolve is `interaction_required`.
Source: learn.microsoft.com/previous-versions/azure/active-directory/azuread-dev/v1-protocols-oauth-code
"""

from collections.abc import Mapping
from typing import Any

from entra_emulator.aadsts import EntraError
from entra_emulator.model import Tenant
from entra_emulator.parameters import Parameters
from entra_emulator.resources import AAD_GRAPH
from entra_emulator.tokens.jwts import unverified_claims

from .exchange import Exchange

_OIDC = "openid profile email offline_access"
_FOR_A_PERSON = ("basic_action", "additional_action", "message_only", "token_expired")


def translate(form: Parameters) -> Parameters:
    """Return a v1.0 token request in v2.0's form."""
    resource = form.get("resource")
    if not resource and form.get("grant_type").lower() == "client_credentials":
        resource = AAD_GRAPH  # the default of a request without a resource
    return form.replaced(resource=None, scope=_scope(resource))


def translate_authorization(parameters: Parameters) -> Parameters:
    """Return the parameters of a v1.0 authorization request, whose resource may be left to the token request."""
    return parameters.replaced(resource=None, scope=_scope(parameters.get("resource")) or _OIDC)


def _scope(resource: str) -> str | None:
    return f"{resource}/.default {_OIDC}" if resource else None


def device_response(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the device endpoint's response in v1.0's form."""
    names = {"verification_uri": "verification_url"}
    return {names.get(name, name): str(value) for name, value in body.items()}


def refuse_personal(exchange: Exchange) -> None:
    """:raises EntraError: 90027 for personal accounts, which have no v1.0."""
    if exchange.tenant_name.lower() == "consumers":
        raise EntraError(90027)


def answer(body: Mapping[str, Any], resource: str) -> dict[str, str]:
    """Return a v2.0 response in v1.0's form. `resource` is the one in the request, '' for none."""
    claims = unverified_claims(body["access_token"]) or {}
    made: dict[str, str] = {"token_type": body["token_type"]}
    if "scope" in body:
        made["scope"] = str(claims.get("scp", ""))
    made["expires_in"] = str(body["expires_in"])
    made["ext_expires_in"] = str(body["ext_expires_in"])
    made["expires_on"] = str(claims["exp"])
    made["not_before"] = str(claims["nbf"])
    made["resource"] = resource or str(claims["aud"])
    return made | {name: body[name] for name in _TOKENS if name in body}


_TOKENS = ("access_token", "refresh_token", "foci", "id_token", "client_info", "spa_code")


def error_name(problem: EntraError) -> str | None:
    """Return the OAuth error of a refusal if v1.0's differs from v2.0's."""
    for_a_person = problem.suberror in _FOR_A_PERSON
    return "interaction_required" if for_a_person and problem.definition.error == "invalid_grant" else None


def openid_configuration(exchange: Exchange, tenant: Tenant | None, graph: str, query: str) -> dict[str, Any]:
    """Return the v1.0 OpenID configuration of `tenant`; None means a path that names no tenant.

    :param query: of the URL of the keys.
    """
    site = exchange.site
    base = f"{site.authority}/{tenant.id if tenant else exchange.tenant_name.lower()}"
    return {
        "token_endpoint": f"{base}/oauth2/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{site.authority}/common/discovery/keys{query}",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "token id_token", "token"],
        "scopes_supported": ["openid"],
        "issuer": site.issuer(tenant.id if tenant else "{tenantid}", 1),
        "microsoft_multi_refresh_token": True,
        "authorization_endpoint": f"{base}/oauth2/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{base}/oauth2/logout",
        "claims_supported": _CLAIMS,
        "check_session_iframe": f"{base}/oauth2/checksession",
        "userinfo_endpoint": f"{base}/openid/userinfo",
        "kerberos_endpoint": f"{base}/kerberos",
        "tenant_region_scope": tenant.region if tenant else None,
        "cloud_instance_name": site.cloud.instance,
        "cloud_graph_host_name": site.cloud.aad_graph,
        "msgraph_host": graph,
        "rbac_url": f"https://{site.cloud.rbac}",
    }


# The members about ID tokens that both versions begin with, in this order.
COMMON_CLAIMS = [
    "sub",
    "iss",
    "cloud_instance_name",
    "cloud_instance_host_name",
    "cloud_graph_host_name",
    "msgraph_host",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "acr",
]
_CLAIMS = [*COMMON_CLAIMS, "amr", "nonce", "email", "given_name", "family_name", "nickname"]
