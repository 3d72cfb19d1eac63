"""The name under which a token is kept: the same for everyone who asks the same question."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from mstoken.credentials import AgentIdentity, AgentUser, FmiPath, RefreshToken

if TYPE_CHECKING:
    from mstoken.credentials import Credential
    from mstoken.model import TokenRequest

_SEPARATOR = "\x1f"


def digest(*parts: str) -> str:
    """A short fingerprint of the parts, safe as a file name; it cannot be turned back."""
    return hashlib.blake2b(_SEPARATOR.join(parts).encode(), digest_size=20).hexdigest()


def cache_key(request: TokenRequest) -> str:
    """The key of the request's token: authority, client, whose it is, scopes, claims and capability.

    Scopes are a set and compare without case, as Entra treats them. A secret is no part of it: a new secret of the
    same application gives the same token.
    """
    return digest(
        request.authority.token_endpoint.lower(),
        request.client_id.lower(),
        holder(request.credential),
        " ".join(sorted({scope.lower() for scope in request.scopes})),
        request.claims,
        "cp1" if request.enable_cae else "",
    )


def holder(credential: Credential) -> str:
    """Whose token it is: the application's, one of its agents', or that of one user."""
    match credential:
        case RefreshToken():
            return grant_key(credential)
        case FmiPath(_, path):
            return f"fmi:{path}"
        case AgentIdentity():
            return f"agent:{credential.agent_id.lower()}"
        case AgentUser(agent, username, user_id):
            return f"{holder(agent)}:user:{(username or user_id).lower()}"
        case _:
            return "app"


def grant_key(credential: RefreshToken) -> str:
    """Where the vault keeps this sign-in's refresh token: by account name, else by a fingerprint of the first one."""
    return f"account:{credential.account}" if credential.account else f"value:{digest(credential.value)}"
