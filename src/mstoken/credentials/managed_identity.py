"""Managed identity: the machine, app or function itself has an identity, and the platform answers for it.

Source: learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview. There is no secret to keep; who
may ask is decided by where the program runs.
"""

# pathlib costs more to import than all of this file does.
# ruff: noqa: PTH110,PTH114,PTH118

from __future__ import annotations

import os
import sys

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCES = ("service_fabric", "app_service", "azure_arc", "azure_ml", "cloud_shell", "imds")
"""The platforms, by the name `ManagedIdentity.source` takes. `app_service` is Functions and Automation too."""

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
"""The environment variables that say on which platform the program runs."""

LARGEST_KEY = 4096
"""Bytes Azure Arc's key file may have (learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication)."""


def _environment() -> dict[str, str]:
    return {name: value for name in VARIABLES if (value := os.environ.get(name, "").strip())}


def _machine() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


@value
class ManagedIdentity:
    """The identity of the place this program runs in: the system-assigned one, or one of its user-assigned ones.

    Name a user-assigned identity by one of `client_id`, `object_id` or `resource_id` (its Azure resource id). `source`
    is one of SOURCES where the platform should not be detected. `environment` is what detection looks at, and `machine`
    tells one machine's own identity from another's in a store they share: both are this process's unless given.
    """

    client_id: str = ""
    object_id: str = ""
    resource_id: str = ""
    source: str = ""
    environment: Mapping[str, str] = field(default_factory=_environment, repr=False, compare=False)
    machine: str = field(default_factory=_machine, repr=False, compare=False)

    def __post_init__(self) -> None:
        if sum(map(bool, (self.client_id, self.object_id, self.resource_id))) > 1:
            raise UsageError(
                "A managed identity is named once.", "Give one of client_id, object_id and resource_id, or none."
            )
        if self.source and self.source not in SOURCES:
            raise UsageError(
                f"There is no managed-identity source {self.source!r}.", f"The known ones are {', '.join(SOURCES)}."
            )

    @property
    def named_by(self) -> tuple[str, str]:
        """(kind, id) of a user-assigned identity, the kind being the field's name; empty for the system-assigned."""
        for kind in ("client_id", "object_id", "resource_id"):
            if value := getattr(self, kind):
                return kind, value
        return "", ""

    def arc_agent(self) -> bool:
        """Whether Azure Arc's agent is installed on this machine. Looks at the disk."""
        if sys.platform == "win32":
            folder = self.environment.get("PROGRAMFILES", r"C:\Program Files")
            return os.path.exists(rf"{folder}\AzureConnectedMachineAgent\himds.exe")
        return os.path.exists("/opt/azcmagent/bin/himds")


def read_key(folder: str, name: str) -> str:
    """The content of the Azure Arc key file `name` in `folder`. Blocks.

    Neither the folder nor the file may be a link, and the file is a regular one of at most LARGEST_KEY bytes: the path
    comes from whoever answered on a local port, who must not make us read, and send, another file. Raises UsageError.
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
            raise _bad_key(where, "it is no regular file")
        content = os.read(descriptor, LARGEST_KEY + 1)
    finally:
        os.close(descriptor)
    key = content.decode("ascii", "replace").strip()
    if not key or len(content) > LARGEST_KEY or not (key.isascii() and key.isprintable()):
        raise _bad_key(where, f"it has not 1 to {LARGEST_KEY} bytes of text in one line")
    return key


def _bad_key(where: str, why: str) -> UsageError:
    return UsageError(
        f"Azure Arc's key file {where} cannot be used: {why}.",
        "On Linux the user has to be in the group himds (sudo usermod -aG himds USER, then sign in again); "
        "on Windows, an administrator or in the group Hybrid agent extension applications.",
    )
