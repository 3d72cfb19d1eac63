"""Workload identity: a pod's service account, federated with an application or a managed identity.

Source: learn.microsoft.com/azure/aks/workload-identity-overview. The webhook puts four variables and a token file into
the pod; AKS's identity binding adds a token proxy that stands in for Entra.
"""

from __future__ import annotations

import os

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE")
"""The variables without which there is no workload identity."""

PROXY = "AZURE_KUBERNETES_TOKEN_PROXY"
PROXY_DETAILS = ("AZURE_KUBERNETES_SNI_NAME", "AZURE_KUBERNETES_CA_FILE", "AZURE_KUBERNETES_CA_DATA")
VARIABLES = (*NEEDED, "AZURE_AUTHORITY_HOST", PROXY, *PROXY_DETAILS)

LARGEST_BUNDLE = 1024 * 1024


def _environment() -> dict[str, str]:
    return {name: value for name in VARIABLES if (value := os.environ.get(name, "").strip())}


@value
class WorkloadIdentity:
    """A workload's identity, proved by the token in `token_file` (AZURE_FEDERATED_TOKEN_FILE when empty).

    The file is read each time a token is asked for. `environment` gives the file and the AKS token proxy
    (AZURE_KUBERNETES_TOKEN_PROXY and the like); it is this process's unless given.
    """

    token_file: str = ""
    environment: Mapping[str, str] = field(default_factory=_environment, repr=False, compare=False)

    @property
    def path(self) -> str:
        """Where the federated token is. Raises UsageError when nothing says so."""
        path = self.token_file or self.environment.get("AZURE_FEDERATED_TOKEN_FILE", "")
        if not path:
            raise UsageError(
                "There is no workload identity: AZURE_FEDERATED_TOKEN_FILE is not set.",
                'Label the pod azure.workload.identity/use: "true", or give WorkloadIdentity a token_file.',
            )
        return path


def read_bundle(path: str) -> str:
    """The certificate authorities in a PEM file, as text. Blocks; raises UsageError when there are none."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs more than the read
            content = file.read(LARGEST_BUNDLE)
    except OSError as error:
        raise UsageError(
            f"The token proxy's certificate authority {path} cannot be read: {error.strerror}.",
            "Correct AZURE_KUBERNETES_CA_FILE.",
        ) from None
    if b"-----BEGIN CERTIFICATE-----" not in content or not content.isascii():
        raise UsageError(f"{path} holds no PEM certificate.", "Correct AZURE_KUBERNETES_CA_FILE.")
    return content.decode("ascii")
