"""The source of a managed identity: detected from the environment, in the documented order.

The order is azure-identity's: Service Fabric, App Service, Azure Arc, Azure ML, Cloud Shell, workload identity, IMDS
(learn.microsoft.com/python/api/azure-identity/azure.identity.managedidentitycredential). Azure Arc's agent, found on
the disk, takes precedence over IMDS, as in MSAL.
"""

from __future__ import annotations

import re
import sys
from urllib.parse import urlsplit

from mstoken.errors import NotConfigured, UsageError
from mstoken.protocol.http import check_header_text
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import check_url, redacted_url
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

IMDS_HOST = "http://169.254.169.254"
_TOKEN_PATH = "/metadata/identity/oauth2/token"
_ARC_ENDPOINT = f"http://localhost:40342{_TOKEN_PATH}"
_ARC_KEYS = "/var/opt/azcmagent/tokens"

WORKLOAD_IDENTITY = "workload_identity"
"""The source without a dialect: a federated token, which azure-identity's ManagedIdentityCredential uses too."""

_NEEDS = {
    "service_fabric": ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"),
    "app_service": ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"),
    "azure_arc": ("IDENTITY_ENDPOINT", "IMDS_ENDPOINT"),
    "azure_ml": ("MSI_ENDPOINT", "MSI_SECRET"),
    "cloud_shell": ("MSI_ENDPOINT",),
    WORKLOAD_IDENTITY: ("AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE"),
}
"""Source -> the variables that together select it, in the order of detection."""

TITLES = {
    "service_fabric": "Service Fabric",
    "app_service": "App Service or Functions",
    "azure_arc": "Azure Arc",
    "azure_ml": "Azure Machine Learning",
    "cloud_shell": "Cloud Shell",
    WORKLOAD_IDENTITY: "workload identity",
    "imds": "IMDS (a virtual machine, AKS, Container Instances and others)",
}


_PARTS = {
    "IDENTITY_ENDPOINT": "IDENTITY_HEADER (App Service, Functions, Service Fabric) or IMDS_ENDPOINT (Azure Arc)",
    "IDENTITY_HEADER": "IDENTITY_ENDPOINT",
    "IDENTITY_SERVER_THUMBPRINT": "IDENTITY_ENDPOINT and IDENTITY_HEADER",
    "MSI_SECRET": "MSI_ENDPOINT",
}
"""Variable -> what has to be set beside it. IMDS_ENDPOINT alone selects nothing, and names IMDS."""


@value
class IdentityEndpoint:
    """A token endpoint and what it requires.

    `thumbprint` is 40 lower-case hexadecimal digits (Service Fabric). `keys` is the only folder from which a key may be
    read (Azure Arc). `variables` are the variables that selected it; empty for an assumption: IMDS, which may not be
    available, and Azure Arc's agent.
    """

    source: str
    url: str
    secret: str = field(default="", secret=True)
    thumbprint: str = ""
    keys: str = ""
    variables: tuple[str, ...] = ()


def detect(environment: Mapping[str, str], source: str = "", *, arc_agent: bool = False) -> IdentityEndpoint:
    """Return the endpoint that `environment` names, or the one of `source`; by default IMDS.

    Raises NotConfigured if the named source's variables are not set, or if some of a source's variables are set and no
    source has all of its own; UsageError for an invalid endpoint or thumbprint.
    """
    if source:
        return _named(source, environment, arc_agent=arc_agent)
    if found := selected(environment):
        return _from_variables(found, environment)
    if arc_agent:
        return _arc_by_agent(environment)
    _check_parts(environment)
    return _from_variables("imds", environment)


def selected(environment: Mapping[str, str]) -> str:
    """Return the source whose variables are all set, the first in the order; '' if there is none."""
    for source, needed in _NEEDS.items():
        if all(environment.get(name) for name in needed):
            return source
    return "imds" if environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") else ""


def _check_parts(environment: Mapping[str, str]) -> None:
    """Refuse a part of a source's variables: the platform has an identity, and IMDS would be a guess at another one.

    azure-identity then reports that there is no managed identity.
    """
    for name, rest in _PARTS.items():
        if environment.get(name):
            raise NotConfigured(
                f"{name} is set, but not {rest}, which a managed identity needs too. No request was sent.",
                f"Pass on all of the platform's variables (sudo and cron drop them), or unset {name}.",
            )


