"""The names under which things are kept where a key itself will not do: as files, and where names can be read."""

from __future__ import annotations

from mstoken.fingerprints import fingerprint_of

_DIGEST = frozenset("0123456789abcdef")


def digest_of(key: str) -> str:
    """The key itself when it is a digest, else a digest of it: tells nothing, and is safe as a name on every system."""
    if key and _DIGEST.issuperset(key) and len(key) <= 128:
        return key
    return fingerprint_of(key.encode())
