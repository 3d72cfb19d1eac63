"""Identifiers in Entra's form."""

import uuid


def new_id() -> str:
    """A fresh GUID in Entra's lower-case form."""
    return str(uuid.uuid4())
