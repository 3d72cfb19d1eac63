"""The default chain: environment, workload identity, managed identity, profile, developer tools, in this order.

It is azure-identity's DefaultAzureCredential with a profile before the developer tools, and it obeys
AZURE_TOKEN_CREDENTIALS in the same way
(learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains).
This module decides what it can without a request; `flows.chain` does the rest.
"""

from __future__ import annotations

from mstoken import clouds
from mstoken.config import environment, profiles
from mstoken.config.folder import config_file
from mstoken.config.layers import DEFAULT_PROFILE, Layers
from mstoken.config.resolving import resolve_settings, settings_from_environment
from mstoken.config.settings import Settings
from mstoken.credentials import (
    AzureCli,
    AzureDeveloperCli,
    AzurePowerShell,
    Chain,
    ChainLink,
    ClientAssertion,
    GitHubActions,
    ManagedIdentity,
    WorkloadIdentity,
    developer_tools,
    managed_identity,
    workload_identity,
)
from mstoken.credentials.assertion import GIVE_ID_TOKEN, NO_ID_TOKEN
from mstoken.errors import NotConfigured, UsageError
from mstoken.hidden import ENVIRON
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT = "environment"
WORKLOAD = "workload identity"
MANAGED = "managed identity"
PROFILE = "profile"
AZURE_CLI = "Azure CLI"
POWERSHELL = "Azure PowerShell"
DEVELOPER_CLI = "Azure Developer CLI"
_TOOLS = {AZURE_CLI: AzureCli, POWERSHELL: AzurePowerShell, DEVELOPER_CLI: AzureDeveloperCli}
"""The tools whose sign-ins serve, in azure-identity's order."""

_GITHUB = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")

CHOICE = "AZURE_TOKEN_CREDENTIALS"
_CHOICES = {
    "": (ENVIRONMENT, WORKLOAD, MANAGED, PROFILE, *_TOOLS),
    "prod": (ENVIRONMENT, WORKLOAD, MANAGED),
    "dev": (PROFILE, *_TOOLS),
    "environmentcredential": (ENVIRONMENT,),
    "workloadidentitycredential": (WORKLOAD,),
    "managedidentitycredential": (MANAGED,),
    "azureclicredential": (AZURE_CLI,),
    "azurepowershellcredential": (POWERSHELL,),
    "azuredeveloperclicredential": (DEVELOPER_CLI,),
}
_OF_OTHERS = ("visualstudiocodecredential", "interactivebrowsercredential")
"""Values of AZURE_TOKEN_CREDENTIALS that select the sign-in of a tool which mstoken does not read."""


def default_settings(flags: Mapping[str, str] | None = None, environ: Mapping[str, str] = ENVIRON) -> Settings:
    """Return the settings of the identity in the flags or MSTOKEN_PROFILE, else in the environment, else of the chain.

    The flags tenant, client_id and profile name an identity; `resolve_settings` then decides. Raises UsageError and
    NotConfigured, as it does; a chain raises NotConfigured when a token is requested.
    """
    given = {name: value.strip() for name, value in (flags or {}).items() if value.strip()}
    named = any(name in given for name in ("tenant", "client_id", "profile")) or environ.get("MSTOKEN_PROFILE")
    if named or (
        links_wanted(environ)[0] == ENVIRONMENT and not environment.missing(environment.read_variables(environ))
    ):
        return resolve_settings(given, environ)
    if _is_oauth_server(environ):
        return resolve_settings(given, environ)
    return _chained(given, environ)


