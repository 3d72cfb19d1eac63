"""Name things by a digest. Python's own module computes it, because hashlib would load OpenSSL first."""

from __future__ import annotations

try:
    from _blake2 import blake2b
except ImportError:  # Python implementations other than CPython
    from hashlib import blake2b


def fingerprint_of(content: bytes, size: int = 20) -> str:
    """Return `size` bytes of BLAKE2b (RFC 7693) in hexadecimal: safe as a file name, and not reversible."""
    return blake2b(content, digest_size=size).hexdigest()


def fingerprint_of_text(text: str) -> str:
    """Return the fingerprint of one secret or name.

    Text that is not valid Unicode (PEP 383) has a fingerprint too.
    """
    return fingerprint_of(text.encode("utf-8", "surrogatepass"))


def fingerprint_of_parts(*parts: str) -> str:
    """Return the fingerprint of a list of texts. Each carries its length, so different lists have different inputs."""
    return fingerprint_of_text("".join([f"{len(part)}:{part}" for part in parts]))
