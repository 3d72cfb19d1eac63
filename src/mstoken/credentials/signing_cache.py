"""What a credential value keeps for speed: nothing that counts, nothing that is copied to another process."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mstoken.keys.signer import Signer

MOST_ASSERTIONS = 10_000
"""One per tenant; past it all go, and are signed anew when needed."""


class SigningCache:
    """The loaded signer with the state of its files, and assertions that are still good. Safe between threads."""

    __slots__ = ("_assertions", "signer", "state")

    def __init__(self) -> None:
        self.signer: Signer | None = None
        self.state: Sequence[object] = ()
        self._assertions: dict[tuple[str, str], tuple[float, str]] = {}

    def assertion(self, client_id: str, audience: str, now: float) -> str:
        """The assertion kept for this client and audience, if it is good at `now` (epoch seconds); else ''."""
        good_until, assertion = self._assertions.get((client_id, audience), (0.0, ""))
        return assertion if now < good_until else ""

    def store(self, client_id: str, audience: str, assertion: str, good_until: float) -> None:
        if len(self._assertions) >= MOST_ASSERTIONS:
            self._assertions.clear()
        self._assertions[client_id, audience] = (good_until, assertion)

    def __reduce__(self) -> tuple[type[SigningCache], tuple[()]]:
        """A copy begins empty: private keys are not pickled."""
        return SigningCache, ()
