"""Workload identity: exchange the pod's federated token for an app-only token (RFC 7523 section 2.2).

Source: learn.microsoft.com/azure/aks/workload-identity-overview. With identity binding in AKS, the token request goes
to a proxy in the cluster instead of Entra: environment variables give its address, its certificate authority and its
name.
"""

from __future__ import annotations

from functools import partial

from mstoken.credentials import ClientAssertion, FileAssertion
from mstoken.credentials.workload_identity import read_bundle
from mstoken.flows.client_auth import request_token
from mstoken.flows.client_credentials import GRANT
from mstoken.protocol.http import ConnectionPolicy
from mstoken.protocol.token_proxy import TokenProxy, through, token_proxy
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.credentials.workload_identity import WorkloadIdentity
    from mstoken.flows.port import HttpPort, Port
    from mstoken.model import Token, TokenRequest
    from mstoken.protocol.http import HttpRequest


async def workload_identity(request: TokenRequest, credential: WorkloadIdentity, port: Port) -> Token:
    """Get an app-only token. The federated token's file is read each time.

    Raises UsageError for a file that cannot be read or an incomplete description of the proxy; TokenRefused, TryLater
    and UnreadableAnswer as any token request.
    """
    proxy = token_proxy(credential.environment)
    assertion = ClientAssertion(FileAssertion(credential.path))
    if proxy is None:
        return (await request_token(assertion, GRANT, request, port)).token
    policy = ConnectionPolicy(direct=True, ca_pem=await _ca_certificates(proxy, port), server_name=proxy.server_name)
    route = partial(_through_proxy, proxy=proxy, policy=policy)
    return (await request_token(assertion, GRANT, request, port, route)).token


def _through_proxy(http: HttpRequest, proxy: TokenProxy, policy: ConnectionPolicy) -> HttpRequest:
    return replace(through(http, proxy), policy=policy)


async def _ca_certificates(proxy: TokenProxy, port: HttpPort) -> str:
    """Return the proxy's certificate authorities. A file is read each time, because it is renewed now and then."""
    if not proxy.ca_file:
        return proxy.ca_data
    return await port.call(lambda: read_bundle(proxy.ca_file))