def links_wanted(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the links that AZURE_TOKEN_CREDENTIALS selects, in order.

    Raises UsageError for an invalid value, NotConfigured for one that selects an unsupported tool.
    """
    choice = environ.get(CHOICE, "").strip().lower()
    if choice in _CHOICES:
        return _CHOICES[choice]
    if choice in _OF_OTHERS:
        raise NotConfigured(
            f"{CHOICE} is {choice}, which selects the sign-in of a tool that is not supported here.",
            f"Unset it for this call ({CHOICE}= mstoken …), set it to dev, or name a profile: --profile NAME.",
        )
    raise UsageError(
        f"{CHOICE} is {shown(choice)!r}, which is not a valid value.",
        f"Set it to one of {', '.join(name for name in _CHOICES if name)}, or unset it.",
    )


def links(environ: Mapping[str, str], flags: Mapping[str, str] | None = None) -> tuple[ChainLink, ...]:
    """Return every link in order, each with its identity or why it is skipped. Sends no request. Raises UsageError.

    Of `flags` only cloud and authority count; an identity in flags is not a link.
    """
    wanted = links_wanted(environ)
    made = (
        _environment(environ),
        _workload(environ),
        _managed(environ),
        _profile(environ, flags or {}),
        *(_tool(name, environ) for name in _TOOLS),
    )
    return tuple(link if link.name in wanted else _left_out(link, environ) for link in made)


def _chained(flags: Mapping[str, str], environ: Mapping[str, str]) -> Settings:
    chain = links(environ, flags)
    sure = next((link for link in chain if not link.why_not and not link.probe), None)
    if sure is None or sure.name == PROFILE:
        layers = _layers(flags, environ)
    else:
        layers = Layers(flags, environment.read_variables(environ), None, environ)
    authority, cloud, _ = layers.place()
    used = sure is not None and sure.name == PROFILE
    notes = layers.notes() if used else ()
    profile = DEFAULT_PROFILE if used else ""
    return Settings("", "", Chain(chain), cloud, authority, store=layers.store(), profile=profile, notes=notes)


def _layers(flags: Mapping[str, str], environ: Mapping[str, str]) -> Layers:
    try:
        return Layers.of(flags, environ)
    except UsageError:
        return Layers(flags, environment.read_variables(environ), None, environ)


def _is_oauth_server(environ: Mapping[str, str]) -> bool:
    """Return whether the default profile uses a standard OAuth server, which no other link can replace."""
    try:
        profile = profiles.find(DEFAULT_PROFILE, environ)
    except UsageError:
        return False
    return PROFILE in links_wanted(environ) and profile is not None and bool(profile.values.get("token_endpoint"))


def _environment(environ: Mapping[str, str]) -> ChainLink:
    lacking = environment.missing(environment.read_variables(environ))
    if lacking:
        names = ", ".join(environment.names(one_of, environ) for one_of in lacking)
        federated = lacking == (environment.CREDENTIALS,) and environ.get("GITHUB_ACTIONS") == "true"
        incomplete = environment.incomplete(lacking, environ) if len(lacking) == 1 and not federated else ""
        remedy = "set the missing variables"
        return ChainLink(ENVIRONMENT, why_not=f"not set: {names}", remedy=remedy, incomplete=incomplete)
    settings = settings_from_environment(environ)
    return ChainLink(ENVIRONMENT, settings.tenant, settings.client_id, settings.credential)


def _workload(environ: Mapping[str, str]) -> ChainLink:
    """Return the link for a pod's variables, or for a job of GitHub Actions that may have an OIDC token.

    Both are federated workloads.
    """
    given = {name: environ.get(name, "").strip() for name in workload_identity.VARIABLES}
    missing = [name for name in workload_identity.NEEDED if not given[name]]
    if missing == ["AZURE_FEDERATED_TOKEN_FILE"] and all(environ.get(name) for name in _GITHUB):
        return ChainLink(WORKLOAD, given["AZURE_TENANT_ID"], given["AZURE_CLIENT_ID"], ClientAssertion(GitHubActions()))
    if missing == ["AZURE_FEDERATED_TOKEN_FILE"] and environ.get("GITHUB_ACTIONS") == "true":
        return ChainLink(WORKLOAD, why_not=NO_ID_TOKEN, remedy=GIVE_ID_TOKEN)
    if missing:
        return ChainLink(
            WORKLOAD,
            why_not=f"not set: {', '.join(missing)}",
            remedy='in Kubernetes, label the pod azure.workload.identity/use: "true" and give it a service account',
        )
    credential = WorkloadIdentity(environment={name: value for name, value in given.items() if value})
    return ChainLink(WORKLOAD, given["AZURE_TENANT_ID"], given["AZURE_CLIENT_ID"], credential)


def _managed(environ: Mapping[str, str]) -> ChainLink:
    """Return the managed identity's link. AZURE_CLIENT_ID names a user-assigned identity, as in DefaultAzureCredential.

    The variables of a workload belong to another link. Cloud Shell cannot select an identity, so it ignores the
    variable.
    """
    from mstoken.protocol.managed_identity.place import detect

    names = [name for name in managed_identity.VARIABLES if name != "AZURE_FEDERATED_TOKEN_FILE"]
    given = {name: value for name in names if (value := environ.get(name, "").strip())}
    source = detect(given).source
    client_id = "" if source == "cloud_shell" else given.get("AZURE_CLIENT_ID", "")
    only = environ.get(CHOICE, "").strip().lower() == "managedidentitycredential"
    return ChainLink(
        MANAGED,
        credential=ManagedIdentity(client_id, environment=given),
        probe=source == "imds" and not only,
        remedy="run it in Azure, on a resource with an identity: az vm identity assign, az webapp identity assign, …",
    )


def _profile(environ: Mapping[str, str], flags: Mapping[str, str]) -> ChainLink:
    how = "store a sign-in: mstoken login --tenant TENANT --client-id ID"
    try:
        profile = profiles.find(DEFAULT_PROFILE, environ)
        if profile is None:
            return ChainLink(
                PROFILE, why_not=f"there is no profile named default in {config_file(environ)}", remedy=how
            )
    except UsageError as error:
        return ChainLink(PROFILE, why_not=error.message, remedy=error.remedy)
    layers = Layers(flags, environment.read_variables(environ), profile, environ)
    return ChainLink(PROFILE, settle=lambda: _of_profile(layers))


def _of_profile(layers: Layers) -> ChainLink:
    """Return the profile's link. It reads the secrets behind references, so it runs only when the link is needed."""
    try:
        settings = layers.settings()
    except UsageError as error:
        return ChainLink(PROFILE, why_not=error.message, remedy=error.remedy)
    host = settings.authority or (clouds.cloud(settings.cloud).authority_host if settings.cloud else "")
    return ChainLink(PROFILE, settings.tenant, settings.client_id, settings.credential, authority=host)


def _tool(name: str, environ: Mapping[str, str]) -> ChainLink:
    """Return the link of a developer tool. Whether somebody is signed in to it shows when its turn comes."""
    given = {name: value for name in developer_tools.VARIABLES if (value := environ.get(name, ""))}
    tool = _TOOLS[name](environment=given)
    remedy = f"sign in: {tool.sign_in_command}" if name == AZURE_CLI else ""  # one way of three is enough to read
    return ChainLink(name, credential=tool, probe=True, remedy=remedy)


def _left_out(link: ChainLink, environ: Mapping[str, str]) -> ChainLink:
    return ChainLink(link.name, why_not=f"{CHOICE}={environ.get(CHOICE, '').strip()} excludes it", remedy="")
