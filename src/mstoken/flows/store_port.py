"""The interfaces of the stores. Stores block; asyncio calls the slow ones in a thread."""

from __future__ import annotations

from mstoken.model import TokenInfo
from mstoken.typed import TYPE_CHECKING, Protocol
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.model import Note, StoredRefreshToken, Token

    Release = Callable[[], None]

__all__ = [
    "MOST_RENEWALS",
    "NO_INFO",
    "PROOF_BYTES",
    "AccessTokenStore",
    "CachedTokenInfo",
    "RefreshTokenStore",
    "SignInInfo",
    "Stores",
    "TokenInfo",
]

NO_INFO = TokenInfo()

INACTIVE_IN = 90 * 24 * 3600
"""Seconds of inactivity after which Entra ends a refresh token. Each use returns a new one and restarts the period.
The limit for single-page applications is 24 hours. Source: learn.microsoft.com/entra/identity-platform/refresh-tokens
"""

MOST_RENEWALS = 5
"""How many renewal times are stored for each sign-in."""

PROOF_BYTES = 8192
"""More bytes than a refresh token, the previous one and their metadata need."""


@value
class CachedTokenInfo:
    """The entry of one cached access token in a list. `expires_on` is epoch seconds, UTC."""

    key: str
    info: TokenInfo
    expires_on: int


class AccessTokenStore(Protocol):
    """Stores access tokens under the digest of their cache key, and notes under keys of their own.

    Loading, saving and deleting never raise: a token that cannot be read is a miss, and one that cannot be stored stays
    in the process. The same applies to notes, which are as private as tokens: a pause after a 429, an absent managed
    identity. A token and a note never answer for each other, even under the same key. Callers that list or delete
    tokens need to know about failures: `tokens`, `clear` and `forget` raise StoreError if the store is unavailable or
    still contains a token that should be deleted.
    """

    slow: bool
    """Whether a call may use a disk or a network, and so must not run on an event loop."""

    def load(self, key: str) -> Token | None: ...

    def save(self, key: str, token: Token, info: TokenInfo = NO_INFO) -> None: ...

    def delete(self, key: str) -> None: ...

    def load_note(self, key: str) -> Note | None: ...

    def save_note(self, key: str, note: Note) -> None: ...

    def delete_note(self, key: str) -> None: ...

    def clear(self) -> int:
        """Delete every token and note. Return how many tokens there were."""
        ...

    def forget(self, info: TokenInfo) -> int:
        """Delete the tokens that `info` covers. Return how many there were. Tokens without metadata stay."""
        ...

    def tokens(self) -> list[CachedTokenInfo]:
        """Return the tokens that have metadata, by key. A token that cannot be read is left out."""
        ...

    def try_lock(self, key: str) -> Release | None:
        """Lock `key` among all that share the store. Return the function that unlocks it; None if it is locked.

        Does not wait for the other caller. One caller can lock several keys at once, and unlock from another thread. If
        the store cannot lock, the returned function does nothing: a lock saves requests; it protects no data.
        """
        ...


@value
class SignInInfo:
    """The entry of one stored refresh token in a list. Times are epoch seconds, UTC.

    `created_on` is the time of the sign-in, `renewed_on` when the service last issued a new token, `renewals` the times
    of the last few renewals, oldest first. `ended_by` is the AADSTS code with which the service ended it, 0 while it
    may be used.
    """

    info: TokenInfo
    created_on: int
    renewed_on: int
    renewals: tuple[int, ...] = ()
    ended_by: int = 0

    @property
    def expires_on(self) -> int | None:
        """When Entra ends it if it is not used: a forecast. None for servers with unknown limits."""
        return self.renewed_on + INACTIVE_IN if self.info.tenant else None

    def renewed(self, now: int) -> SignInInfo:
        """Return the entry after a renewal."""
        return SignInInfo(self.info, self.created_on, now, (*self.renewals, now)[-MOST_RENEWALS:])


class RefreshTokenStore(Protocol):
    """Stores refresh tokens. Writes are durable when they return; a failed write raises StoreError and changes nothing.

    Reads raise StoreError too: an unreadable vault is not an empty vault.
    """

    slow: bool

    def check_writable(self) -> None:
        """Write dummy data as durably as a refresh token, to check that the store can save one now.

        Call it before a person signs in or a single-use refresh token is redeemed: if the new refresh token cannot be
        written, it is lost. Raises StoreError.
        """
        ...

    def load(self, key: str) -> StoredRefreshToken | None: ...

    def replace(self, key: str, old: str, new: str) -> None:
        """Store `new` as current, `old` as previous, if `old` is current or nothing is stored; else do nothing."""
        ...

    def put(self, key: str, value: str, info: TokenInfo) -> None:
        """Store a new sign-in's `value` and delete what it replaces, which may belong to another person."""
        ...

    def end(self, key: str, value: str, code: int) -> None:
        """Record that the service ended the grant for good, with this AADSTS code, if `value` is still current."""
        ...

    def remove(self, key: str) -> bool:
        """Delete the grant. Return False if there was none."""
        ...

    def list_sign_ins(self) -> dict[str, SignInInfo]:
        """Return the stored grants, sorted by key, without decrypting secrets."""
        ...


@value
class Stores:
    """The stores of a client: one for access tokens, one for refresh tokens."""

    access_tokens: AccessTokenStore
    refresh_tokens: RefreshTokenStore
