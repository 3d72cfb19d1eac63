"""Refresh tokens shared by machines through one Redis: encrypted with their metadata, written by compare-and-swap.

They do not expire in Redis, so that a server that needs memory evicts them last (`volatile-…` policies, or
`noeviction`). They are as durable as the server: it needs `appendonly yes`.
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
    """Refresh tokens at the server of `connection`. The constructor does no I/O. Threads may share it."""

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

        def change(stored: Stored | None) -> Stored | None:
            if stored is None:
                return StoredRefreshToken(new, old), SignInInfo(NO_INFO, now, now)
            return (StoredRefreshToken(new, old), stored[1].renewed(now)) if stored[0].current == old else None

        self._change(key, change)

    def put(self, key: str, value: str, info: TokenInfo) -> None:
        now = int(time.time())
        self._change(key, lambda _: (StoredRefreshToken(value), SignInInfo(info, now, now)))

    def end(self, key: str, value: str, code: int) -> None:
        def change(stored: Stored | None) -> Stored | None:
            if stored is None or stored[0].current != value:
                return None
            return replace(stored[0], ended_by=code), replace(stored[1], ended_by=code)

        self._change(key, change)

    def remove(self, key: str) -> bool:
        return self._connection.delete(redis_key(_KIND, key)) > 0

    def list_sign_ins(self) -> dict[str, SignInInfo]:
        sign_ins: dict[str, SignInInfo] = {}
        for name in self._connection.list_keys(_KIND):
            if encrypted := self._connection.get(name):
                fields = self._fields(name, encrypted)
                sign_ins[fields["key"]] = _sign_in_info(fields)
        return dict(sorted(sign_ins.items()))

    def _change(self, key: str, change: Callable[[Stored | None], Stored | None]) -> None:
        """Replace the entry by the result of `change`, and repeat if another client changed it meanwhile. None changes
        nothing.
        """
        name = redis_key(_KIND, key)
        for _ in range(MAX_SWAPS):
            encrypted = self._connection.get(name) or b""
            after = change(self._decrypt(key, encrypted) if encrypted else None)
            if after is None or self._connection.swap(name, encrypted, self._encrypt(key, *after)):
                return
        raise StoreError(f"{self._entry(name)} is being changed by other processes all the time.", "Try again.")

    def _encrypt(self, key: str, grant: StoredRefreshToken, sign_in: SignInInfo) -> bytes:
        fields = {"key": key, "current": grant.current, "previous": grant.previous, **as_dict(sign_in)}
        fields["about"] = fields.pop("info")  # its name in the stored format
        return self._connection.cipher().encrypt(json.dumps(fields).encode(), redis_key(_KIND, key))

    def _decrypt(self, key: str, encrypted: bytes) -> Stored:
        fields = self._fields(redis_key(_KIND, key), encrypted)
        sign_in = _sign_in_info(fields)
        return StoredRefreshToken(
            fields["current"], fields["previous"], sign_in.ended_by, sign_in.info.authority
        ), sign_in

    def _entry(self, name: str) -> str:
        return f"The entry {name} in Redis at {self._connection.address}"

    def _fields(self, name: str, encrypted: bytes) -> dict[str, Any]:
        content = self._connection.cipher().decrypt(encrypted, name)
        if content is None:
            raise StoreError(
                f"{self._entry(name)} cannot be decrypted: it has another key, or is damaged. It was not changed.",
                "Use the key that it was encrypted with (MSTOKEN_VAULT_KEY), or another database of the server.",
            )
        try:
            fields: dict[str, Any] = json.loads(content)
            _sign_in_info(fields)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StoreError(
                f"{self._entry(name)} was written by another version of mstoken. It was not changed.",
                "Upgrade: pip install --upgrade mstoken",
            ) from None
        return fields


def _sign_in_info(fields: dict[str, Any]) -> SignInInfo:
    """Return the metadata. Unknown names are skipped, so that later versions can add some. Raises LookupError,
    TypeError, AttributeError.
    """
    info = TokenInfo(**{name: fields["about"].get(name, "") for name in as_dict(NO_INFO)})
    sign_in = SignInInfo(
        info, fields["created_on"], fields["renewed_on"], tuple(fields["renewals"]), fields["ended_by"]
    )
    texts = (fields["key"], fields["current"], fields["previous"], *as_dict(info).values())
    numbers = (sign_in.created_on, sign_in.renewed_on, sign_in.ended_by, *sign_in.renewals)
    if not (all(isinstance(text, str) for text in texts) and all(isinstance(text, int) for text in numbers)):
        raise TypeError
    return sign_in
