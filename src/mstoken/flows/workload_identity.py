"""Workload identity: the pod's federated token for an app-only token (RFC 7523 section 2.2).

Source: learn.microsoft.com/azure/aks/workload-identity-overview. With AKS's identity binding the token request goes to
a proxy in the cluster, which stands in for Entra: the environment names it, its certificate authority and its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mstoken.credentials import ClientAssertion, FileAssertion
from mstoken.credentials.workload_identity import read_bundle
from mstoken.flows.client_credentials import client_credentials
from mstoken.flows.politely import ask
from mstoken.protocol.client_assertion import proof
from mstoken.protocol.http import Way
from mstoken.protocol.token_endpoint import token_request
from mstoken.protocol.token_proxy import TokenProxy, through, token_proxy
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.credentials.workload_identity import WorkloadIdentity
    from mstoken.flows.port import Port
    from mstoken.model import Token, TokenRequest


async def workload_identity(request: TokenRequest, credential: WorkloadIdentity, port: Port) -> Token:
    """Get an app-only token, the federated token's file read anew.

    Raises UsageError for a file that cannot be read or a proxy that is not described well; TokenRefused, TryLater and
    UnreadableAnswer as any token request.
    """
    source = FileAssertion(credential.path)
    proxy = token_proxy(credential.environment)
    if proxy is None:
        return await client_credentials(request, ClientAssertion(source), port)
    shown = proof(await port.call(source.read))
    http = token_request(request, shown, {"grant_type": "client_credentials"})
    way = Way(direct=True, ca_pem=await _authorities(proxy, port), server_name=proxy.server_name)
    return (await ask(replace(through(http, proxy), way=way), request, port)).token


async def _authorities(proxy: TokenProxy, port: Port) -> str:
    """The proxy's certificate authorities; a file is read each time, as it is renewed now and then."""
    if not proxy.ca_file:
        return proxy.ca_data
    return await port.call(lambda: read_bundle(proxy.ca_file))
