"""Injected faults: which requests they affect, and how."""

from dataclasses import dataclass, field

from .ids import new_id
from .strict import Strict

ABORT = "entra_emulator.abort"  # in an ASGI scope's extensions: a function that ends the connection at once
CUTS = ("", "before", "during")


@dataclass
class Fault(Strict):
    """A fault that affects the next requests that match, whatever the emulator's state.

    The effects, which can be combined:
        `code`: Entra refuses with this AADSTS code; `error`, `suberror`, `claims` (JSON text) replace the code's own.
        `status`: this HTTP status without a body of Entra's, such as 429 or 503; `retry_after_in`: the Retry-After.
        `delay_in`: the response arrives this many seconds later.
        `cut`: the connection is cut `before` the response or `during` it.
        `skew_in`: the clock for the response is this many seconds ahead (negative: behind).
        `next_link`: the page of a collection leads to this URL; `loop` means to itself.

    The affected requests; empty matches everything:
        `service`: login, graph, arm, partner, vault, acr, blob, or * for all of them. At `login`, only token requests
        match, unless `path` is set: a path in which a star stands for any text.
        `client`: an application id. `tenant`: id or domain. `grant`: a grant type. `resource`: in scope or resource.
        `times`: the number of requests; None for all until the fault is removed.
    """

    code: int = 0
    error: str = ""
    suberror: str = ""
    claims: str = ""
    status: int = 0
    retry_after_in: int | None = None
    delay_in: float = 0.0
    cut: str = ""
    skew_in: float = 0.0
    next_link: str = ""
    service: str = "login"
    path: str = ""
    client: str = ""
    tenant: str = ""
    grant: str = ""
    resource: str = ""
    times: int | None = None
    id: str = field(default_factory=new_id)

    def __post_init__(self) -> None:
        """:raises ValueError: the fault has no effect, or an effect that does not exist."""
        if self.cut not in CUTS:
            raise ValueError(f"cut is '{self.cut}', expected before or during")
        if not (self.code or self.status or self.delay_in or self.cut or self.skew_in or self.next_link):
            raise ValueError("a fault needs one of code, status, delay_in, cut, skew_in, next_link")
        if self.status and not 400 <= self.status <= 599:
            raise ValueError(f"status is {self.status}, expected 400 to 599")
        if self.code < 0 or self.delay_in < 0 or (self.times is not None and self.times < 1):
            raise ValueError("code and delay_in cannot be below 0, times not below 1")

    @property
    def decisive(self) -> bool:
        """True if the fault responds in place of the service."""
        return bool(self.code or self.status or self.cut)

    @property
    def outcome(self) -> str:
        """A short description of the effects."""
        parts = [
            f"AADSTS{self.code}" if self.code else "",
            f"HTTP {self.status}" if self.status else "",
            f"Retry-After {self.retry_after_in}" if self.retry_after_in is not None else "",
            f"{self.delay_in:g} s later" if self.delay_in else "",
            f"cut {self.cut} the answer" if self.cut else "",
            f"clock {self.skew_in:+g} s" if self.skew_in else "",
            f"the next page is {self.next_link}" if self.next_link else "",
        ]
        return ", ".join(part for part in parts if part)


class ConnectionCut(Exception):
    """A fault ends the connection."""

    def __init__(self, when: str) -> None:
        super().__init__(when)
        self.when = when
