"""Access tokens and notes shared by machines through one Redis: encrypted, under hashed names, until they expire.

Losing one costs one request, so no failure here fails the caller: while the server is unavailable, tokens stay in the
process, and one warning says so.
"""

from __future__ import annotations

import time

from mstoken.errors import StoreError
from mstoken.flows.store_port import NO_INFO
from mstoken.messages import warn
from mstoken.stores import token_file
from mstoken.stores.digests import digest_of
from mstoken.stores.memory import MemoryAccessTokens, longer_valid
from mstoken.stores.redis_connection import redis_key
from mstoken.stores.redis_locks import LEASE_IN, RedisLocks
from mstoken.typed import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.store_port import CachedTokenInfo, Release, TokenInfo
    from mstoken.model import Note, Token
    from mstoken.stores.cipher import Cipher
    from mstoken.stores.redis_connection import RedisConnection

T = TypeVar("T")

_TOKEN, _NOTE, _LOCK = "token", "note", "turn"


class RedisAccessTokens:
    """Access tokens at the server of `connection`. The constructor does no I/O. Threads may share it.

    A lock lives `lease_in` seconds and is renewed while the process of its owner lives.
    """

    slow = True
    title = "Redis"

    def __init__(self, connection: RedisConnection, lease_in: float = LEASE_IN) -> None:
        self._connection = connection
        self._locks = RedisLocks(connection, lease_in)
        self._fallback = MemoryAccessTokens()
        self._warned = False

    def load(self, key: str) -> Token | None:
        return longer_valid(self._fallback.load(key), self._get(_TOKEN, key, token_file.decode))

    def save(self, key: str, token: Token, info: TokenInfo = NO_INFO) -> None:
        if self._put(_TOKEN, key, token.expires_on, lambda name, cipher: token_file.encode(name, token, cipher, info)):
            self._fallback.delete(key)
        else:
            self._fallback.save(key, token, info)

    def delete(self, key: str) -> None:
        self._fallback.delete(key)
        self._delete(_TOKEN, key)

    def load_note(self, key: str) -> Note | None:
        return longer_valid(self._fallback.load_note(key), self._get(_NOTE, key, token_file.decode_note))

    def save_note(self, key: str, note: Note) -> None:
        if self._put(_NOTE, key, note.expires_on, lambda name, cipher: token_file.encode_note(name, note, cipher)):
            self._fallback.delete_note(key)
        else:
            self._fallback.save_note(key, note)

    def delete_note(self, key: str) -> None:
        self._fallback.delete_note(key)
        self._delete(_NOTE, key)

    def clear(self) -> int:
        self._connection.delete(*self._connection.list_keys(_NOTE))
        return self._fallback.clear() + self._connection.delete(*self._connection.list_keys(_TOKEN))

    def forget(self, info: TokenInfo) -> int:
        removed = self._fallback.forget(info)
        return removed + self._connection.delete(
            *(redis_key(_TOKEN, stored.key) for stored in self.tokens() if info.covers(stored.info))
        )

    def tokens(self) -> list[CachedTokenInfo]:
        stored = {token.key: token for token in self._fallback.tokens()}
        for name in self._connection.list_keys(_TOKEN):
            key, content = name.rpartition(":")[2], self._connection.get(name)
            token = token_file.decode_info(key, content, self._connection.cipher) if content else None
            stored |= {key: token} if token else {}
        return [stored[key] for key in sorted(stored)]

    def try_lock(self, key: str) -> Release | None:
        return self._locks.try_lock(redis_key(_LOCK, key))

    def _get(self, kind: str, key: str, decode: Callable[[str, bytes, Callable[[], Cipher]], T | None]) -> T | None:
        try:
            content = self._connection.get(redis_key(kind, key))
        except StoreError as error:
            self._warn(error)
            return None
        return decode(digest_of(key), content, self._connection.cipher) if content else None

    def _put(self, kind: str, key: str, expires_on: int, encode: Callable[[str, Cipher], bytes]) -> bool:
        """Store the content until it expires. If that fails, warn, delete the older content and return False."""
        life_in = expires_on - int(time.time())
        if life_in <= 0:
            self._delete(kind, key)
            return True
        try:
            self._connection.put(redis_key(kind, key), encode(digest_of(key), self._connection.cipher()), life_in)
        except (StoreError, ValueError) as error:
            self._delete(kind, key)
            self._warn(error)
            return False
        return True

    def _delete(self, kind: str, key: str) -> None:
        try:
            self._connection.delete(redis_key(kind, key))
        except StoreError as error:
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            warn(f"Access tokens stay in this process: {getattr(error, 'message', error)}")
