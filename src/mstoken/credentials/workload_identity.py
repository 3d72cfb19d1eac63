"""Workload identity: a pod's service account, federated with an application or a managed identity.

Source: learn.microsoft.com/azure/aks/workload-identity-overview. The webhook adds four variables and a token file to
the pod; AKS's identity binding adds a token proxy in place of Entra.
"""

from __future__ import annotations

import os

from mstoken.credentials.base import BaseCredential, application_partition, no_account
from mstoken.errors import UsageError
from mstoken.keys.files import check_path
from mstoken.texts import as_utf8
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE")
"""The variables that workload identity needs."""

PROXY = "AZURE_KUBERNETES_TOKEN_PROXY"
PROXY_DETAILS = ("AZURE_KUBERNETES_SNI_NAME", "AZURE_KUBERNETES_CA_FILE", "AZURE_KUBERNETES_CA_DATA")
VARIABLES = (*NEEDED, "AZURE_AUTHORITY_HOST", PROXY, *PROXY_DETAILS)

LARGEST_BUNDLE = 1024 * 1024


def _environment() -> dict[str, str]:
    return {name: value for name in VARIABLES if (value := os.environ.get(name, "").strip())}


@value
class WorkloadIdentity(BaseCredential):
    """A workload's identity. It authenticates with the token in `token_file` (AZURE_FEDERATED_TOKEN_FILE when empty).

    The file is read each time a token is requested. `environment` names the file and the AKS token proxy
    (AZURE_KUBERNETES_TOKEN_PROXY and the like) and defaults to this process's own.
    """

    token_file: str = ""
    environment: Mapping[str, str] = field(default_factory=_environment, secret=True, compare=False)

    interactive = False
    acts_for_user = False
    can_bind_key = False
    needs_client_id = True
    serves_user_flows = False
    cache_partition = application_partition
    account_name = no_account

    @property
    def path(self) -> str:
        """Where the federated token is. Raises UsageError when neither the field nor the variable is set."""
        path = self.token_file or self.environment.get("AZURE_FEDERATED_TOKEN_FILE", "")
        if not path:
            raise UsageError(
                "Workload identity needs AZURE_FEDERATED_TOKEN_FILE, which is not set.",
                'Label the pod azure.workload.identity/use: "true", or give WorkloadIdentity a token_file.',
            )
        return path


def read_bundle(path: str) -> str:
    """The certificate authorities in a PEM file, as text. Blocks; raises UsageError when the file holds none."""
    check_path(path, "The path of the token proxy's certificate authority (AZURE_KUBERNETES_CA_FILE)")
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs more than the read
            content = as_utf8(file.read(LARGEST_BUNDLE))
    except OSError as error:
        raise UsageError(
            f"The token proxy's certificate authority {path} cannot be read: {error.strerror}.",
            "Correct AZURE_KUBERNETES_CA_FILE.",
        ) from None
    if b"-----BEGIN CERTIFICATE-----" not in content or not content.isascii():
        raise UsageError(f"{path} holds no PEM certificate.", "Correct AZURE_KUBERNETES_CA_FILE.")
    return content.decode("ascii")
