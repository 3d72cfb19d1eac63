"""The environment as messages may show it: the variables that affect tokens, without secrets."""

from __future__ import annotations

import re

from mstoken.redaction import mistake_in, shown, shown_path
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import redacted_url

if TYPE_CHECKING:
    from collections.abc import Mapping

# Only these are shown with their values: a new variable is secret until it is listed here.
_PLAIN = frozenset(
    {
        "AZURE_AUTHORITY_HOST",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_KUBERNETES_CA_FILE",
        "AZURE_KUBERNETES_SNI_NAME",
        "AZURE_KUBERNETES_TOKEN_PROXY",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        "AZURE_REGIONAL_AUTHORITY_NAME",
        "AZURE_TOKEN_CREDENTIALS",
        "IDENTITY_ENDPOINT",
        "IDENTITY_SERVER_THUMBPRINT",
        "IMDS_ENDPOINT",
        "MSI_ENDPOINT",
        "MSTOKEN_CACHE_DIR",
        "MSTOKEN_CLOUD",
        "MSTOKEN_CONFIG_DIR",
        "MSTOKEN_PROFILE",
        "MSTOKEN_SHELL",
    }
)
_CERTIFICATES = frozenset({"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"})
_PATHS = ("_PATH", "_FILE", "_DIR")
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_IDS = {"AZURE_CLIENT_ID": re.compile(r"[0-9A-Fa-f-]{36}"), "AZURE_TENANT_ID": re.compile(r"[A-Za-z0-9.-]{1,255}")}
_MATTERS = ("AZURE_", "MSTOKEN_", "IDENTITY_", "IMDS_", "MSI_", "DEFAULT_IDENTITY_", "ACTIONS_ID_TOKEN_")


def shown_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that affect tokens, by name. Values that may be secret read `set`.

    An invalid id may be a secret in the wrong place, so it is not shown either. A URL loses its user and password.
    """
    return {name: shown_value(name, value) for name, value in sorted(environ.items()) if _matters(name)}


def _matters(name: str) -> bool:
    return name.startswith(_MATTERS) or is_network(name)


def is_network(name: str) -> bool:
    """Return whether the variable is about proxies or certificate authorities, not about the identity."""
    return name in _CERTIFICATES or name.upper() in _PROXIES


def shown_value(name: str, value: str) -> str:
    """Return the value of the variable `name`, or what may be shown of it."""
    if not value.strip():
        return "set, but empty"
    if name in _IDS:
        usable = _IDS[name].fullmatch(value.strip()) and not mistake_in(value)
        return value if usable else "set, but not an id"
    if name in _PLAIN or is_network(name):
        is_path = name in _CERTIFICATES or name.endswith(_PATHS)
        return shown_path(value) if is_path else shown(redacted_url(value) if mistake_in(value) == "" else value)
    return "set"
