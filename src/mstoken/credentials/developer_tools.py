"""Sign-ins of other tools: whoever is signed in to the Azure CLI, Azure PowerShell or the Azure Developer CLI.

The order in the default chain is that of azure-identity's DefaultAzureCredential
(learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains). The tool renews its sign-in and
prints access tokens; its secrets are never read. Of its files, mstoken reads those that say who is signed in,
because a token of the previous user must not be found after `az login` as another one.
"""

# pathlib costs more to import than all of this file does.
# ruff: noqa: PTH113,PTH117,PTH118,PTH123

from __future__ import annotations

import os
import sys
from abc import abstractmethod

from mstoken.credentials.base import BaseCredential, no_account
from mstoken.errors import UsageError
from mstoken.fingerprints import fingerprint_of, fingerprint_of_parts
from mstoken.redaction import shown
from mstoken.tool_files import az_files, azd_files, powershell_files
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.authority import Authority

VARIABLES = (
    "PATH",
    "PATHEXT",
    "HOME",
    "USERPROFILE",
    "AZURE_CONFIG_DIR",
    "AZURE_CLOUD_NAME",
    "AZURE_SUBSCRIPTION_ID",
    "AZD_CONFIG_DIR",
    "AZD_AUTH_ENDPOINT",
)
"""The environment variables that lead to a tool and to its sign-in."""

_DECIDING = ("AZURE_CLOUD_NAME", "AZURE_SUBSCRIPTION_ID", "AZD_AUTH_ENDPOINT")
"""Those that select one of several sign-ins, clouds or tenants."""

TIMEOUT_IN = 20.0
"""Seconds that a tool may take; PowerShell needs several to start."""

LARGEST_STATE = 16 * 1024 * 1024
"""Maximum size in bytes of a file that says who is signed in; one with thousands of subscriptions has about 2 MB."""

NOT_SIGNED_IN = "not_signed_in"
"""The `suberror` of the error for a tool that nobody is signed in to."""

_THIS_PROCESS = os.urandom(8).hex()
_SUBSCRIPTION = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._-()")


def _environment() -> dict[str, str]:
    return {name: value for name in VARIABLES if (value := os.environ.get(name, ""))}


class DeveloperTool(BaseCredential, abstract=True):
    """What the credentials of this file share. The client's tenant, if it has one, is passed to the tool."""

    __slots__ = ()

    timeout_in: float
    environment: Mapping[str, str]

    @property
    @abstractmethod
    def tool(self) -> str:
        """The tool's name, as its documentation has it."""

    @property
    @abstractmethod
    def programs(self) -> tuple[str, ...]:
        """The names of its program, without a file name extension; the first that is installed is used."""

    @property
    @abstractmethod
    def sign_in_command(self) -> str:
        """The command that signs in to the tool."""

    @property
    @abstractmethod
    def install_page(self) -> str:
        """The page that says how to install it."""

    @abstractmethod
    def state_files(self) -> tuple[str, ...]:
        """The paths of the files that say who is signed in, whether or not they exist."""

    @abstractmethod
    def seems_signed_in(self) -> bool:
        """Whether these files name somebody; True in doubt, as the tool itself knows. Reads the disk."""

    def program(self) -> str:
        """Return the absolute path of the tool's program; '' if it is not installed. Reads the disk."""
        return next((path for name in self.programs if (path := find_program(name, self.environment))), "")

    def reason_absent(self) -> str:
        """Return why the tool cannot have a token; '' if it may. Reads the disk and runs nothing."""
        if not self.program():
            return f"{self.programs[0]} is not installed"
        return "" if self.seems_signed_in() else f"nobody is signed in to {self.programs[0]}"

    def sign_in_fingerprint(self) -> str:
        """Return a digest of what says who is signed in; one of this process's own if nothing does. Reads the disk."""
        states = [_digest(path) for path in self.state_files()]
        chosen = [f"{name}={self.environment.get(name, '')}" for name in _DECIDING]
        return fingerprint_of_parts(*chosen, *states) if any(states) else _THIS_PROCESS


def _partition(self: DeveloperTool, authority: Authority) -> str:  # noqa: ARG001 - the tool decides on the authority
    """One for each sign-in of the tool, so that `az login` as another user leads to another token."""
    return fingerprint_of_parts(
        "developer tool", type(self).__name__, getattr(self, "subscription", ""), self.sign_in_fingerprint()
    )


