"""What stands in the way of an identity and can be told without asking for a token: files, variables, kept sign-ins."""

from __future__ import annotations

from mstoken.credentials import (
    AgentIdentity,
    AgentUser,
    AzurePipelines,
    ClientAssertion,
    ClientCertificate,
    FileAssertion,
    FmiPath,
    GitHubActions,
    ManagedIdentity,
    OnBehalfOf,
    Password,
    RefreshToken,
    TokenAssertion,
    WorkloadIdentity,
)
from mstoken.credentials.workload_identity import read_bundle
from mstoken.errors import TransportError
from mstoken.flows.managed_identity import absent
from mstoken.flows.signed_assertion import check_expiry
from mstoken.protocol.cache_key import refresh_token_key
from mstoken.protocol.refusal import not_kept
from mstoken.protocol.token_proxy import token_proxy
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.credentials import AssertionSource, ChainLink, ClientCredential, Credential
    from mstoken.flows.port import Port
    from mstoken.flows.store_port import Stores


async def check(link: ChainLink, stores: Stores, port: Port, profile: str) -> None:
    """Raise what asking as `link` would end with, as far as can be seen from here.

    A managed identity is looked for by the probe of a chain. A function or program that gives an assertion is not
    called, and a key in a store of its own is not touched, as wrong PINs are counted. Raises UsageError, StoreError,
    SignInRequired and TransportError.
    """
    credential = link.credential
    if isinstance(credential, ManagedIdentity) and not link.probe:
        if why := await absent(credential, port):
            raise TransportError(
                f"There is no managed identity here: {why}.", "Run it in Azure, or use another profile."
            )
        return
    match credential:
        case RefreshToken("", _, account) if refresh_token_key(credential) not in stores.refresh_tokens.list_sign_ins():
            raise not_kept(account, profile)
    _check(credential, link.client_id, port.now())


def _check(credential: Credential | None, client_id: str, now: float) -> None:
    match credential:
        case WorkloadIdentity():
            FileAssertion(credential.path).read()
            if (proxy := token_proxy(credential.environment)) and proxy.ca_file:
                read_bundle(proxy.ca_file)
        case ClientCertificate():
            check_expiry(credential.signer(), client_id, now)
        case ClientAssertion(source):
            _check_source(source, client_id, now)
    if (proof := _proof_of(credential)) is not None:
        _check(proof, client_id, now)


def _proof_of(credential: Credential | None) -> ClientCredential | AgentIdentity | None:
    """What the application proves itself with, for a credential that says more than that."""
    match credential:
        case RefreshToken() | OnBehalfOf() | Password() | FmiPath():
            return credential.client
        case AgentIdentity():
            return credential.blueprint
        case AgentUser():
            return credential.agent.blueprint
    return None


def _check_source(source: AssertionSource, client_id: str, now: float) -> None:
    match source:
        case FileAssertion():
            source.read()
        case GitHubActions() | AzurePipelines():
            source.endpoint()
        case TokenAssertion():
            _check(source.credential, source.client_id or client_id, now)
