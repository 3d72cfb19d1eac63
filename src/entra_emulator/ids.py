"""Identifiers in Entra's form."""

import base64
import random
import uuid

PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of all personal Microsoft accounts, which the endpoint `consumers` stands for.

Source: learn.microsoft.com/entra/identity-platform/id-token-claims-reference, `tid`.
"""

_PERSONAL_USER = "00000000-0000-0000-"
_random = random.Random()  # noqa: S311  # made of it is only what protects nothing


def new_id() -> str:
    """Return a new GUID in Entra's lower-case form."""
    return str(uuid.uuid4())


def personal_id(user_id: str) -> str:
    """Return the object id of a personal account: its first half is zeros, its second half that of `user_id`."""
    return _PERSONAL_USER + user_id[len(_PERSONAL_USER) :]


def opaque(size: int) -> str:
    """Return `size` random bytes as base64url text, an opaque value that is not a secret."""
    return base64url(_random.randbytes(size))


def base64url(data: bytes) -> str:
    """Encode as base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Decode base64url without padding.

    :raises ValueError: the text is not base64url.
    """
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
