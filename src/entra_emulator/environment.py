"""The environment that directs a program at an emulator, whatever language it is written in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Inherited settings that would direct a program to the real services, or to a real tenant.
_REMOVED_PREFIXES = ("AZURE_", "MSTOKEN_", "ENTRA_EMULATOR_")
_REMOVED_PLATFORM = {"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT"}
_REMOVED = frozenset({*_REMOVED_PLATFORM, "MSI_ENDPOINT", "MSI_SECRET", "ALL_PROXY", "all_proxy", "SSL_CERT_DIR"})
_IDENTITY = (
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "ENTRA_EMULATOR_ADMIN_URL",
    "ENTRA_EMULATOR_ADMIN_KEY",
    "ENTRA_EMULATOR_REFRESH_TOKEN",
    "ENTRA_EMULATOR_CUSTOMER_TENANT_ID",
    "ENTRA_EMULATOR_TRUST_STORE",
)


@dataclass(frozen=True)
class Connection:
    """The addresses of an emulator, and the certificate authority that its clients must trust."""

    authority: str
    proxy: str
    ca_file: Path
    cache: Path
    config: Path


def settings(connection: Connection, identity: Mapping[str, str]) -> dict[str, str]:
    """Return variables for a program: `identity` (tenant, client, secret …) and the emulator's addresses."""
    ca_file = str(connection.ca_file)
    local = "localhost,127.0.0.1"
    return {
        "AZURE_AUTHORITY_HOST": connection.authority,
        **identity,
        "SSL_CERT_FILE": ca_file,  # OpenSSL: Python's ssl, Go, Ruby; also rustls' native roots
        "REQUESTS_CA_BUNDLE": ca_file,
        "CURL_CA_BUNDLE": ca_file,
        "NODE_EXTRA_CA_CERTS": ca_file,
        "GIT_SSL_CAINFO": ca_file,
        "HTTPS_PROXY": connection.proxy,
        "https_proxy": connection.proxy,
        "NO_PROXY": local,
        "no_proxy": local,
        "NODE_USE_ENV_PROXY": "1",  # without it, Node's fetch ignores HTTPS_PROXY
        "MSTOKEN_CACHE_DIR": str(connection.cache),
        "MSTOKEN_CONFIG_DIR": str(connection.config),
    }


def setting_names() -> tuple[str, ...]:
    """Return every variable that an emulator may set, whether or not one runs."""
    nowhere = Path()
    identity = dict.fromkeys(_IDENTITY, "")
    return tuple(settings(Connection("", "", nowhere, nowhere, nowhere), identity))


def for_command(added: Mapping[str, str], inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a command's environment: the inherited one without settings that direct it elsewhere, plus `added`."""
    base = os.environ if inherited is None else inherited
    environment = {name: value for name, value in base.items() if not is_real_configuration(name)}
    return {**environment, **added}


def is_real_configuration(name: str) -> bool:
    """Return whether an inherited variable would direct a program to the real services."""
    return name.startswith(_REMOVED_PREFIXES) or name in _REMOVED
