"""A digest to name things by. One of Python's own modules computes it: hashlib would load OpenSSL first."""

from __future__ import annotations

try:
    from _blake2 import blake2b
except ImportError:  # another Python than CPython
    from hashlib import blake2b


def fingerprint_of(content: bytes, size: int = 20) -> str:
    """`size` bytes of BLAKE2b (RFC 7693) in hexadecimal: safe as a file name, and it cannot be turned back."""
    return blake2b(content, digest_size=size).hexdigest()


def fingerprint_of_parts(*parts: str) -> str:
    """`fingerprint_of` a list of texts. Each part carries its length, so two different lists never read the same.

    Text that is not valid Unicode (PEP 383) has a fingerprint too.
    """
    return fingerprint_of("".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass"))
