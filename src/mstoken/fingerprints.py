"""A digest to name things by. One of Python's own modules computes it: hashlib would load OpenSSL first."""

from __future__ import annotations

try:
    from _blake2 import blake2b
except ImportError:  # another Python than CPython
    from hashlib import blake2b


def fingerprint_of(content: bytes, size: int = 20) -> str:
    """`size` bytes of BLAKE2b (RFC 7693) in hexadecimal: safe as a file name, and it cannot be turned back."""
    return blake2b(content, digest_size=size).hexdigest()
