"""What every store can do. Stores block; asyncio reaches the slow ones through a thread."""

from __future__ import annotations

from mstoken.model import TokenInfo
from mstoken.typed import TYPE_CHECKING, Protocol
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.model import StoredRefreshToken, Token

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
"""Seconds after which Entra ends a refresh token that was not used; each use gives a new one with a new such time.
Single-page applications have 24 hours. Source: learn.microsoft.com/entra/identity-platform/refresh-tokens"""

MOST_RENEWALS = 5
"""Renewals whose times are remembered of each sign-in."""

PROOF_BYTES = 8192
"""More than a refresh token takes up, the one before it and all that is known of it."""


@value
class CachedTokenInfo:
    """What a list of kept access tokens shows of one. `expires_on` is epoch seconds, UTC."""

    key: str
    info: TokenInfo
    expires_on: int


class AccessTokenStore(Protocol):
    """Keeps access tokens by the digest of their question.

    Loading, saving and deleting never raise: a token that cannot be read is a miss, and one that cannot be kept stays
    with the process. Who wants to see or to be rid of what is kept has to know: listing, clearing and forgetting raise
    StoreError when the store cannot be asked, or keeps something all the same.
    """

    slow: bool
    """Whether a call may touch a disk or a network, and so must not run on an event loop."""

    def load(self, key: str) -> Token | None: ...

    def save(self, key: str, token: Token, info: TokenInfo = NO_INFO) -> None: ...

    def delete(self, key: str) -> None: ...

    def clear(self) -> int:
        """Forget every token; gives how many there were."""
        ...

    def forget(self, info: TokenInfo) -> int:
        """Forget the tokens that `info` covers; gives how many there were. What says nothing of itself stays."""
        ...

    def tokens(self) -> list[CachedTokenInfo]:
        """What is kept and says what it is, by key; a token that cannot be read is left out."""
        ...

    def try_lock(self, key: str) -> Release | None:
        """Be the one for `key` among all that share the store: gives what ends the turn; None while another has it.

        Does not wait for the other. Turns at several keys may be had at once; a turn may end in another thread than
        it began in. Where turns cannot be had, it gives one that is none: a turn saves requests, it guards no data.
        """
        ...


@value
class SignInInfo:
    """What a list of kept refresh tokens shows of one. Times are epoch seconds, UTC.

    `created_on` is the sign-in, `renewed_on` when the service last gave a new token, `renewals` the times of the last
    few, oldest first. `ended_by` is the AADSTS code with which the service ended it, 0 while it may be used.
    """

    info: TokenInfo
    created_on: int
    renewed_on: int
    renewals: tuple[int, ...] = ()
    ended_by: int = 0

    @property
    def expires_on(self) -> int | None:
        """When Entra will end it if it is not used: a forecast. None for servers of which we do not know."""
        return self.renewed_on + INACTIVE_IN if self.info.tenant else None

    def renewed(self, now: int) -> SignInInfo:
        """The same after a renewal."""
        return SignInInfo(self.info, self.created_on, now, (*self.renewals, now)[-MOST_RENEWALS:])


class RefreshTokenStore(Protocol):
    """Keeps refresh tokens. Writes are durable when they return; a failed one raises StoreError and changes nothing.

    Reading raises StoreError too: a vault that cannot be read is no empty vault.
    """

    slow: bool

    def check_writable(self) -> None:
        """Write something of no meaning, as durably as a refresh token, to see that one could be kept now.

        Before a person is asked, or a refresh token is spent that is good for one use: what comes of it is lost where
        it cannot be written. Raises StoreError.
        """
        ...

    def load(self, key: str) -> StoredRefreshToken | None: ...

    def replace(self, key: str, old: str, new: str) -> None:
        """Keep `new`, with `old` as the one before, if `old` is current or nothing is kept; else keep what is there."""
        ...

    def put(self, key: str, value: str, info: TokenInfo) -> None:
        """Keep a new sign-in's `value` whatever is there; what it replaces may be another person's and is forgotten."""
        ...

    def end(self, key: str, value: str, code: int) -> None:
        """Remember that the service ended the grant for good, with this AADSTS code, if `value` is still current."""
        ...

    def remove(self, key: str) -> bool:
        """Forget the grant; False when there was none."""
        ...

    def list_sign_ins(self) -> dict[str, SignInInfo]:
        """What is kept, by key and in the order of keys; opens no secret."""
        ...


@value
class Stores:
    """Where a client keeps what it gets: access tokens, and the refresh tokens that are hard to come by."""

    access_tokens: AccessTokenStore
    refresh_tokens: RefreshTokenStore
