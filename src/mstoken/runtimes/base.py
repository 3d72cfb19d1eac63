"""The part that both runtimes share: clock, randomness, secrets, messages and stores."""

from __future__ import annotations

import time
from contextlib import suppress
from os import urandom

from mstoken.errors import StoreError
from mstoken.flows.get_token import get_token
from mstoken.flows.store_port import NO_INFO
from mstoken.foreign import ForeignCode, guarded
from mstoken.forks import ForkSafe
from mstoken.messages import show, warn
from mstoken.runtimes.single_flight import Flight, L, SingleFlight
from mstoken.typed import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import TypeVarTuple

    from mstoken.flows.port import Port
    from mstoken.flows.store_port import AccessTokenStore, RefreshTokenStore, Release, SignInInfo
    from mstoken.model import Note, StoredRefreshToken, Token, TokenInfo, TokenRequest

    Given = TypeVarTuple("Given")

T = TypeVar("T")

_STORE = ForeignCode(
    "The store given to the client", "Correct the store; the cause is its own error.", StoreError, plain=True
)
_MESSAGES = ForeignCode("Writing to standard error", "Open standard error, or give the credential its function.")

_SHORTEST_NAP_IN, _LONGEST_NAP_IN = 0.001, 0.03
"""Seconds between two attempts to lock the store. No call waits inside the store: asyncio has few threads for stores,
and if two processes waited for each other's locks in all of them, neither could load the token that ends the wait.
"""


