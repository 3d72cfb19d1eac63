"""Names for entries whose key cannot be used as a name: files, and entries whose names others can read."""

from __future__ import annotations

from mstoken.fingerprints import fingerprint_of

_DIGEST = frozenset("0123456789abcdef")


def digest_of(key: str) -> str:
    """Return the key if it is a digest, else its digest: it reveals nothing and is a safe file name on every system."""
    if key and _DIGEST.issuperset(key) and len(key) <= 128:
        return key
    return fingerprint_of(key.encode())
