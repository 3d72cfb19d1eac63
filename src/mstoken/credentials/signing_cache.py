"""What a credential caches for speed. Nothing in it is copied to another process."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mstoken.keys.signer import Signer

MAX_ASSERTIONS = 10_000
"""One for each tenant. A full cache is emptied, and assertions are signed again when needed."""


class SigningCache:
    """The loaded signer with the state of its files, and assertions that are still valid. Safe between threads."""

    __slots__ = ("_assertions", "signer", "state")

    def __init__(self) -> None:
        self.signer: Signer | None = None
        self.state: Sequence[object] = ()
        self._assertions: dict[tuple[str, str], tuple[float, str]] = {}

    def assertion(self, client_id: str, audience: str, now: float) -> str:
        """The assertion for this client and audience if it is valid at `now` (epoch seconds), else ''."""
        valid_until, assertion = self._assertions.get((client_id, audience), (0.0, ""))
        return assertion if now < valid_until else ""

    def store(self, client_id: str, audience: str, assertion: str, valid_until: float) -> None:
        """Keep `assertion` until `valid_until` (epoch seconds)."""
        if len(self._assertions) >= MAX_ASSERTIONS:
            self._assertions.clear()
        self._assertions[client_id, audience] = (valid_until, assertion)

    def __reduce__(self) -> tuple[type[SigningCache], tuple[()]]:
        """A copy starts empty: private keys are not pickled."""
        return SigningCache, ()
