"""What a flow finds around it in either world: clock, chance, secrets, a voice, and the stores."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from mstoken.flows.store_port import NOTHING_ABOUT
from mstoken.runtimes.telling import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.flows.store_port import GrantStore, TokenStore
    from mstoken.model import About, Grant, Token

T = TypeVar("T")


class Surroundings:
    """The half of `flows.port.Port` that both runtimes share. How a store is reached, each says itself."""

    def __init__(self, tokens: TokenStore, grants: GrantStore) -> None:
        self._tokens, self._grants = tokens, grants

    async def _reach(self, store: TokenStore | GrantStore, call: Callable[[], T]) -> T:
        """Do `call`, which is the store's and may touch a disk or a network if the store is slow."""
        raise NotImplementedError

    def now(self) -> float:
        return time.time()

    def random(self) -> float:
        from random import random

        return random()  # noqa: S311 - jitter, not a secret

    def secret(self) -> str:
        import secrets

        return secrets.token_urlsafe(32)

    def tell(self, text: str) -> None:
        tell(text)

    async def load(self, key: str) -> Token | None:
        return await self._reach(self._tokens, lambda: self._tokens.load(key))

    async def save(self, key: str, token: Token, about: About | None = None) -> None:
        await self._reach(self._tokens, lambda: self._tokens.save(key, token, about or NOTHING_ABOUT))

    async def delete(self, key: str) -> None:
        await self._reach(self._tokens, lambda: self._tokens.delete(key))

    async def forget_tokens(self, about: About | None = None) -> None:
        await self._reach(self._tokens, lambda: self._tokens.forget(about) if about else self._tokens.clear())

    async def load_grant(self, key: str) -> Grant | None:
        return await self._reach(self._grants, lambda: self._grants.load(key))

    async def replace_grant(self, key: str, old: str, new: str) -> None:
        await self._reach(self._grants, lambda: self._grants.replace(key, old, new))

    async def end_grant(self, key: str, value: str, code: int) -> None:
        await self._reach(self._grants, lambda: self._grants.end(key, value, code))

    async def put_grant(self, key: str, value: str, about: About) -> None:
        await self._reach(self._grants, lambda: self._grants.put(key, value, about))
