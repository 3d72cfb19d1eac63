"""The documents that clients read before they request a token: instance discovery, OpenID configuration, keys.

Members and their order are as recorded from login.microsoftonline.com.
"""

from typing import Any
from urllib.parse import urlencode, urlsplit

from entra_emulator.aadsts import EntraError
from entra_emulator.clouds import clouds, served
from entra_emulator.ids import PERSONAL
from entra_emulator.routing import LOCAL_NAMES

from . import version_one
from .exchange import Exchange


def instance(exchange: Exchange, authorization_endpoint: str, version: str) -> dict[str, Any]:
    """Return the response of instance discovery: whether the host of an authorization endpoint is a sign-in host.

    localhost at any port is one here: MSAL for Python drops the port in this request. Its entry among the clouds lets
    clients find their cached tokens: MSAL for Go searches only under the aliases of an authority.

    :raises EntraError: 50049 for an unknown host, 50050 if the endpoint is not an https URL.
    """
    try:
        url = urlsplit(authorization_endpoint)
    except ValueError:
        raise EntraError(50050, reason="authorization_endpoint is no URL.") from None
    if url.scheme != "https":
        raise EntraError(50050, reason="authorization_endpoint has to be an https URL.")
    host = url.hostname or ""
    known = served(host)
    metadata = [cloud.metadata() for cloud in clouds() if cloud.listed]
    if host in LOCAL_NAMES:
        authority = f"https://localhost:{exchange.world.port}"
        metadata += _metadata_of_localhost(exchange.world.port)
    elif known and known[1] == "login":
        authority = f"https://{host}"
    else:
        raise EntraError(50049)
    tenant = url.path.strip("/").partition("/")[0] or "common"
    endpoint = f"{authority}/{tenant}/v2.0/.well-known/openid-configuration"
    if version == "1.0":  # MSAL for Python requests 1.0, which has no metadata
        return {"tenant_discovery_endpoint": endpoint}
    return {
        "tenant_discovery_endpoint": endpoint,
        "api-version": "1.1",
        "metadata": metadata,
    }


def _metadata_of_localhost(port: int) -> list[dict[str, Any]]:
    """Return the emulator's entries among the clouds, by its names with the port and, for some clients, without it.

    msal4j and MSAL.NET look up a host without its port, and add that port to the preferred network. The entry
    with the port occurs twice, because msal-node uses an alias's first entry and MSAL Go its last.
    """
    names = [f"{name}:{port}" for name in LOCAL_NAMES]
    with_port = {"preferred_network": names[0], "preferred_cache": names[0], "aliases": names}
    without_port = [
        {"preferred_network": name, "preferred_cache": names[0], "aliases": [name, *names]} for name in LOCAL_NAMES
    ]
    return [with_port, *without_port, with_port]


def openid_configuration(exchange: Exchange) -> dict[str, Any]:
    """Return the v2.0 OpenID configuration of a tenant, or of common, organizations and consumers."""
    site, tenant = exchange.site, exchange.tenant()
    named = tenant is not None and exchange.tenant_name.lower() != "consumers"
    segment = tenant.id if tenant and named else exchange.tenant_name.lower()
    base = f"{site.authority}/{segment}"
    graph = site.cloud.graph[0] if site.cloud.graph else ""
    return {
        "token_endpoint": f"{site.token_base}/{segment}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{base}/discovery/v2.0/keys{_of_app(exchange)}",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": _issuer(exchange),
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{site.graph}/oidc/userinfo",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
        "claims_supported": _CLAIMS,
        "kerberos_endpoint": f"{base}/kerberos",
        "tenant_region_scope": tenant.region if tenant and named else None,
        "cloud_instance_name": site.cloud.instance,
        "cloud_graph_host_name": site.cloud.aad_graph,
        "msgraph_host": graph,
        "rbac_url": f"https://{site.cloud.rbac}",
    }


def openid_configuration_version_one(exchange: Exchange) -> dict[str, Any]:
    """Return the v1.0 OpenID configuration of a tenant, or of common and organizations.

    :raises EntraError: 90002 for consumers: personal accounts have no v1.0.
    """
    tenant, hosts = exchange.tenant(), exchange.site.cloud.graph
    if tenant and tenant.personal:
        raise EntraError(90002, tenant=exchange.tenant_name)
    return version_one.openid_configuration(exchange, tenant, hosts[0] if hosts else "", _of_app(exchange))


def _of_app(exchange: Exchange) -> str:
    """Return the query with the request's `appid` for the keys' URL: an application may have its own signing key."""
    app = exchange.form.get("appid")
    return f"?{urlencode({'appid': app})}" if app else ""


def keys(exchange: Exchange) -> dict[str, Any]:
    """Return the JWKS (RFC 7517) of a tenant's v2.0 tokens; each key names the issuer that it signs for.

    It includes the keys of personal accounts, since a guest, or a user at `common`, may have such an account.
    """
    ring, name = exchange.world.keys, exchange.site.cloud.instance
    consumers = exchange.site.issuer(PERSONAL, 2)
    listed = [{**key.published(name), "issuer": consumers} for key in ring.published_for_consumers()]
    tenant = exchange.tenant()
    if tenant is None or not tenant.personal:
        issuer = _issuer(exchange)
        listed = [*({**key.published(name), "issuer": issuer} for key in ring.published()), *listed]
    return {"keys": listed}


def keys_version_one(exchange: Exchange) -> dict[str, Any]:
    """Return the JWKS of v1.0 tokens, whose keys name no issuer."""
    return {"keys": [key.published(exchange.site.cloud.instance) for key in exchange.world.keys.published()]}


def _issuer(exchange: Exchange) -> str:
    """Return a tenant's issuer; for common and organizations the template that clients fill with the tid claim."""
    tenant = exchange.tenant()
    return exchange.site.issuer(tenant.id if tenant else "{tenantid}", 2)


_CLAIMS = [
    *version_one.COMMON_CLAIMS,
    "nonce",
    "preferred_username",
    "name",
    "tid",
    "ver",
    "at_hash",
    "c_hash",
    "email",
]
