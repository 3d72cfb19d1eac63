"""Key vaults and what is in them. Each field is a key in TOML."""

import secrets
from dataclasses import dataclass, field

from .strict import Strict


def _version() -> str:
    return secrets.token_hex(16)


@dataclass
class VaultSecret(Strict):
    """One version of a secret. Times are epoch seconds; None: never."""

    name: str
    value: str = field(repr=False)
    version: str = field(default_factory=_version)
    enabled: bool = True
    content_type: str = ""
    created_on: float = 0.0
    expires_on: float | None = None
    not_before_on: float | None = None
    deleted_on: float | None = None
    tags: dict[str, str] = field(default_factory=dict)
    updated_on: float = 0.0


@dataclass
class Vault(Strict):
    """A key vault, `https://NAME.vault.azure.net`. `users`: application ids, user ids or UPNs that may use its secrets.

    `secrets`: the versions of all secrets, oldest first.
    """

    name: str
    users: list[str] = field(default_factory=list)
    secrets: list[VaultSecret] = field(default_factory=list)
