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
from mstoken.stores.redis_link import name_of
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import as_dict, replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from mstoken.stores.redis_link import Link

    Held = tuple[StoredRefreshToken, SignInInfo]

_KIND = "grant"
PROOF_IN = 60
"""Seconds for which the proof that the server takes something is left there."""
MOST_SWAPS = 100
"""Tries to change what others change at the same time; each time one of them has got on."""


class RedisRefreshTokens:
    """Refresh tokens at the server of `link`. Constructing it does no I/O. Threads may share it."""

    slow = True

    def __init__(self, link: Link) -> None:
        self._link = link

    def check_writable(self) -> None:
        self._link.put(name_of("proof", ""), os.urandom(PROOF_BYTES), PROOF_IN)

    def load(self, key: str) -> StoredRefreshToken | None:
        sealed = self._link.get(name_of(_KIND, key))
        return self._opened(key, sealed)[0] if sealed else None

    def replace(self, key: str, old: str, new: str) -> None:
        now = int(time.time())

        def change(held: Held | None) -> Held | None:
            if held is None:
                return StoredRefreshToken(new, old), SignInInfo(NO_INFO, now, now)
            return (StoredRefreshToken(new, old), held[1].renewed(now)) if held[0].current == old else None

        self._change(key, change)

    def put(self, key: str, value: str, info: TokenInfo) -> None:
        now = int(time.time())
        self._change(key, lambda _: (StoredRefreshToken(value), SignInInfo(info, now, now)))

    def end(self, key: str, value: str, code: int) -> None:
        def change(held: Held | None) -> Held | None:
            if held is None or held[0].current != value:
                return None
            return replace(held[0], ended_by=code), replace(held[1], ended_by=code)

        self._change(key, change)

    def remove(self, key: str) -> bool:
        return self._link.drop(name_of(_KIND, key)) > 0

    def names(self) -> dict[str, SignInInfo]:
        kept: dict[str, SignInInfo] = {}
        for name in self._link.names(_KIND):
            if sealed := self._link.get(name):
                fields = self._fields(name, sealed)
                kept[fields["key"]] = _kept(fields)
        return dict(sorted(kept.items()))

    def _change(self, key: str, change: Callable[[Held | None], Held | None]) -> None:
        """Swap what is held for what `change` makes of it, until nobody came in between; None leaves it."""
        name = name_of(_KIND, key)
        for _ in range(MOST_SWAPS):
            sealed = self._link.get(name) or b""
            after = change(self._opened(key, sealed) if sealed else None)
            if after is None or self._link.swap(name, sealed, self._sealed(key, *after)):
                return
        raise StoreError(f"What Redis at {self._link.where} keeps as {name} is changed all the time.", "Try again.")

    def _sealed(self, key: str, grant: StoredRefreshToken, kept: SignInInfo) -> bytes:
        fields = {"key": key, "current": grant.current, "previous": grant.previous, **as_dict(kept)}
        fields["about"] = fields.pop("info")  # its name in the stored format
        return self._link.seal().seal(json.dumps(fields).encode(), name_of(_KIND, key))

    def _opened(self, key: str, sealed: bytes) -> Held:
        fields = self._fields(name_of(_KIND, key), sealed)
        kept = _kept(fields)
        return StoredRefreshToken(fields["current"], fields["previous"], kept.ended_by, kept.info.authority), kept

    def _fields(self, name: str, sealed: bytes) -> dict[str, Any]:
        content = self._link.seal().open(sealed, name)
        if content is None:
            raise StoreError(
                f"What Redis at {self._link.where} keeps as {name} does not open: it was sealed with another key, or "
                "is damaged. It was left as it is.",
                "Use the key it was sealed with (MSTOKEN_VAULT_KEY), or another database of the server.",
            )
        try:
            fields: dict[str, Any] = json.loads(content)
            _kept(fields)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StoreError(
                f"What Redis at {self._link.where} keeps as {name} is of another version of mstoken; it was left as it "
                "is.",
                "Upgrade: pip install --upgrade mstoken",
            ) from None
        return fields


def _kept(fields: dict[str, Any]) -> SignInInfo:
    """Raises LookupError, TypeError, AttributeError. Unknown names are skipped, so that later versions can add some."""
    info = TokenInfo(**{name: fields["about"].get(name, "") for name in as_dict(NO_INFO)})
    kept = SignInInfo(info, fields["created_on"], fields["renewed_on"], tuple(fields["renewals"]), fields["ended_by"])
    texts = (fields["key"], fields["current"], fields["previous"], *as_dict(info).values())
    numbers = (kept.created_on, kept.renewed_on, kept.ended_by, *kept.renewals)
    if not (all(isinstance(one, str) for one in texts) and all(isinstance(one, int) for one in numbers)):
        raise TypeError
    return kept
