"""A token request to a chain of identities, as one of its links sends it."""

from __future__ import annotations

from mstoken import credentials
from mstoken.authority import Authority
from mstoken.credentials import Chain
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.credentials import ChainLink
    from mstoken.model import TokenRequest


def request_for_link(request: TokenRequest, link: ChainLink) -> TokenRequest:
    """Return the link's request: to the link's authority, in its tenant unless the request names one."""
    if link.credential is None:
        raise ValueError(f"the link {link.name} has no credential")
    host, tenant = link.authority or request.authority.origin, request.authority.tenant or link.tenant
    if not link.tenant and isinstance(link.credential, credentials.ManagedIdentity):
        tenant = ""  # a machine's identity belongs to one tenant
    authority = Authority.of(host, tenant) if tenant else Authority.without_tenant(host)
    return replace(request, authority=authority, client_id=link.client_id, credential=link.credential)


def served(request: TokenRequest) -> TokenRequest:
    """Return the request of the link that was used last; the same request without a chain or before its first use."""
    if isinstance(request.credential, Chain) and request.credential.served is not None:
        return request_for_link(request, request.credential.served)
    return request