@value
class AzureCli(DeveloperTool):
    """Whoever is signed in to the Azure CLI (`az login`): a user, a service principal or a managed identity.

    `subscription` is the name or ID of one of `az account list` and selects the account that may use it; without it,
    and without a tenant of the client, az uses its default subscription. `timeout_in` is in seconds. `environment`
    leads to az and to its configuration, and defaults to this process's own. A program that runs on keeps its token
    until that expires, although somebody else signs in to az meanwhile.

    Source: learn.microsoft.com/cli/azure/account#az-account-get-access-token
    """

    subscription: str = ""
    timeout_in: float = TIMEOUT_IN
    environment: Mapping[str, str] = field(default_factory=_environment, secret=True, compare=False)

    interactive = False
    acts_for_user = True
    can_bind_key = False
    needs_client_id = False
    serves_user_flows = False
    account_name = no_account
    cache_partition = _partition
    tool = "Azure CLI"
    programs = ("az",)
    sign_in_command = "az login"
    install_page = "https://learn.microsoft.com/cli/azure/install-azure-cli"

    def __post_init__(self) -> None:
        if not _SUBSCRIPTION.issuperset(self.subscription):
            raise UsageError(
                f"{shown(self.subscription)!r} cannot be passed to az as a subscription.",
                "Use its ID; az account list --output table shows it.",
            )

    def state_files(self) -> tuple[str, ...]:
        return az_files(self.environment)

    def seems_signed_in(self) -> bool:
        """Whether az's profile has a subscription or a tenant; `az logout` empties the list."""
        return _has_items(next(iter(self.state_files()), ""), "subscriptions")


@value
class AzurePowerShell(DeveloperTool):
    """Whoever is signed in to Azure PowerShell (`Connect-AzAccount`), module Az.Accounts 2.2.0 or newer.

    `timeout_in` is in seconds. `environment` leads to PowerShell and to the saved sign-in, and defaults to this
    process's own. A sign-in that is not saved (Disable-AzContextAutosave) cannot be used by another process.

    Source: learn.microsoft.com/powershell/module/az.accounts/get-azaccesstoken
    """

    timeout_in: float = TIMEOUT_IN
    environment: Mapping[str, str] = field(default_factory=_environment, secret=True, compare=False)

    interactive = False
    acts_for_user = True
    can_bind_key = False
    needs_client_id = False
    serves_user_flows = False
    account_name = no_account
    cache_partition = _partition
    tool = "Azure PowerShell"
    programs = ("pwsh", "powershell") if sys.platform == "win32" else ("pwsh",)
    sign_in_command = "Connect-AzAccount"
    install_page = "https://learn.microsoft.com/powershell/azure/install-azure-powershell"

    def state_files(self) -> tuple[str, ...]:
        return powershell_files(self.environment)

    def seems_signed_in(self) -> bool:
        return _has_items(next(iter(self.state_files()), ""), "Contexts")


@value
class AzureDeveloperCli(DeveloperTool):
    """Whoever is signed in to the Azure Developer CLI (`azd auth login`).

    `timeout_in` is in seconds. `environment` leads to azd and to its configuration, and defaults to this process's own.

    Source: learn.microsoft.com/azure/developer/azure-developer-cli/reference#azd-auth-token
    """

    timeout_in: float = TIMEOUT_IN
    environment: Mapping[str, str] = field(default_factory=_environment, secret=True, compare=False)

    interactive = False
    acts_for_user = True
    can_bind_key = False
    needs_client_id = False
    serves_user_flows = False
    account_name = no_account
    cache_partition = _partition
    tool = "Azure Developer CLI"
    programs = ("azd",)
    sign_in_command = "azd auth login"
    install_page = "https://learn.microsoft.com/azure/developer/azure-developer-cli/install-azd"

    def state_files(self) -> tuple[str, ...]:
        """azd's own sign-in; and its configuration, which may delegate to az (auth.useAzCliAuth)."""
        return (*azd_files(self.environment), *az_files(self.environment))

    def seems_signed_in(self) -> bool:
        """Whether azd has a user, delegates to az or runs inside a tool that signs in for it."""
        auth, config = (_read(path) for path in self.state_files()[:2] or ("", ""))
        delegates = b"useAzCliAuth" in config or bool(self.environment.get("AZD_AUTH_ENDPOINT"))
        return b"currentUser" in auth or delegates


def find_program(name: str, environment: Mapping[str, str]) -> str:
    """Return the absolute path of the program `name` on PATH; '' if there is none. Reads the disk.

    The current folder is never searched, not even if PATH names it or on Windows, where the system searches it first:
    it may belong to somebody else, and the program prints tokens.
    """
    endings = ("",)
    if sys.platform == "win32":
        endings = tuple(filter(None, environment.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").lower().split(";")))
    for folder in environment.get("PATH", "").split(os.pathsep):
        if os.path.isabs(folder):
            for path in (os.path.join(folder, f"{name}{ending}") for ending in endings):
                if os.path.isfile(path) and os.access(path, os.X_OK):
                    return path
    return ""


def _digest(path: str) -> str:
    content = _read(path)
    return fingerprint_of(content) if content else ""


def _read(path: str) -> bytes:
    """Return the file's content; b"" if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST_STATE)
    except OSError:
        return b""


def _has_items(path: str, name: str) -> bool:
    """Return whether the JSON file has a list or an object `name` that is not empty; True for one of another form."""
    import json

    content = _read(path)
    if not content:
        return False
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return True
    return bool(found.get(name)) if isinstance(found, dict) else True
