"""Diagnose what a token request would do, without sending it.

The only requests are a probe of IMDS and a GET of the sign-in host's public metadata.
"""

from __future__ import annotations

import os
import re

from mstoken import clouds
from mstoken.authority import Authority
from mstoken.config import locations
from mstoken.config.chain import default_settings, links
from mstoken.config.checks import check
from mstoken.config.reach import Reached, reach
from mstoken.config.shown import shown_environment, shown_value
from mstoken.credentials import (
    AzurePipelines,
    CallbackAssertion,
    Chain,
    ChainLink,
    ClientAssertion,
    DeveloperTool,
    FileAssertion,
    GitHubActions,
    ManagedIdentity,
    TokenAssertion,
    WorkloadIdentity,
)
from mstoken.errors import MstokenError
from mstoken.flows.chain import nothing_served, settled
from mstoken.flows.managed_identity import identity_endpoint, reason_absent
from mstoken.protocol.managed_identity.identity_endpoint import TITLES
from mstoken.protocol.token_proxy import token_proxy
from mstoken.redaction import shown, shown_path
from mstoken.runtimes.blocking import BlockingRuntime, run_blocking
from mstoken.stores.memory import memory_stores
from mstoken.transports.network_settings import described
from mstoken.typed import TYPE_CHECKING, assert_never
from mstoken.values import replace, value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mstoken.config.locations import Location
    from mstoken.config.settings import Settings
    from mstoken.credentials import AssertionSource, BaseCredential
    from mstoken.flows.store_port import Stores
    from mstoken.runtimes.blocking import Transport
    from mstoken.transports.network_settings import NetworkSetting

USED, ABSENT, NOT_REACHED = "used", "absent", "not reached"
_UNUSED = {
    "AZURE_REGIONAL_AUTHORITY_NAME": "regional sign-in hosts serve Microsoft's own applications only (AADSTS100007)."
}
"""Variable that the Azure SDKs read -> why it changes nothing here."""
NAMED = "options or MSTOKEN_PROFILE"


@value
class LinkState:
    """A link of the chain: `state` is `used`, `absent` or `not reached`; `detail` is its identity, or the reason."""

    name: str
    state: str
    detail: str = ""
    remedy: str = ""


@value
class Diagnosis:
    """Everything that decides about a token. `problem` is the error that a token request would raise, if known."""

    links: tuple[LinkState, ...]
    authority: Reached | None
    environment: Mapping[str, str]
    network: tuple[NetworkSetting, ...]
    places: tuple[Location, ...]
    notes: tuple[str, ...] = ()
    problem: MstokenError | None = None


def diagnose(flags: Mapping[str, str], environ: Mapping[str, str], transport: Transport, stores: Stores) -> Diagnosis:
    """Check everything once. Raises no errors of its own: the diagnosis contains them."""
    bare = Diagnosis((), None, shown_environment(environ), described(environ), locations.locations(environ))
    unused = tuple(f"{name} is set and not used: {why}" for name, why in _UNUSED.items() if environ.get(name))
    try:
        settings = default_settings(flags, environ)
        states, used = _links(settings, environ, transport)
    except MstokenError as error:
        return replace(bare, notes=unused, problem=error)
    found = replace(bare, links=states, notes=(*unused, *settings.notes))
    try:
        authority = _authority(settings, used)
        if used is None:
            reasons = [(ChainLink(candidate.name, remedy=candidate.remedy), candidate.detail) for candidate in states]
            return replace(found, authority=reach(authority, transport), problem=nothing_served(reasons))
        run_blocking(check(used, stores, _port(transport), settings.profile))
    except MstokenError as error:
        return replace(found, problem=error)
    reached = reach(authority, transport)
    needed = not isinstance(used.credential, ManagedIdentity)
    return replace(found, authority=reached, problem=reached.failure if needed else None)