def _named(source: str, environment: Mapping[str, str], *, arc_agent: bool) -> IdentityEndpoint:
    missing = [name for name in _NEEDS.get(source, ()) if not environment.get(name)]
    if missing and source == "azure_arc" and arc_agent:
        return _arc_by_agent(environment)
    if missing:
        raise NotConfigured(
            f"This is not {TITLES[source]}, or it has no managed identity here: {', '.join(missing)} not set.",
            "Leave the source out and it is detected, or assign an identity to the resource and restart the program.",
        )
    return _from_variables(source, environment)


def _from_variables(source: str, environment: Mapping[str, str]) -> IdentityEndpoint:
    variables = _NEEDS.get(source, ())
    value = environment.get
    match source:
        case "service_fabric":
            url = _url(value("IDENTITY_ENDPOINT", ""), "IDENTITY_ENDPOINT", https=True)
            thumbprint = _thumbprint(value("IDENTITY_SERVER_THUMBPRINT", ""))
            return IdentityEndpoint(
                source, url, _header("IDENTITY_HEADER", environment), thumbprint, variables=variables
            )
        case "app_service":
            url = _url(value("IDENTITY_ENDPOINT", ""), "IDENTITY_ENDPOINT")
            return IdentityEndpoint(source, url, _header("IDENTITY_HEADER", environment), variables=variables)
        case "azure_arc":
            url = _url(value("IDENTITY_ENDPOINT", ""), "IDENTITY_ENDPOINT")
            return IdentityEndpoint(source, url, keys=arc_keys(environment), variables=variables)
        case "azure_ml" | "cloud_shell":
            secret = _header("MSI_SECRET", environment) if source == "azure_ml" else ""
            return IdentityEndpoint(
                source, _url(value("MSI_ENDPOINT", ""), "MSI_ENDPOINT"), secret, variables=variables
            )
        case "workload_identity":
            return IdentityEndpoint(source, value("AZURE_AUTHORITY_HOST", ""), variables=variables)
    host = value("AZURE_POD_IDENTITY_AUTHORITY_HOST", "")
    if "?" in host:
        raise UsageError("AZURE_POD_IDENTITY_AUTHORITY_HOST has a query.", "Give the host alone, as http://host.")
    url = _url(host or IMDS_HOST, "AZURE_POD_IDENTITY_AUTHORITY_HOST").strip("/") + _TOKEN_PATH
    return IdentityEndpoint("imds", url, variables=("AZURE_POD_IDENTITY_AUTHORITY_HOST",) if host else ())


def _arc_by_agent(environment: Mapping[str, str]) -> IdentityEndpoint:
    return IdentityEndpoint("azure_arc", _ARC_ENDPOINT, keys=arc_keys(environment))


def arc_keys(environment: Mapping[str, str]) -> str:
    """Return the only folder to which Azure Arc's agent writes keys, whatever a response says."""
    if sys.platform == "win32":
        return environment.get("PROGRAMDATA", r"C:\ProgramData") + r"\AzureConnectedMachineAgent\Tokens"
    return _ARC_KEYS


def _url(text: str, variable: str, *, https: bool = False) -> str:
    try:
        parts = urlsplit(text)
        usable = (
            bool(parts.hostname) and parts.port != 0 and parts.scheme in ("http", "https") and "@" not in parts.netloc
        )
    except ValueError:
        usable = False
    check_url(text, variable)
    if not usable or re.search(r"\s", text):
        raise UsageError(f"{variable} is not a URL: {redacted_url(text)!r}.", "The platform sets it; do not change it.")
    if https and parts.scheme != "https":
        raise UsageError(
            f"{variable} is not https: {redacted_url(text)}. The endpoint of Service Fabric has to be.",
            "The platform sets it; do not change it.",
        )
    return text


def _header(variable: str, environment: Mapping[str, str]) -> str:
    """Return the secret in `variable`, which goes into a header."""
    secret = environment.get(variable, "")
    check_header_text(secret, variable)
    return secret


def _thumbprint(text: str) -> str:
    """Return the thumbprint without separators: people copy thumbprints with spaces or colons."""
    bare = re.sub(r"[\s:]", "", text).lower()
    if not re.fullmatch(r"[0-9a-f]{40}", bare):
        raise UsageError(
            "IDENTITY_SERVER_THUMBPRINT is not the SHA-1 of a certificate (40 hexadecimal digits).",
            "The platform sets it; do not change it.",
        )
    return bare
