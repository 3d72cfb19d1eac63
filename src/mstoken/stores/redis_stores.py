"""Stores that several machines share."""

from __future__ import annotations

import os

from mstoken.errors import UsageError
from mstoken.flows.store_port import Stores
from mstoken.hidden import HiddenText, hidden
from mstoken.stores.cipher import KEY_BYTES


def redis_stores(url: str, key: str | bytes = "") -> Stores:
    """Access tokens and refresh tokens at a Redis server, shared by all who have its URL and the key.

    `url` is `redis://host:6379/0`, `rediss://user:password@host:6380` for TLS, or `unix:///path`. `key`, 32 bytes or
    their base64, encrypts the entries; the default is MSTOKEN_VAULT_KEY. Does no I/O before the first use. Raises
    UsageError for an invalid URL or key.
    """
    from mstoken.stores.redis_access_tokens import RedisAccessTokens
    from mstoken.stores.redis_connection import RedisConnection
    from mstoken.stores.redis_refresh_tokens import RedisRefreshTokens

    url, key = HiddenText(url), hidden(key)
    connection = RedisConnection(url, _key(key))
    return Stores(RedisAccessTokens(connection), RedisRefreshTokens(connection))


def _key(value: str | bytes) -> bytes:
    from mstoken.stores.vault_key import VARIABLE, decode_key

    text = hidden(value or os.environ.get(VARIABLE, ""))
    key: bytes | None = hidden(text if isinstance(text, bytes) else decode_key(text))
    if key is None or len(key) != KEY_BYTES:
        raise UsageError(
            f"The encryption key for Redis {'is not the base64 of 32 bytes' if text else 'is missing'}.",
            f"All machines that share it need the same key: {VARIABLE}. Create one: openssl rand -base64 {KEY_BYTES}",
        )
    return key