def _links(
    settings: Settings, environ: Mapping[str, str], transport: Transport
) -> tuple[tuple[LinkState, ...], ChainLink | None]:
    """Return each link's state in order, and the link that would be used."""
    if isinstance(settings.credential, Chain):
        return _first_available(settings.credential.links, transport)
    used = ChainLink(NAMED, settings.tenant, settings.client_id, settings.credential)
    for link in links(environ):
        if link.credential == settings.credential and link.client_id == settings.client_id and not settings.profile:
            return _first_available(links(environ), transport)
    return (LinkState(NAMED, USED, _identity_of(used, transport)),), used


def _first_available(
    chain: Sequence[ChainLink], transport: Transport
) -> tuple[tuple[LinkState, ...], ChainLink | None]:
    states, used = [], None
    for candidate in chain:
        link = candidate if used else run_blocking(settled(candidate, _port(transport)))
        if used is not None:
            states.append(LinkState(link.name, NOT_REACHED))
        elif reason := link.unavailable_reason or _probed(link, transport):
            states.append(LinkState(link.name, ABSENT, reason, link.remedy))
        else:
            used = link
            states.append(LinkState(link.name, USED, _identity_of(link, transport)))
    return tuple(states), used


def _probed(link: ChainLink, transport: Transport) -> str:
    if isinstance(link.credential, DeveloperTool):
        return link.credential.reason_absent()
    if not (link.probe and isinstance(link.credential, ManagedIdentity)):
        return ""
    return run_blocking(reason_absent(link.credential, _port(transport)))


def _identity_of(link: ChainLink, transport: Transport) -> str:
    credential = link.credential
    if isinstance(credential, ManagedIdentity):
        endpoint = run_blocking(identity_endpoint(credential, _port(transport)))
        kind, value = credential.named_by
        which = (
            f"the identity with the {kind} {shown(value)}" if kind else "the system-assigned identity, or the only one"
        )
        return f"{which}, of {TITLES[endpoint.source]} at {endpoint.url}"
    if isinstance(credential, DeveloperTool):
        return f"whoever is signed in to {credential.tool}, by {shown_path(credential.program())}"
    where = f" in tenant {shown_value('AZURE_TENANT_ID', link.tenant)}" if link.tenant else ""
    return f"client {shown_value('AZURE_CLIENT_ID', link.client_id)}{where}, by {_proof(credential)}"


def _proof(credential: BaseCredential | None) -> str:
    """Return the credential's kind in words: `ClientSecret` is a client secret. An assertion's source is included."""
    if isinstance(credential, ClientAssertion):
        return f"client assertion of {_source(credential.source)}"
    if isinstance(credential, WorkloadIdentity) and (proxy := token_proxy(credential.environment)):
        return f"{_words(credential)}, through the token proxy {proxy.url}"
    return _words(credential)


def _source(source: AssertionSource) -> str:
    match source:
        case FileAssertion(path):
            return f"the file {shown_path(os.fspath(path))}"
        case CallbackAssertion():
            return "a program or variable"
        case TokenAssertion(credential):
            return f"a {_proof(credential)}"
        case GitHubActions():
            return "GitHub Actions"
        case AzurePipelines():
            return "Azure Pipelines"
        case _:
            assert_never(source)


def _words(named: object) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(named).__name__).lower()


def _authority(settings: Settings, used: ChainLink | None) -> Authority:
    if settings.token_endpoint:
        return Authority.oauth(settings.token_endpoint)
    cloud = clouds.cloud(settings.cloud) if settings.cloud else clouds.PUBLIC
    host = (used.authority if used else "") or settings.authority or cloud.authority_host
    tenant = (used.tenant if used else "") or settings.tenant
    return Authority.of(host, tenant) if tenant else Authority.without_tenant(host)


def _port(transport: Transport) -> BlockingRuntime:
    stores = memory_stores()
    return BlockingRuntime(transport, stores.access_tokens, stores.refresh_tokens)
