"""Encrypt and decrypt small values with one key: AES-256-GCM (NIST SP 800-38D), with a random 96-bit nonce first.

The purpose of a value is authenticated with it, so that a value cannot be moved to another entry. One key is good for
2**32 values (SP 800-38D section 8.3): one value a second for more than a century.
"""

from __future__ import annotations

import os

KEY_BYTES = 32
_NONCE_BYTES = 12


class Cipher:
    """Encrypts and decrypts with the vault's key. Its repr does not show the key."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._aead = AESGCM(key)

    def encrypt(self, value: bytes, purpose: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, value, purpose.encode())

    def decrypt(self, encrypted: bytes, purpose: str) -> bytes | None:
        """Return the value; None if it was encrypted with another key or for another purpose, or is damaged."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._aead.decrypt(encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):
            return None
