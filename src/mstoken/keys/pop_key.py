"""The key of proof-of-possession tokens: generated at the first use, and lost with the client."""

from __future__ import annotations

from mstoken.forks import ForkSafe
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

BITS = 2048


class PopKey(ForkSafe):
    """An RSA key that exists only in memory. Threads may share it, and the child of a fork keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self._key: RSAPrivateKey | None = None

    def public(self) -> tuple[int, int]:
        """Return modulus and exponent. The first call generates the key, which takes about a tenth of a second."""
        numbers = self._get_key().public_key().public_numbers()
        return numbers.n, numbers.e

    def sign(self, text: bytes) -> bytes:
        """Return the RS256 signature (RFC 7518 section 3.3)."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._get_key().sign(text, PKCS1v15(), SHA256())

    def _get_key(self) -> RSAPrivateKey:
        with self._lock:
            if self._key is None:
                from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

                self._key = generate_private_key(public_exponent=65537, key_size=BITS)
            return self._key

    def __reduce__(self) -> tuple[type[PopKey], tuple[()]]:
        """Pickle without the key: a pickled copy generates its own."""
        return PopKey, ()
