"""Access tokens shared by machines through one Redis: sealed, under hashed names, gone when they expire.

Losing them costs one request each, so nothing that goes wrong here fails the caller: while the server is away, tokens
stay with the process, and it says so once.
"""

from __future__ import annotations

import time

from mstoken.errors import StoreError
from mstoken.flows.store_port import NO_INFO
from mstoken.messages import warn
from mstoken.stores import token_file
from mstoken.stores.memory import MemoryAccessTokens
from mstoken.stores.names import digest_of
from mstoken.stores.redis_link import name_of
from mstoken.stores.redis_turns import LEASE_IN, Turns
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.store_port import CachedTokenInfo, Release, TokenInfo
    from mstoken.model import Token
    from mstoken.stores.redis_link import Link

_KIND, _TURN = "token", "turn"


class RedisAccessTokens:
    """Access tokens at the server of `link`. Constructing it does no I/O. Threads may share it.

    Who asks for a token holds a mark that lives `lease_in` seconds and is renewed while its process lives.
    """

    slow = True

    def __init__(self, link: Link, lease_in: float = LEASE_IN) -> None:
        self._link = link
        self._turns = Turns(link, lease_in)
        self._unkept = MemoryAccessTokens()
        self._warned = False

    def load(self, key: str) -> Token | None:
        unkept = self._unkept.load(key)
        try:
            content = self._link.get(name_of(_KIND, key))
        except StoreError as error:
            self._warn(error)
            return unkept
        kept = token_file.read(digest_of(key), content, self._link.seal) if content else None
        return unkept if unkept and (kept is None or kept.expires_on <= unkept.expires_on) else kept

    def save(self, key: str, token: Token, info: TokenInfo = NO_INFO) -> None:
        life_in = token.expires_on - int(time.time())
        if life_in <= 0:
            self.delete(key)
            return
        try:
            content = token_file.render(digest_of(key), token, self._link.seal(), info)
            self._link.put(name_of(_KIND, key), content, life_in)
        except (StoreError, ValueError) as error:
            self.delete(key)  # what is there is older than what could not be written
            self._unkept.save(key, token, info)
            self._warn(error)
        else:
            self._unkept.delete(key)

    def delete(self, key: str) -> None:
        self._unkept.delete(key)
        try:
            self._link.drop(name_of(_KIND, key))
        except StoreError as error:
            self._warn(error)

    def clear(self) -> int:
        return self._unkept.clear() + self._link.drop(*self._link.names(_KIND))

    def forget(self, info: TokenInfo) -> int:
        gone = self._unkept.forget(info)
        return gone + self._link.drop(*(name_of(_KIND, kept.key) for kept in self.tokens() if info.covers(kept.info)))

    def tokens(self) -> list[CachedTokenInfo]:
        kept = {token.key: token for token in self._unkept.tokens()}
        for name in self._link.names(_KIND):
            key, content = name.rpartition(":")[2], self._link.get(name)
            token = token_file.read_info(key, content, self._link.seal) if content else None
            kept |= {key: token} if token else {}
        return [kept[key] for key in sorted(kept)]

    def try_lock(self, key: str) -> Release | None:
        return self._turns.take(name_of(_TURN, key))

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            warn(f"Access tokens stay with this process: {getattr(error, 'message', error)}")
