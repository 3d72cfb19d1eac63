"""The key under which a token is cached: the same for everyone who makes the same request."""

from __future__ import annotations

from mstoken.fingerprints import fingerprint_of_parts
from mstoken.model import TokenInfo
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.model import TokenRequest


def cache_key(request: TokenRequest) -> str:
    """Return the key of the request's token: authority, client, cache partition, scopes, claims, capability, bound key.

    Scopes are a set. A standard OAuth server's scopes are case-sensitive; Entra's are not. A secret is not part of the
    key: a new secret of the same application gets the same token.
    """
    scopes = {request.authority.normalized(scope) for text in request.scopes for scope in text.split(" ")}
    return fingerprint_of_parts(
        *client_parts(request),
        request.credential.cache_partition(request.authority),
        " ".join(sorted(scopes)),
        request.claims,
        "cp1" if request.enable_cae else "",
        *([request.key_id] if request.key_id else []),
    )


def client_parts(request: TokenRequest) -> tuple[str, str, str]:
    """Return authority, tenant and client id, normalized for comparison."""
    authority = request.authority
    return authority.base_url, authority.normalized(authority.tenant), authority.normalized(request.client_id)


def account_name(request: TokenRequest) -> str:
    """Return the name under which the request's sign-in is stored; '' if there is none."""
    return request.credential.account_name(request.authority, request.client_id)


def token_info(request: TokenRequest) -> TokenInfo:
    """Return the metadata of the request's token, for people to read."""
    authority, credential = request.authority, request.credential
    return TokenInfo(
        authority.base_url,
        authority.tenant,
        credential.acting_client_id(request.client_id),
        account_name(request),
        " ".join(request.scopes),
    )


def resource_of(scope: str) -> str:
    """Return the resource in a scope, in the scope's own spelling; '' if it names none."""
    return scope.rpartition("/")[0]
