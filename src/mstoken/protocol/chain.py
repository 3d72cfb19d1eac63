"""A question put to a chain of identities, as one of its links asks it."""

from __future__ import annotations

from mstoken.authority import Authority
from mstoken.credentials import Chain
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.credentials import ChainLink
    from mstoken.model import TokenRequest


def request_for_link(request: TokenRequest, link: ChainLink) -> TokenRequest:
    """The same question, asked by a link: at its own authority, in its own tenant unless the question names one."""
    if link.credential is None:
        raise ValueError(f"the link {link.name} has no credential")
    host, tenant = link.authority or request.authority.origin, request.authority.tenant or link.tenant
    authority = Authority.of(host, tenant) if link.tenant else Authority.without_tenant(host)
    return replace(request, authority=authority, client_id=link.client_id, credential=link.credential)


def served(request: TokenRequest) -> TokenRequest:
    """The question as the link that served last asked it; the same where there is no chain, or none has served."""
    if isinstance(request.credential, Chain) and request.credential.served is not None:
        return request_for_link(request, request.credential.served)
    return request
