"""Refresh tokens in Azure Key Vault: one secret for each sign-in, one version for each renewal.

Public metadata is in the tags, so that a list shows no secret. Key Vault has no conditional write. The current version
is compared before a write, and if two machines renew at the same moment, the later write is current. Entra ID accepts
both tokens, and both stay among the versions. If a server accepts each token only once, the locks of the access token
store serialize the renewals.
"""

from __future__ import annotations

import json
import time

from mstoken.errors import StoreError
from mstoken.flows.store_port import NO_INFO, SignInInfo
from mstoken.forks import ForkSafe
from mstoken.model import StoredRefreshToken, TokenInfo
from mstoken.protocol.server_text import is_spaced
from mstoken.stores.digests import digest_of
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.stores.key_vault import KeyVault, Secret

PREFIX = "mstoken-"
MAX_TAG = 256
"""Characters: learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates."""


class KeyVaultRefreshTokens(ForkSafe):
    """Refresh tokens in `vault`. The constructor does no I/O. Threads may share it."""

    slow = True

    def __init__(self, vault: KeyVault) -> None:
        self._vault = vault
        super().__init__()

    def check_writable(self) -> None:
        """Check that the vault can be read. A write would create a version that belongs to no sign-in."""
        self._vault.read(_name(""))

    def load(self, key: str) -> StoredRefreshToken | None:
        secret = self._vault.read(_name(key))
        return self._grant(secret) if secret else None

    def replace(self, key: str, old: str, new: str) -> None:
        now = int(time.time())
        with self._lock:
            secret = self._vault.read(_name(key))
            if secret is None:
                self._write(key, StoredRefreshToken(new, old), SignInInfo(NO_INFO, now, now))
            elif self._grant(secret).current == old:
                self._write(key, StoredRefreshToken(new, old), _sign_in_info(secret.tags).renewed(now), secret.version)

    def put(self, key: str, value: str, info: TokenInfo) -> None:
        now = int(time.time())
        with self._lock:
            self._write(key, StoredRefreshToken(value), SignInInfo(info, now, now))

    def end(self, key: str, value: str, code: int) -> None:
        with self._lock:
            secret = self._vault.read(_name(key))
            if secret and (grant := self._grant(secret)).current == value:
                ended = replace(_sign_in_info(secret.tags), ended_by=code)
                self._write(key, replace(grant, ended_by=code), ended, secret.version)

    def remove(self, key: str) -> bool:
        return self._vault.delete(_name(key))

    def list_sign_ins(self) -> dict[str, SignInInfo]:
        found: dict[str, SignInInfo] = {}
        for secret in self._vault.secrets():
            if secret.name.startswith(PREFIX) and "renewed_on" in secret.tags:
                found[secret.tags.get("key", secret.name)] = _sign_in_info(secret.tags)
        return dict(sorted(found.items()))

    def _write(self, key: str, grant: StoredRefreshToken, sign_in: SignInInfo, after: str = "") -> None:
        info = sign_in.info
        tags = {
            "key": key,
            "authority": info.authority,
            "tenant": info.tenant,
            "client_id": info.client_id,
            "username": info.username,
            "created_on": str(sign_in.created_on),
            "renewed_on": str(sign_in.renewed_on),
            "renewals": " ".join(map(str, sign_in.renewals)),
            "ended_by": str(sign_in.ended_by or ""),
            "after": after,
        }
        value = json.dumps({"current": grant.current, "previous": grant.previous})
        written = {name: text for name, text in tags.items() if text and len(text) <= MAX_TAG}
        self._vault.write(_name(key), value, written)

    def _grant(self, secret: Secret) -> StoredRefreshToken:
        try:
            fields: dict[str, Any] = json.loads(secret.value)
            current, previous = fields["current"], fields["previous"]
        except (ValueError, KeyError, TypeError, RecursionError):
            current = previous = None
        if not (is_spaced(current) and is_spaced(previous)):
            raise StoreError(
                f"{self._vault.url} has a secret {secret.name} that is not a sign-in of mstoken. It was not changed.",
                "Restore an earlier version of it, or delete it and sign in again.",
            )
        sign_in = _sign_in_info(secret.tags)
        return StoredRefreshToken(current, previous, sign_in.ended_by, sign_in.info.authority)


def _name(key: str) -> str:
    """Return a secret's name, which may have letters, digits and dashes only."""
    return PREFIX + digest_of(key)


def _sign_in_info(tags: Any) -> SignInInfo:
    info = TokenInfo(**{name: tags.get(name, "") for name in ("authority", "tenant", "client_id", "username")})
    renewals = tuple(map(_number, tags.get("renewals", "").split()))
    created_on, renewed_on = _number(tags.get("created_on", "")), _number(tags.get("renewed_on", ""))
    return SignInInfo(info, created_on, renewed_on, renewals, _number(tags.get("ended_by", "")))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
