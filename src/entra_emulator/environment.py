"""The environment that points a program at an emulator, whatever language it is written in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Inherited settings that would lead a program past the emulator, or to somebody's real tenant.
_REMOVED_PREFIXES = ("AZURE_", "MSTOKEN_", "ENTRA_EMULATOR_")
_REMOVED_PLATFORM = {"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT"}
_REMOVED = frozenset({*_REMOVED_PLATFORM, "MSI_ENDPOINT", "MSI_SECRET", "ALL_PROXY", "all_proxy", "SSL_CERT_DIR"})


@dataclass(frozen=True)
class Connection:
    """Where an emulator listens, and the certificate authority its clients have to trust."""

    authority: str
    proxy: str
    ca_file: Path
    cache: Path
    config: Path


def settings(connection: Connection, identity: Mapping[str, str]) -> dict[str, str]:
    """Environment variables for a program: `identity` (tenant, client, secret …) and the way to the emulator."""
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
        "NODE_USE_ENV_PROXY": "1",  # without it Node's fetch ignores HTTPS_PROXY
        "MSTOKEN_CACHE_DIR": str(connection.cache),
        "MSTOKEN_CONFIG_DIR": str(connection.config),
    }


def for_command(added: Mapping[str, str], inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a command: the inherited one without what would lead elsewhere, and the emulator's."""
    base = os.environ if inherited is None else inherited
    kept = {name: value for name, value in base.items() if not leads_elsewhere(name)}
    return {**kept, **added}


def leads_elsewhere(name: str) -> bool:
    """Whether an inherited variable would lead a program past the emulator."""
    return name.startswith(_REMOVED_PREFIXES) or name in _REMOVED
