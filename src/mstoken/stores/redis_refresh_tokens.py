"""Refresh tokens shared by machines through one Redis: sealed with all that is known of them, compared and swapped.

They have no end of life there, so that a server that has to make room drops them last (`volatile-…` policies, or
`noeviction`); and they are as durable as the server: it needs `appendonly yes`.
Source: redis.io/docs/latest/operate/oss_and_stack/management/persistence
"""

from __future__ import annotations

import json
import os
import time

from mstoken.errors import StoreError
from mstoken.flows.store_port import NO_INFO, PROOF_BYTES, SignInInfo
from mstoken.model import StoredRefreshToken, TokenInfo
from mstoken.stores.redis_connection import redis_key
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import as_dict, replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.stores.redis_connection import RedisConnection

    Stored = tuple[StoredRefreshToken, SignInInfo]

_KIND = "grant"
PROOF_IN = 60
"""Seconds for which the proof that the server takes something is left there."""
MAX_SWAPS = 100
"""Tries to change what others change at the same time; each time one of them has got on."""


class RedisRefreshTokens:
    """Refresh tokens at the server of `link`. Constructing it does no I/O. Threads may share it."""

    slow = True

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    def check_writable(self) -> None:
        self._connection.put(redis_key("proof", ""), os.urandom(PROOF_BYTES), PROOF_IN)

    def load(self, key: str) -> StoredRefreshToken | None:
        encrypted = self._connection.get(redis_key(_KIND, key))
        return self._decrypt(key, encrypted)[0] if encrypted else None

    def replace(self, key: str, old: str, new: str) -> None:
        now = int(time.time())

        def change(held: Stored | None) -> Stored | None:
            if held is None:
                return StoredRefreshToken(new, old), SignInInfo(NO_INFO, now, now)
            return (StoredRefreshToken(new, old), held[1].renewed(now)) if held[0].current == old else None

        self._change(key, change)

    def put(self, key: str, value: str, info: TokenInfo) -> None:
        now = int(time.time())
        self._change(key, lambda _: (StoredRefreshToken(value), SignInInfo(info, now, now)))

    def end(self, key: str, value: str, code: int) -> None:
        def change(held: Stored | None) -> Stored | None:
            if held is None or held[0].current != value:
                return None
            return replace(held[0], ended_by=code), replace(held[1], ended_by=code)

        self._change(key, change)

    def remove(self, key: str) -> bool:
        return self._connection.delete(redis_key(_KIND, key)) > 0

    def list_sign_ins(self) -> dict[str, SignInInfo]:
        kept: dict[str, SignInInfo] = {}
        for name in self._connection.list_keys(_KIND):
            if encrypted := self._connection.get(name):
                fields = self._fields(name, encrypted)
                kept[fields["key"]] = _sign_in_info(fields)
        return dict(sorted(kept.items()))

    def _change(self, key: str, change: Callable[[Stored | None], Stored | None]) -> None:
        """Swap what is held for what `change` makes of it, until nobody came in between; None leaves it."""
        name = redis_key(_KIND, key)
        for _ in range(MAX_SWAPS):
            encrypted = self._connection.get(name) or b""
            after = change(self._decrypt(key, encrypted) if encrypted else None)
            if after is None or self._connection.swap(name, encrypted, self._encrypt(key, *after)):
                return
        raise StoreError(f"{self._what(name)} is being changed by other processes all the time.", "Try again.")

    def _encrypt(self, key: str, grant: StoredRefreshToken, kept: SignInInfo) -> bytes:
        fields = {"key": key, "current": grant.current, "previous": grant.previous, **as_dict(kept)}
        fields["about"] = fields.pop("info")  # its name in the stored format
        return self._connection.cipher().encrypt(json.dumps(fields).encode(), redis_key(_KIND, key))

    def _decrypt(self, key: str, encrypted: bytes) -> Stored:
        fields = self._fields(redis_key(_KIND, key), encrypted)
        kept = _sign_in_info(fields)
        return StoredRefreshToken(fields["current"], fields["previous"], kept.ended_by, kept.info.authority), kept

    def _what(self, name: str) -> str:
        return f"The entry {name} in Redis at {self._connection.address}"

    def _fields(self, name: str, encrypted: bytes) -> dict[str, Any]:
        content = self._connection.cipher().decrypt(encrypted, name)
        if content is None:
            raise StoreError(
                f"{self._what(name)} cannot be decrypted: it has another key, or is damaged. It was not changed.",
                "Use the key that it was encrypted with (MSTOKEN_VAULT_KEY), or another database of the server.",
            )
        try:
            fields: dict[str, Any] = json.loads(content)
            _sign_in_info(fields)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StoreError(
                f"{self._what(name)} was written by another version of mstoken. It was not changed.",
                "Upgrade: pip install --upgrade mstoken",
            ) from None
        return fields


def _sign_in_info(fields: dict[str, Any]) -> SignInInfo:
    """Raises LookupError, TypeError, AttributeError. Unknown names are skipped, so that later versions can add some."""
    info = TokenInfo(**{name: fields["about"].get(name, "") for name in as_dict(NO_INFO)})
    kept = SignInInfo(info, fields["created_on"], fields["renewed_on"], tuple(fields["renewals"]), fields["ended_by"])
    texts = (fields["key"], fields["current"], fields["previous"], *as_dict(info).values())
    numbers = (kept.created_on, kept.renewed_on, kept.ended_by, *kept.renewals)
    if not (all(isinstance(one, str) for one in texts) and all(isinstance(one, int) for one in numbers)):
        raise TypeError
    return kept
