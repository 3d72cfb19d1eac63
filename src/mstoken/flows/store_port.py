"""What every store can do. Stores block; asyncio reaches the slow ones through a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mstoken.model import About

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from mstoken.model import Grant, Token

__all__ = ["NOTHING_ABOUT", "About", "GrantStore", "Kept", "Stores", "TokenStore"]


class TokenStore(Protocol):
    """Keeps access tokens by the digest of their question. Never raises for a token it cannot read: that is a miss."""

    slow: bool
    """Whether a call may touch a disk or a network, and so must not run on an event loop."""

    def load(self, key: str) -> Token | None: ...

    def save(self, key: str, token: Token) -> None: ...

    def delete(self, key: str) -> None: ...

    def clear(self) -> int:
        """Forget every token; gives how many there were."""
        ...

    def exclusive(self, key: str) -> AbstractContextManager[None]:
        """One at a time for `key` among all processes that share the store."""
        ...


NOTHING_ABOUT = About()


@dataclass(frozen=True, slots=True)
class Kept:
    """What a list of kept refresh tokens shows of one. Times are epoch seconds, UTC."""

    about: About
    created_on: int
    renewed_on: int


class GrantStore(Protocol):
    """Keeps refresh tokens. Writes are durable when they return; a failed one raises StoreError and changes nothing.

    Reading raises StoreError too: a vault that cannot be read is no empty vault.
    """

    slow: bool

    def load(self, key: str) -> Grant | None: ...

    def replace(self, key: str, old: str, new: str) -> None:
        """Keep `new`, with `old` as the one before, if `old` is current or nothing is kept; else keep what is there."""
        ...

    def put(self, key: str, value: str, about: About) -> None:
        """Keep a new sign-in's `value` whatever is there; what it replaces may be another person's and is forgotten."""
        ...

    def remove(self, key: str) -> bool:
        """Forget the grant; False when there was none."""
        ...

    def names(self) -> dict[str, Kept]:
        """What is kept, by key and in the order of keys; opens no secret."""
        ...


@dataclass(frozen=True, slots=True)
class Stores:
    """Where a client keeps what it gets: access tokens, and the refresh tokens that are hard to come by."""

    tokens: TokenStore
    grants: GrantStore
