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
    """A fresh GUID in Entra's lower-case form."""
    return str(uuid.uuid4())


def personal_id(user_id: str) -> str:
    """The object id of a personal account: its first half is zeros, the other half is that of `user_id`."""
    return _PERSONAL_USER + user_id[len(_PERSONAL_USER) :]


def opaque(size: int) -> str:
    """Text in base64url as `size` bytes make it, which means nothing to anybody and is no secret."""
    return base64url(_random.randbytes(size))


def base64url(data: bytes) -> str:
    """RFC 4648 section 5, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of such a text.

    :raises ValueError: it is none.
    """
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
