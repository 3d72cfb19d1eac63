"""The Microsoft clouds: their names, and the hosts that sign in users and applications.

A cloud determines the authority, the resource that a token is for, and the API's host. This file holds the authority;
services.toml holds the other two for each cloud. A token of one cloud is not valid in another.

Sources: learn.microsoft.com/entra/identity-platform/authentication-national-cloud; the aliases as Entra's own instance
discovery lists them; Bleu, Delos and Singapore as in MSAL 1.39 and azure-cli-core 2.91.
"""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.redaction import shown
from mstoken.texts import closest_match, did_you_mean
from mstoken.values import value


@value
class Cloud:
    """One Microsoft cloud.

    `name` is the value of `--cloud` and the key in services.toml. `authority_host` is a bare host name, without scheme;
    `login_hosts` are all hosts that sign in to this cloud, the authority's own first. `aliases` are other names for it,
    in lower case. `token_exchange` is the audience of tokens that serve as client assertions:
    learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
    """

    name: str
    title: str
    authority_host: str
    login_hosts: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    token_exchange: str = "api://AzureADTokenExchange"


_US_LOGIN = ("login.microsoftonline.us", "login.usgovcloudapi.net")

PUBLIC = Cloud(
    "public",
    "Azure public (worldwide, and US Government GCC)",
    "login.microsoftonline.com",
    ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
    ("azurecloud", "azure", "azurepublic", "azurepubliccloud", "commercial", "worldwide", "global", "gcc"),
)
US_GOVERNMENT = Cloud(
    "usgov",
    "US Government (GCC High)",
    "login.microsoftonline.us",
    _US_LOGIN,
    ("azureusgovernment", "azureusgovernmentcloud", "usgovernment", "us-government", "gcchigh", "gcc-high", "l4"),
    "api://AzureADTokenExchangeUSGov",
)
# The DoD signs in at the host of GCC High; Graph, SharePoint and other services have separate hosts there.
US_GOVERNMENT_DOD = Cloud(
    "usgov_dod",
    "US Government (DoD)",
    "login.microsoftonline.us",
    _US_LOGIN,
    ("dod", "usgovdod", "usgov-dod", "azureusgovernmentdod", "l5"),
    "api://AzureADTokenExchangeUSGov",
)
CHINA = Cloud(
    "china",
    "China (operated by 21Vianet)",
    "login.partner.microsoftonline.cn",
    ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
    ("azurechinacloud", "azurechina", "21vianet", "mooncake", "gallatin", "cn"),
    "api://AzureADTokenExchangeChina",
)
BLEU = Cloud(
    "bleu",
    "Bleu (France)",
    "login.sovcloud-identity.fr",
    ("login.sovcloud-identity.fr",),
    ("azurebleucloud", "azurebleu", "france", "fr"),
    "api://AzureADTokenExchangeFrance",
)
DELOS = Cloud(
    "delos",
    "Delos (Germany)",
    "login.sovcloud-identity.de",
    ("login.sovcloud-identity.de",),
    ("azuredeloscloud", "germany", "de"),
    "api://AzureADTokenExchangeGermany",
)
SINGAPORE = Cloud(
    "singapore",
    "Government of Singapore",
    "login.sovcloud-identity.sg",
    ("login.sovcloud-identity.sg",),
    ("govsg", "sg"),
)

CLOUDS: tuple[Cloud, ...] = (PUBLIC, US_GOVERNMENT, US_GOVERNMENT_DOD, CHINA, BLEU, DELOS, SINGAPORE)

DEVICE_HOSTS = frozenset(
    {
        "microsoft.com",  # /devicelogin, /deviceloginus, /deviceloginchina, /link
        "www.microsoft.com",
        "aka.ms",
        "login.microsoftonline.cn",  # as China's service returns it: github.com/Azure/azure-cli/issues/32926
        *(host for cloud in CLOUDS for host in cloud.login_hosts),
    }
)
"""Hosts of the pages on which users enter a device code, in all clouds.

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
"""


def cloud(name: str) -> Cloud:
    """Return the cloud with that name or alias, in any letter case; `AzureUSGovernment` and `usgov` are the same.

    Raises UsageError for an unknown name; its remedy lists the known ones.
    """
    wanted = name.strip().lower()
    for known in CLOUDS:
        if wanted == known.name or wanted in known.aliases:
            return known
    words = {word: known.name for known in CLOUDS for word in (known.name, *known.aliases)}
    hint = did_you_mean([words[near] for near in closest_match(wanted, words)])
    raise UsageError(
        f"There is no cloud called {shown(name)!r}.",
        f"{hint}Known clouds: {', '.join(known.name for known in CLOUDS)}.",
    )


def cloud_of_authority(host: str) -> Cloud | None:
    """Return the cloud that signs in at `host` (a host name or an https URL); None for the host of no known cloud.

    GCC High and DoD share a host; for it this returns GCC High (`usgov`).
    """
    named = host.strip().lower().removeprefix("https://")
    for end in "/?#":
        named = named.partition(end)[0]
    bare = named.removesuffix(":443").removesuffix(".")
    return next((known for known in CLOUDS if bare in known.login_hosts), None)
