"""Managed identity: the machine, app or function has an identity of its own, which the platform vouches for.

Source: learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview. There is no secret: where the
program runs decides whether it gets a token.
"""

# pathlib costs more to import than all of this file does.
# ruff: noqa: PTH110,PTH114,PTH118

from __future__ import annotations

import os
import sys

from mstoken.credentials.base import BaseCredential, no_account
from mstoken.errors import UsageError
from mstoken.fingerprints import fingerprint_of_parts
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.authority import Authority

SOURCES = ("service_fabric", "app_service", "azure_arc", "azure_ml", "cloud_shell", "imds")
"""The platforms, as `ManagedIdentity.source` names them. `app_service` includes Functions and Automation."""

VARIABLES = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "PROGRAMDATA",
    "PROGRAMFILES",
)
"""The environment variables that tell the platform."""

_ENDPOINTS = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
)

LARGEST_KEY = 4096
"""Largest Azure Arc key file in bytes (learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication)."""


def _environment() -> dict[str, str]:
    return {name: value for name in VARIABLES if (value := os.environ.get(name, "").strip())}


def _machine() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


@value
class ManagedIdentity(BaseCredential):
    """The identity of the machine or app that this program runs in: system-assigned, or one of its user-assigned ones.

    Name a user-assigned identity by one of `client_id`, `object_id` or `resource_id` (its Azure resource id). `source`
    is one of SOURCES and replaces the detection of the platform. `environment` is what the detection reads, and
    `machine` tells the system-assigned identities of several machines apart in a store that they share; both default
    to this process's own.
    """

    client_id: str = ""
    object_id: str = ""
    resource_id: str = ""
    source: str = ""
    environment: Mapping[str, str] = field(default_factory=_environment, secret=True, compare=False)
    machine: str = field(default_factory=_machine, repr=False, compare=False)

    interactive = False
    acts_for_user = False
    can_bind_key = False
    needs_client_id = False
    serves_user_flows = False
    account_name = no_account

    def __post_init__(self) -> None:
        if sum(map(bool, (self.client_id, self.object_id, self.resource_id))) > 1:
            raise UsageError(
                "A managed identity has more than one id.", "Give one of client_id, object_id and resource_id, or none."
            )
        if self.source and self.source not in SOURCES:
            raise UsageError(
                f"There is no managed-identity source {self.source!r}.", f"The known ones are {', '.join(SOURCES)}."
            )

    def cache_partition(self, authority: Authority) -> str:  # noqa: ARG002 - the platform decides on the authority
        """A user-assigned identity by its id, a system-assigned one by its machine; both with their endpoint.

        The endpoint's secret is part of it: in Service Fabric and App Service it tells applications apart.
        """
        kind, identity = self.named_by
        endpoint = (self.environment.get(name, "") for name in _ENDPOINTS)
        identity = identity.lower() or self.machine
        return fingerprint_of_parts("managed identity", kind, identity, self.source, *endpoint)

    @property
    def named_by(self) -> tuple[str, str]:
        """(kind, id) of a user-assigned identity, where kind is the field's name; empty for the system-assigned one."""
        for kind in ("client_id", "object_id", "resource_id"):
            if value := getattr(self, kind):
                return kind, value
        return "", ""

    def arc_agent(self) -> bool:
        """Whether Azure Arc's agent is installed on this machine. Reads the disk."""
        if sys.platform == "win32":
            folder = self.environment.get("PROGRAMFILES", r"C:\Program Files")
            return os.path.exists(rf"{folder}\AzureConnectedMachineAgent\himds.exe")
        return os.path.exists("/opt/azcmagent/bin/himds")


def read_key(folder: str, name: str) -> str:
    """The content of the Azure Arc key file `name` in `folder`. Blocks.

    Neither the folder nor the file may be a link, and the file must be a regular one of at most LARGEST_KEY bytes: the
    path comes from a local port's answer, which must not have another file read and sent. Raises UsageError.
    """
    where = os.path.join(folder, name)
    follow_not = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if os.open in os.supports_dir_fd:
            directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | follow_not)
            try:
                descriptor = os.open(name, os.O_RDONLY | follow_not, dir_fd=directory)
            finally:
                os.close(directory)
        else:
            if os.path.islink(folder) or os.path.islink(where):
                raise _bad_key(where, "it is a link")
            descriptor = os.open(where, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise _bad_key(where, error.strerror or type(error).__name__) from None
    try:
        if os.fstat(descriptor).st_mode & 0o170000 != 0o100000:
            raise _bad_key(where, "it is not a regular file")
        content = os.read(descriptor, LARGEST_KEY + 1)
    finally:
        os.close(descriptor)
    key = content.decode("ascii", "replace").strip()
    if not key or len(content) > LARGEST_KEY or not (key.isascii() and key.isprintable()):
        raise _bad_key(where, f"it is not one line of 1 to {LARGEST_KEY} bytes of text")
    return key


def _bad_key(where: str, reason: str) -> UsageError:
    return UsageError(
        f"Azure Arc's key file {where} cannot be used: {reason}.",
        "On Linux, add the user to the group himds (sudo usermod -aG himds USER, then sign in again); on Windows, the "
        "user must be an administrator or in the group Hybrid agent extension applications.",
    )
