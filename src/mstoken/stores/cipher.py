"""Seal and open small values with one key: AES-256-GCM (NIST SP 800-38D), a random 96-bit nonce in front.

What a value is for is sealed with it, so that a value cannot be moved to another place and be taken for its own. One
key is good for 2**32 values (SP 800-38D section 8.3): at one a second, more than a century.
"""

from __future__ import annotations

import os

KEY_BYTES = 32
_NONCE_BYTES = 12


class Cipher:
    """The vault's key at work. Never shows the key."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._aead = AESGCM(key)

    def encrypt(self, value: bytes, purpose: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, value, purpose.encode())

    def decrypt(self, encrypted: bytes, purpose: str) -> bytes | None:
        """The value; None when it was sealed with another key or for another purpose, or was damaged."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._aead.decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):
            return None
