"""AKS's token proxy (identity binding): a substitute for Entra's token endpoint within the cluster.

Source: azure-identity 1.27's WorkloadIdentityCredential, where these variables are documented.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from mstoken.credentials.workload_identity import PROXY, PROXY_DETAILS
from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.protocol.http import HttpRequest


@value
class TokenProxy:
    """The proxy's address (an https URL, perhaps with a path), its TLS name, and its certificate authorities (PEM)."""

    url: str
    server_name: str = ""
    ca_file: str = ""
    ca_data: str = field(default="", repr=False)


def token_proxy(environment: Mapping[str, str]) -> TokenProxy | None:
    """Return the proxy that the environment describes, or None. Raises UsageError for an incomplete description."""
    url = environment.get(PROXY, "")
    name, ca_file, ca_data = (environment.get(variable, "") for variable in PROXY_DETAILS)
    if not url:
        if name or ca_file or ca_data:
            variables = ", ".join(variable for variable in PROXY_DETAILS if environment.get(variable))
            raise UsageError(f"{variables} set, but {PROXY} is not.", f"Set {PROXY} too, or none of them.")
        return None
    if ca_file and ca_data:
        raise UsageError("AZURE_KUBERNETES_CA_FILE and AZURE_KUBERNETES_CA_DATA are both set.", "Set one of them.")
    if not _usable(url):
        raise UsageError(f"{PROXY} is not a plain https URL.", "Give it as https://HOST[:PORT][/PATH], and no more.")
    return TokenProxy(url.rstrip("/"), name, ca_file, ca_data)


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        plain = parts.port != 0 and not (parts.query or parts.fragment or "@" in parts.netloc or "\\" in url)
    except ValueError:
        return False
    return plain and parts.scheme == "https" and bool(parts.hostname) and url.isprintable() and " " not in url


def through(http: HttpRequest, proxy: TokenProxy) -> HttpRequest:
    """Return the same request, sent to the proxy: its origin and path, then the path at Entra."""
    parts = urlsplit(http.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return replace(http, url=f"{proxy.url}{path}")
