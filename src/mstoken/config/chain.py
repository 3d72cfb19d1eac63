"""The default chain: environment, workload identity, managed identity, profile, developer tools, in this order.

It is azure-identity's DefaultAzureCredential with a profile before the developer tools, and it obeys
AZURE_TOKEN_CREDENTIALS in the same way
(learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains).
This module decides what it can without a request; `flows.chain` does the rest.
"""

from __future__ import annotations

from mstoken import clouds, credentials
from mstoken.authority import names_user_flow
from mstoken.config import environment
from mstoken.config.folder import config_file
from mstoken.config.layers import DEFAULT_PROFILE, Layers
from mstoken.config.resolving import resolve_settings, settings_from_environment
from mstoken.config.settings import Settings
from mstoken.credentials import Chain, ChainLink
from mstoken.errors import NotConfigured, UsageError
from mstoken.hidden import ENVIRON
from mstoken.later import Later
from mstoken.messages import advice
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.config import profiles
    from mstoken.credentials import DeveloperTool, assertion, developer_tools, managed_identity, workload_identity
else:
    profiles = Later("mstoken.config.profiles")
    assertion = Later("mstoken.credentials.assertion")
    developer_tools = Later("mstoken.credentials.developer_tools")
    managed_identity = Later("mstoken.credentials.managed_identity")
    workload_identity = Later("mstoken.credentials.workload_identity")

ENVIRONMENT = "environment"
WORKLOAD = "workload identity"
MANAGED = "managed identity"
PROFILE = "profile"
AZURE_CLI = "Azure CLI"
POWERSHELL = "Azure PowerShell"
DEVELOPER_CLI = "Azure Developer CLI"
_TOOLS = {AZURE_CLI: "AzureCli", POWERSHELL: "AzurePowerShell", DEVELOPER_CLI: "AzureDeveloperCli"}
"""The tools whose sign-ins serve, in azure-identity's order, and their classes of `mstoken.credentials`."""

