"""Identifiers in Entra's form."""

import uuid

PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of all personal Microsoft accounts, which the endpoint `consumers` stands for.

Source: learn.microsoft.com/entra/identity-platform/id-token-claims-reference, `tid`.
"""

_PERSONAL_USER = "00000000-0000-0000-"


def new_id() -> str:
    """A fresh GUID in Entra's lower-case form."""
    return str(uuid.uuid4())


def personal_id(user_id: str) -> str:
    """The object id of a personal account: its first half is zeros, the other half is that of `user_id`."""
    return _PERSONAL_USER + user_id[len(_PERSONAL_USER) :]