class BaseRuntime(ForkSafe, Generic[L]):
    """The half of `flows.port.Port` that both runtimes share. Each runtime says how it reaches a store."""

    def __init__(self, tokens: AccessTokenStore, refresh_tokens: RefreshTokenStore) -> None:
        self._tokens = guarded(tokens, _STORE)
        self._refresh_tokens = guarded(refresh_tokens, _STORE)
        self._flights: dict[object, Flight[L]] = {}
        super().__init__()
        self._random: Callable[[], float] | None = None
        self._unwritten: dict[str, tuple[str, str]] = {}
        self.store_title: str = getattr(tokens, "title", type(tokens).__name__)

    def _reset_after_fork(self) -> None:
        """Drop the flights, which belong to the parent's threads."""
        super()._reset_after_fork()
        self._flights = {}

    async def _reach(
        self, store: AccessTokenStore | RefreshTokenStore, call: Callable[[*Given], T], *given: *Given
    ) -> T:
        """Run `call`, a method of the store, which may use a disk or a network if the store is slow."""
        raise NotImplementedError

    async def _try_lock(self, key: str) -> Release | None:
        """Call `AccessTokenStore.try_lock`; unlock if the caller was cancelled meanwhile."""
        raise NotImplementedError

    async def unlock(self, release: Release) -> None:
        """Unlock the store, even if the caller is cancelled."""
        raise NotImplementedError

    async def _nap(self, seconds: float) -> None:
        raise NotImplementedError

    def _new_lock(self) -> L:
        """Return a new, unlocked lock."""
        raise NotImplementedError

    async def acquire(self, flight: Flight[L], within_in: float) -> bool:
        """Wait at most `within_in` seconds for the flight's lock. Return whether it was acquired."""
        raise NotImplementedError

    def single_flight(self, key: str, within_in: float) -> SingleFlight[L]:
        return SingleFlight(self, key, within_in)

    def join(self, key: str) -> tuple[Flight[L], int]:
        """Join the callers of this process that want `key`. Return the flight and the number of its current round."""
        flight_key = self._flight_key(key)
        with self._lock:
            flight = self._flights.get(flight_key)
            if flight is None:
                flight = self._flights[flight_key] = Flight(flight_key, self._new_lock())
            return flight, flight.join()

    def _flight_key(self, key: str) -> object:
        """Return the key of the flight that callers of `key` share: by default, all callers of this process."""
        return key

    def leave(self, flight: Flight[L]) -> None:
        """Leave the flight. The last caller removes it."""
        with self._lock:
            flight.users -= 1
            if not flight.users and self._flights.get(flight.flight_key) is flight:
                del self._flights[flight.flight_key]

    def lock_at_once(self, key: str) -> Release | None:
        """Lock the store for `key` if it is free and locking takes no time; else return None."""
        return None if self._tokens.slow else self._tokens.try_lock(key)

    async def lock_until(self, key: str, until: float) -> Release | None:
        """Lock the store for `key` and return the function that unlocks it; None after `until` (`time.monotonic`)."""
        nap, began = _SHORTEST_NAP_IN, time.monotonic()
        while (release := await self._try_lock(key)) is None:
            if time.monotonic() >= until:
                waited_in = time.monotonic() - began
                warn(f"Another caller has been requesting this token for {waited_in:.0f} s. This caller stops waiting.")
                return None
            await self._nap(nap * (0.5 + self.random()))  # jitter, so that callers do not return together
            nap = min(nap * 1.5, _LONGEST_NAP_IN)
        return release

    def token(self: Port, request: TokenRequest) -> Coroutine[Any, Any, Token]:
        return get_token(request, self)

    def now(self) -> float:
        return time.time()

    def random(self) -> float:
        if self._random is None:
            from random import random

            self._random = random
        return self._random()

    def secret(self) -> str:
        import secrets

        return secrets.token_urlsafe(32)

    def request_id(self) -> str:
        number = urandom(16).hex()
        variant = "89ab"[int(number[16], 16) % 4]
        return f"{number[:8]}-{number[8:12]}-4{number[13:16]}-{variant}{number[17:20]}-{number[20:]}"

    def show_message(self, text: str) -> None:
        with _MESSAGES:
            show(text)

    async def load(self, key: str) -> Token | None:
        if not self._tokens.slow:  # the cached path loads up to three times: a store in memory is called directly
            return self._tokens.load(key)
        return await self._reach(self._tokens, self._tokens.load, key)

    async def save(self, key: str, token: Token, info: TokenInfo | None = None) -> None:
        await self._reach(self._tokens, self._tokens.save, key, token, info or NO_INFO)

    async def delete(self, key: str) -> None:
        await self._reach(self._tokens, self._tokens.delete, key)

    async def load_note(self, key: str) -> Note | None:
        return await self._reach(self._tokens, self._tokens.load_note, key)

    async def save_note(self, key: str, note: Note) -> None:
        await self._reach(self._tokens, self._tokens.save_note, key, note)

    async def delete_note(self, key: str) -> None:
        await self._reach(self._tokens, self._tokens.delete_note, key)

    async def forget_tokens(self, info: TokenInfo | None = None) -> None:
        with suppress(StoreError):  # an unavailable store returns no token either, and tokens expire
            if info:
                await self._reach(self._tokens, self._tokens.forget, info)
            else:
                await self._reach(self._tokens, self._tokens.clear)

    async def check_writable(self) -> None:
        await self._reach(self._refresh_tokens, self._refresh_tokens.check_writable)

    async def load_refresh_token(self, key: str) -> StoredRefreshToken | None:
        stored = await self._reach(self._refresh_tokens, self._refresh_tokens.load, key)
        old, new = self._unwritten.get(key, ("", ""))
        if not (new and stored and stored.current == old):
            return stored
        await self.replace_refresh_token(key, old, new)
        return await self._reach(self._refresh_tokens, self._refresh_tokens.load, key)

    async def replace_refresh_token(self, key: str, old: str, new: str) -> None:
        try:
            await self._reach(self._refresh_tokens, self._refresh_tokens.replace, key, old, new)
        except StoreError:
            self._unwritten[key] = (old, new)  # the old one may be spent: the next caller stores the new one first
            raise
        self._unwritten.pop(key, None)

    async def sign_in_info(self, key: str) -> SignInInfo | None:
        """Return what the store knows of a sign-in: its times, and whether it ended. Raises StoreError."""
        return (await self._reach(self._refresh_tokens, self._refresh_tokens.list_sign_ins)).get(key)

    async def end_refresh_token(self, key: str, value: str, code: int) -> None:
        await self._reach(self._refresh_tokens, self._refresh_tokens.end, key, value, code)

    async def put_refresh_token(self, key: str, value: str, info: TokenInfo) -> None:
        await self._reach(self._refresh_tokens, self._refresh_tokens.put, key, value, info)
