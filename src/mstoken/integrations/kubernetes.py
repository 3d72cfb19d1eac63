"""kubectl and other programs with client-go: the exec plugin's contract, and kubeconfigs made for kubelogin.

kubectl starts the plugin with an ExecCredential in KUBERNETES_EXEC_INFO and reads one from its standard output; both
name the same version of the API. Sources: kubernetes.io/docs/reference/access-authn-authz/authentication
(client-go credential plugins); Azure/kubelogin, get-token and convert-kubeconfig.
"""

from __future__ import annotations

import json

from mstoken.errors import UsageError
from mstoken.texts import rfc3339
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mstoken.model import Token

INFO = "KUBERNETES_EXEC_INFO"
AKS = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""The application ID of the servers of all AKS clusters (learn.microsoft.com/azure/aks/kubelogin-authentication)."""
AKS_CLIENT = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"
"""The application ID of AKS' client for people."""
_GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{_GROUP}/v1", f"{_GROUP}/v1beta1")


def requested_version(info: str) -> str:
    """Return the API version that the reply must have, from the value of KUBERNETES_EXEC_INFO; v1 if it is not set.

    Raises UsageError for a value that is not an ExecCredential, or one of another version.
    """
    if not info:
        return VERSIONS[0]
    try:
        version = json.loads(info)["apiVersion"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UsageError(f"{INFO} is not what kubectl sets.", "Let kubectl start this command, or unset it.") from None
    if version not in VERSIONS:
        raise UsageError(
            f"kubectl asks for an ExecCredential of a version that is not known: {str(version)[:80]!r}.",
            f"Set apiVersion in the kubeconfig to {' or '.join(VERSIONS)}.",
        )
    return str(version)


def exec_credential(token: Token, version: str) -> dict[str, object]:
    """Return the ExecCredential with `token`; kubectl starts the plugin again when it expires, and after a 401."""
    return {
        "apiVersion": version,
        "kind": "ExecCredential",
        "spec": {"interactive": False},
        "status": {"expirationTimestamp": rfc3339(token.expires_on), "token": token.token},
    }


@value
class Converted:
    """How mstoken does what kubelogin did for a user: the arguments after `mstoken`, variables, and notes for people.

    `sign_in` is the command with which the person signs in once; '' if nobody has to.
    """

    arguments: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sign_in: str = ""


_SHORT = {"-l": "--login", "-e": "--environment", "-t": "--tenant-id"}
_FLAGS = {"--legacy", "--pop-enabled", "--use-azurerm-env-vars", "--disable-instance-discovery"}
_FLAGS |= {"--disable-environment-override"}
_LEFT_OUT = {
    "--token-cache-dir": "tokens are in the cache of mstoken",
    "--timeout": "the limit is 30 seconds",
    "--login-hint": "give it to mstoken login",
    "--redirect-url": "the redirect goes to a free port",
    "--disable-instance-discovery": "there is no instance discovery",
    "--disable-environment-override": "the options take precedence over variables",
}
"""Options that change nothing here, and why."""
_REFUSED = {
    "--client-secret": "set AZURE_CLIENT_SECRET, or name the secret's place in a profile",
    "--client-certificate-password": "set AZURE_CLIENT_CERTIFICATE_PASSWORD, or use a profile",
    "--username": "sign in once with mstoken login",
    "--password": "sign in once with mstoken login",
    "--identity-resource-id": 'use a profile with managed_identity = "resource_id:…"',
    "--subscription": "write --tenant-id",
    "--azure-pipelines-service-connection-id": 'use a profile with client_assertion = "azure-pipelines"',
    "--use-azurerm-env-vars": "set the AZURE_… variables",
    "--legacy": "the cluster has to use the current integration with Entra ID",
}
"""Options that cannot be taken over, and what to do in their place."""
_CLOUDS = {
    "azurepubliccloud": "",
    "azurecloud": "",
    "azureusgovernment": "usgov",
    "azureusgovernmentcloud": "usgov",
    "azurechinacloud": "china",
}
_CHAIN = "AZURE_TOKEN_CREDENTIALS"
_OF_CHAIN = {
    "azurecli": "AzureCliCredential",
    "azd": "AzureDeveloperCliCredential",
    "msi": "ManagedIdentityCredential",
    "workloadidentity": "WorkloadIdentityCredential",
}
_BY_PEOPLE = ("devicecode", "interactive")
_OF_VARIABLES = {
    "--client-id": "AZURE_CLIENT_ID",
    "--tenant-id": "AZURE_TENANT_ID",
    "--federated-token-file": "AZURE_FEDERATED_TOKEN_FILE",
    "--authority-host": "AZURE_AUTHORITY_HOST",
    "--client-certificate": "AZURE_CLIENT_CERTIFICATE_PATH",
    "--azure-config-dir": "AZURE_CONFIG_DIR",
}
_TAKEN = {
    "spn": {"--client-id", "--tenant-id", "--client-certificate", "--authority-host"},
    "msi": {"--client-id"},
    "workloadidentity": {"--client-id", "--tenant-id", "--federated-token-file", "--authority-host"},
    "azurecli": {"--tenant-id", "--azure-config-dir"},
    "azd": {"--tenant-id"},
    "devicecode": {"--client-id", "--tenant-id", "--authority-host"},
    "interactive": {"--client-id", "--tenant-id", "--authority-host"},
}
"""The options that say who signs in, for each login that can be taken over."""
_COMMON = {"--server-id", "--environment", "--pop-claims", "--pop-enabled", "--login"}


def is_kubelogin(user: Mapping[str, Any]) -> bool:
    """Return whether a user of a kubeconfig signs in with kubelogin, or with the azure plugin before it."""
    plugin = user.get("exec") or {}
    command = str(plugin.get("command", "")).replace("\\", "/").rpartition("/")[2].lower().removesuffix(".exe")
    azure = (user.get("auth-provider") or {}).get("name") == "azure"
    return azure or (command == "kubelogin" and "get-token" in (plugin.get("args") or ()))


def convert(user: Mapping[str, Any], profile: str) -> Converted:
    """Return what takes kubelogin's place for `user`. `profile` is for people who sign in once.

    Raises UsageError, which names the login or option that has no counterpart.
    """
    options, variables = _options_of(user)
    login = options.get("--login", "devicecode")
    if login not in _TAKEN:
        remedy = _REFUSED["--azure-pipelines-service-connection-id"] if login == "azurepipelines" else ""
        raise UsageError(
            f"kubelogin's login {login[:40]!r} has no counterpart.", remedy or f"Use one of {', '.join(_TAKEN)}."
        )
    notes = []
    for name, text in options.items():
        if name in _REFUSED and text != "false":
            raise UsageError(f"kubelogin's option {name} has no counterpart.", f"Instead, {_REFUSED[name]}.")
        if name in _LEFT_OUT:
            notes.append(f"{name} is left out: {_LEFT_OUT[name]}.")
        elif name not in _COMMON | _TAKEN[login] | set(_REFUSED):
            raise UsageError(
                f"kubelogin's option {name[:60]!r} has no counterpart for the login {login}.", "Remove it."
            )
    arguments = ["kube", "token", *_server(options), *_cloud(options)]
    given = {name: options[name] for name in options if name in _TAKEN[login]}
    sign_in = ""
    if login in _BY_PEOPLE:
        arguments += ["--profile", profile]
        sign_in = _sign_in(given, profile, options)
    elif login in {"azurecli", "azd"}:
        arguments += ["--tenant", given.pop("--tenant-id")] if "--tenant-id" in given else []
        variables |= {_OF_VARIABLES[name]: text for name, text in given.items()}
    else:
        variables |= {_OF_VARIABLES[name]: text for name, text in given.items()}
    if login in _OF_CHAIN:
        variables[_CHAIN] = _OF_CHAIN[login]
    return Converted(tuple(arguments), variables, tuple(notes), sign_in)


def exec_of(converted: Converted, version: str) -> dict[str, object]:
    """Return the `exec` of a kubeconfig's user."""
    return {
        "apiVersion": version,
        "command": "mstoken",
        "args": list(converted.arguments),
        "env": [{"name": name, "value": text} for name, text in sorted(converted.variables.items())] or None,
        "installHint": "pipx install mstoken",
        "interactiveMode": "Never",
        "provideClusterInfo": False,
    }


def _options_of(user: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return kubelogin's options, in full spelling, and its variables. Raises UsageError for other arguments."""
    if "exec" not in user:
        config = user["auth-provider"].get("config") or {}
        names = {"apiserver-id": "--server-id", "client-id": "--client-id", "tenant-id": "--tenant-id"}
        names |= {"environment": "--environment"}
        return {names[name]: str(text) for name, text in config.items() if name in names}, {}
    plugin = user["exec"]
    variables = {str(one["name"]): str(one.get("value", "")) for one in plugin.get("env") or ()}
    for name in variables:
        if name.startswith(("AAD_", "ARM_")):
            raise UsageError(f"The variable {name} is kubelogin's own.", "Use the AZURE_… variables in its place.")
    return _parsed([str(argument) for argument in plugin["args"] if argument != "get-token"]), variables


def _parsed(arguments: Sequence[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        name, equals, text = argument.partition("=")
        name = _SHORT.get(name, name)
        if not name.startswith("--"):
            raise UsageError("The arguments of kubelogin have one that is not an option.", "Remove it.")
        if not equals:
            text = "true" if name in _FLAGS else next(rest, "")
        options[name] = text
    return options


def _server(options: Mapping[str, str]) -> list[str]:
    server = options.get("--server-id", AKS).rstrip("/")
    arguments = [] if server == AKS else ["--server-id", server]
    if options.get("--pop-enabled", "false") == "false":
        return arguments
    claims = options.get("--pop-claims", "")
    if not claims.startswith("u=") or "," in claims:
        raise UsageError(
            "Of --pop-claims only u, the cluster's resource ID, has a counterpart.", "Write u=RESOURCE_ID."
        )
    return [*arguments, "--pop", claims.removeprefix("u=")]


def _cloud(options: Mapping[str, str]) -> list[str]:
    name = options.get("--environment", "AzurePublicCloud")
    if name.lower() not in _CLOUDS:
        raise UsageError(f"kubelogin's environment {name[:40]!r} has no counterpart.", "Give --authority to mstoken.")
    cloud = _CLOUDS[name.lower()]
    return ["--cloud", cloud] if cloud else []


def _sign_in(given: Mapping[str, str], profile: str, options: Mapping[str, str]) -> str:
    parts = ["mstoken login", "--profile", profile, "--client-id", given.get("--client-id", AKS_CLIENT)]
    parts += ["--tenant", given.get("--tenant-id", "TENANT"), *_cloud(options)]
    parts += ["--authority", given["--authority-host"]] if "--authority-host" in given else []
    parts += ["--scope", f"{options.get('--server-id', AKS).rstrip('/')}/.default"]
    return " ".join(parts)
