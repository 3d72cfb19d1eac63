"""The interface of a key for the flows: its certificates, and signatures."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@value
class Signer:
    """A key with its certificates.

    `sign` returns the signature of the bytes, by `algorithm` (PS256 or RS256: RFC 7518 sections 3.3 and 3.5); it may
    block or, if a caller's function is async, return an awaitable. `chain` is DER, the key's own certificate first.
    `expires_on` is that certificate's expiry, epoch seconds, UTC.
    """

    algorithm: str
    chain: tuple[bytes, ...]
    expires_on: float
    sign: Callable[[bytes], bytes | Awaitable[bytes]] = field(repr=False)