_MANAGED_ELSEWHERE = ChainLink(MANAGED, unavailable_reason="the tenant of a machine's identity cannot be chosen")
"""The link when a tenant is named."""

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

    The flags tenant, client_id and profile name an identity; `resolve_settings` then decides. A tenant alone, without
    anything else of an identity in environment or profile, is that of the chain. Raises UsageError and NotConfigured,
    as `resolve_settings` does; a chain raises NotConfigured when a token is requested.
    """
    options: Mapping[str, str] = {name: value.strip() for name, value in (flags or {}).items() if value.strip()}
    options = environment.with_tenant(options)
    named = any(name in options for name in ("tenant", "client_id", "profile")) or environ.get("MSTOKEN_PROFILE")
    if named or (
        links_wanted(environ)[0] == ENVIRONMENT and not environment.missing(environment.read_variables(environ))
    ):
        try:
            return resolve_settings(options, environ)
        except NotConfigured:
            if not _is_tenant_alone(options, environ):
                raise
            return _chained(options, environ)
    if _is_oauth_server(environ) or _is_user_flow(environ):
        return resolve_settings(options, environ)
    return _chained(options, environ)


def _is_tenant_alone(flags: Mapping[str, str], environ: Mapping[str, str]) -> bool:
    """Return whether the flags name a tenant, and neither they nor the environment name who requests the token."""
    identity = {"client_id", "profile", "username", "password", *environment.CREDENTIALS}
    variables = environment.read_variables(environ)
    alone = "tenant" in flags and not identity & {*flags, *variables} and not environ.get("MSTOKEN_PROFILE")
    return alone and not names_user_flow(flags.get("authority", ""))


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
            f"Set it to dev, unset it{advice(options=f' for this call ({CHOICE}= mstoken …)', python='')}, or name a "
            f"profile: {advice(options='--profile NAME', python='Client.from_profile(NAME)')}.",
        )
    raise UsageError(
        f"{CHOICE} is {shown(choice)!r}, which is not a valid value.",
        f"Set it to one of {', '.join(name for name in _CHOICES if name)}, or unset it.",
    )


def links(environ: Mapping[str, str], flags: Mapping[str, str] | None = None) -> tuple[ChainLink, ...]:
    """Return every link in order, each with its identity or why it is skipped. Sends no request. Raises UsageError.

    Of `flags` only tenant, cloud and authority count; an identity in flags is not a link. With a tenant, the managed
    identity is skipped, as the tenant of a machine's identity cannot be chosen.
    """
    wanted = links_wanted(environ)
    made = (
        _environment(environ),
        _workload(environ),
        _MANAGED_ELSEWHERE if (flags or {}).get("tenant") else _managed(environ),
        _profile(environ, flags or {}),
        *(_tool(name, environ) for name in _TOOLS),
    )
    return tuple(link if link.name in wanted else _excluded(link, environ) for link in made)


def _chained(flags: Mapping[str, str], environ: Mapping[str, str]) -> Settings:
    chain = links(environ, flags)
    sure = next((link for link in chain if not link.unavailable_reason and not link.probe), None)
    if sure is None or sure.name == PROFILE:
        layers = _layers(flags, environ)
    else:
        layers = Layers(flags, environment.read_variables(environ), None, environ)
    authority, cloud, _ = layers.authority_settings()
    used = sure is not None and sure.name == PROFILE
    notes = layers.notes() if used else ()
    profile = DEFAULT_PROFILE if used else ""
    return Settings(
        flags.get("tenant", ""),
        "",
        Chain(chain),
        cloud,
        authority,
        store=layers.store(),
        profile=profile,
        notes=notes,
    )


def _layers(flags: Mapping[str, str], environ: Mapping[str, str]) -> Layers:
    try:
        return Layers.of(flags, environ)
    except UsageError:
        return Layers(flags, environment.read_variables(environ), None, environ)


def _is_oauth_server(environ: Mapping[str, str]) -> bool:
    """Return whether the default profile uses a standard OAuth server, which no other link can replace."""
    return bool(_of_default_profile("token_endpoint", environ))


def _is_user_flow(environ: Mapping[str, str]) -> bool:
    """Return whether the authority is a user flow of Azure AD B2C, whose tokens no other link has."""
    variables = environment.read_variables(environ)
    return names_user_flow(variables.get("authority", "") or _of_default_profile("authority", environ))


def _of_default_profile(setting: str, environ: Mapping[str, str]) -> str:
    """Return a setting of the default profile if the chain reads it, '' without one."""
    try:
        profile = profiles.find(DEFAULT_PROFILE, environ)
    except UsageError:
        return ""
    return profile.values.get(setting, "") if profile and PROFILE in links_wanted(environ) else ""


def _environment(environ: Mapping[str, str]) -> ChainLink:
    lacking = environment.missing(environment.read_variables(environ))
    if lacking:
        names = ", ".join(environment.names(one_of, environ) for one_of in lacking)
        federated = lacking == (environment.CREDENTIALS,) and environ.get("GITHUB_ACTIONS") == "true"
        incomplete = environment.incomplete(lacking, environ) if len(lacking) == 1 and not federated else ""
        remedy = "set the missing variables"
        return ChainLink(ENVIRONMENT, unavailable_reason=f"not set: {names}", remedy=remedy, incomplete=incomplete)
    settings = settings_from_environment(environ)
    return ChainLink(ENVIRONMENT, settings.tenant, settings.client_id, settings.credential)


def _workload(environ: Mapping[str, str]) -> ChainLink:
    """Return the link for a pod's variables, or for a job of GitHub Actions that may have an OIDC token.

    Both are federated workloads.
    """
    variables = {name: environ.get(name, "").strip() for name in workload_identity.VARIABLES}
    missing = [name for name in workload_identity.NEEDED if not variables[name]]
    if missing == ["AZURE_FEDERATED_TOKEN_FILE"] and all(environ.get(name) for name in _GITHUB):
        return ChainLink(
            WORKLOAD,
            variables["AZURE_TENANT_ID"],
            variables["AZURE_CLIENT_ID"],
            credentials.ClientAssertion(credentials.GitHubActions()),
        )
    if missing == ["AZURE_FEDERATED_TOKEN_FILE"] and environ.get("GITHUB_ACTIONS") == "true":
        return ChainLink(WORKLOAD, unavailable_reason=assertion.NO_ID_TOKEN, remedy=assertion.GIVE_ID_TOKEN)
    if missing:
        return ChainLink(
            WORKLOAD,
            unavailable_reason=f"not set: {', '.join(missing)}",
            remedy='in Kubernetes, label the pod azure.workload.identity/use: "true" and give it a service account',
        )
    credential = credentials.WorkloadIdentity(environment={name: value for name, value in variables.items() if value})
    return ChainLink(WORKLOAD, variables["AZURE_TENANT_ID"], variables["AZURE_CLIENT_ID"], credential)


def _managed(environ: Mapping[str, str]) -> ChainLink:
    """Return the managed identity's link. AZURE_CLIENT_ID names a user-assigned identity, as in DefaultAzureCredential.

    The variables of a workload belong to another link. Cloud Shell cannot select an identity, so it ignores the
    variable.
    """
    from mstoken.protocol.managed_identity.identity_endpoint import detect

    names = [name for name in managed_identity.VARIABLES if name != "AZURE_FEDERATED_TOKEN_FILE"]
    variables = {name: value for name in names if (value := environ.get(name, "").strip())}
    try:
        source = detect(variables).source
    except NotConfigured:  # Azure Arc's agent may be on the disk; the probe finds it, or gives this reason
        source = "imds"
    client_id = "" if source == "cloud_shell" else variables.get("AZURE_CLIENT_ID", "")
    only = environ.get(CHOICE, "").strip().lower() == "managedidentitycredential"
    return ChainLink(
        MANAGED,
        credential=credentials.ManagedIdentity(client_id, environment=variables),
        probe=source == "imds" and not only,
        remedy="run it in Azure, on a resource with an identity: az vm identity assign, az webapp identity assign, …",
    )


def _profile(environ: Mapping[str, str], flags: Mapping[str, str]) -> ChainLink:
    remedy = "store a sign-in: mstoken login --tenant TENANT --client-id ID"
    try:
        profile = profiles.find(DEFAULT_PROFILE, environ)
        if profile is None:
            return ChainLink(
                PROFILE,
                unavailable_reason=f"there is no profile named default in {config_file(environ)}",
                remedy=remedy,
            )
    except UsageError as error:
        return ChainLink(PROFILE, unavailable_reason=error.message, remedy=error.remedy)
    layers = Layers(flags, environment.read_variables(environ), profile, environ)
    return ChainLink(PROFILE, settle=lambda: _of_profile(layers))


def _of_profile(layers: Layers) -> ChainLink:
    """Return the profile's link. It reads the secrets behind references, so it runs only when the link is needed."""
    try:
        settings = layers.settings()
    except UsageError as error:
        return ChainLink(PROFILE, unavailable_reason=error.message, remedy=error.remedy)
    host = settings.authority or (clouds.cloud(settings.cloud).authority_host if settings.cloud else "")
    return ChainLink(PROFILE, settings.tenant, settings.client_id, settings.credential, authority=host)


def _tool(name: str, environ: Mapping[str, str]) -> ChainLink:
    """Return the link of a developer tool. Whether somebody is signed in to it shows when its turn comes."""
    variables = {name: value for name in developer_tools.VARIABLES if (value := environ.get(name, ""))}
    tool: DeveloperTool = getattr(credentials, _TOOLS[name])(environment=variables)
    remedy = f"sign in: {tool.sign_in_command}" if name == AZURE_CLI else ""  # one way of three is enough to read
    return ChainLink(name, credential=tool, probe=True, remedy=remedy)


def _excluded(link: ChainLink, environ: Mapping[str, str]) -> ChainLink:
    return ChainLink(link.name, unavailable_reason=f"{CHOICE}={environ.get(CHOICE, '').strip()} excludes it", remedy="")
