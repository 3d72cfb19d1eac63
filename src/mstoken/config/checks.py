"""Problems of an identity that are visible without requesting a token: files, variables, stored sign-ins."""

from __future__ import annotations

from mstoken.credentials import (
    AgentIdentity,
    AgentUser,
    AuthorizationCode,
    AzureCli,
    AzureDeveloperCli,
    AzurePipelines,
    AzurePowerShell,
    Browser,
    CallbackAssertion,
    Chain,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    DeveloperTool,
    DeviceCode,
    FileAssertion,
    FmiPath,
    GitHubActions,
    ManagedIdentity,
    OnBehalfOf,
    Password,
    RefreshToken,
    TokenAssertion,
    WorkloadIdentity,
    narrowed,
)
from mstoken.credentials.workload_identity import read_bundle
from mstoken.errors import TransportError
from mstoken.flows.managed_identity import reason_absent
from mstoken.flows.signed_assertion import check_expiry
from mstoken.protocol.developer_tools import not_installed, not_signed_in
from mstoken.protocol.refusal import no_stored_sign_in
from mstoken.protocol.token_proxy import token_proxy
from mstoken.typed import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from mstoken.credentials import AssertionSource, ChainLink, Credential
    from mstoken.flows.port import Port
    from mstoken.flows.store_port import Stores


async def check(link: ChainLink, stores: Stores, port: Port, profile: str) -> None:
    """Raise the error that a token request with `link` would end with, as far as it is visible without one.

    Probes for a managed identity as a chain does. Does not call a function or program that returns an assertion, and
    does not use a key in a store of its own, since such stores count wrong PINs. Raises UsageError, StoreError,
    SignInRequired and TransportError.
    """
    credential = link.credential
    if isinstance(credential, ManagedIdentity) and not link.probe:
        if reason := await reason_absent(credential, port):
            raise TransportError(
                f"There is no managed identity here: {reason}.", "Run it in Azure, or use another profile."
            )
        return
    if isinstance(credential, RefreshToken) and not credential.value and not _is_stored(credential, stores):
        raise no_stored_sign_in(credential.account, profile)
    if credential is not None:
        _check(narrowed(credential), link.client_id, port.now())


def _is_stored(credential: RefreshToken, stores: Stores) -> bool:
    return credential.store_key in stores.refresh_tokens.list_sign_ins()


def _check(credential: Credential, client_id: str, now: float) -> None:
    match credential:
        case ClientSecret() | ClientKey() | ManagedIdentity() | Chain():
            pass
        case ClientCertificate():
            check_expiry(credential.signer(), client_id, now)
        case ClientAssertion(source):
            _check_source(source, client_id, now)
        case WorkloadIdentity():
            _check_workload(credential)
        case RefreshToken() | Browser() | AuthorizationCode() | DeviceCode() | Password() | OnBehalfOf() | FmiPath():
            if credential.client is not None:
                _check(credential.client, client_id, now)
        case AzureCli() | AzurePowerShell() | AzureDeveloperCli():
            _check_tool(credential)
        case AgentIdentity():
            _check(credential.blueprint, client_id, now)
        case AgentUser():
            _check(credential.agent.blueprint, client_id, now)
        case _:
            assert_never(credential)


def _check_tool(credential: DeveloperTool) -> None:
    if not credential.program():
        raise not_installed(credential)
    if not credential.seems_signed_in():
        raise not_signed_in(credential)


def _check_workload(credential: WorkloadIdentity) -> None:
    FileAssertion(credential.path).read()
    if (proxy := token_proxy(credential.environment)) and proxy.ca_file:
        read_bundle(proxy.ca_file)


def _check_source(source: AssertionSource, client_id: str, now: float) -> None:
    match source:
        case FileAssertion():
            source.read()
        case GitHubActions() | AzurePipelines():
            source.endpoint()
        case TokenAssertion():
            _check(narrowed(source.credential), source.client_id or client_id, now)
        case CallbackAssertion():
            pass
        case _:
            assert_never(source)
