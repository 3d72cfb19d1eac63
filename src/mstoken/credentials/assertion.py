"""Federated assertions: an application that authenticates with another issuer's token (workload identity federation).

Source: learn.microsoft.com/entra/workload-id/workload-identity-federation. Each source is a value that says where the
assertion comes from. It is fetched when a token is requested.
"""

from __future__ import annotations

import os

from mstoken.credentials.base import BaseCredential, application_partition, no_account
from mstoken.errors import UsageError
from mstoken.hidden import HiddenBytes, HiddenText
from mstoken.keys.files import check_path
from mstoken.texts import as_utf8
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KUBERNETES_TOKEN = "/var/run/secrets/azure/tokens/azure-identity-token"
"""Where Kubernetes' workload identity webhook mounts the service account's token."""

NO_ID_TOKEN = "This job of GitHub Actions may not request an OIDC token: it lacks the permission `id-token: write`"
GIVE_ID_TOKEN = "Add to the job: permissions: {id-token: write, contents: read}"

MAX_BYTES = 256 * 1024
"""Bytes that a token file may have; a larger file is not one."""


@value
class FileAssertion:
    """A file that another program renews, as Kubernetes does. It is read each time a token is requested."""

    path: str | os.PathLike[str] = KUBERNETES_TOKEN

    def read(self) -> str:
        """The token in the file. Blocks; raises UsageError when the file holds none."""
        path = os.fspath(self.path)
        check_path(path, "The path of the federated token (AZURE_FEDERATED_TOKEN_FILE)")
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs more than the read
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise UsageError(
                f"The federated token file {path} cannot be read: {error.strerror}.",
                "Correct the path (AZURE_FEDERATED_TOKEN_FILE), or check the program that writes the file.",
            ) from None
        content = HiddenBytes(content)
        text = HiddenText(as_utf8(content).decode("ascii", "replace").strip())
        if not text or len(content) > MAX_BYTES or "\ufffd" in text:
            raise UsageError(
                f"The file {path} holds no federated token.",
                "It must hold one JWT and nothing else; check the program that writes it.",
            )
        return text


@value
class CallbackAssertion:
    """Your own function that returns a fresh token, called when one is needed. Under AsyncClient it may be async."""

    call: Callable[[], str | Awaitable[str]] = field(repr=False)


@value
class GitHubActions:
    """The token that GitHub issues to a workflow's job with `permissions: id-token: write`.

    Source: docs.github.com/actions/reference/security/oidc. An empty `audience` means the cloud's own.
    """

    audience: str = ""

    def endpoint(self) -> tuple[str, str]:
        """(URL, bearer token) of this job. Raises UsageError outside a job, or without the permission."""
        url = os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", "")
        token = HiddenText(os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ""))
        if not url or not token:
            if os.environ.get("GITHUB_ACTIONS") == "true":
                raise UsageError(f"{NO_ID_TOKEN}.", GIVE_ID_TOKEN)
            raise UsageError(
                "This is not a GitHub Actions job with an OIDC token: ACTIONS_ID_TOKEN_REQUEST_URL and "
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN are not set.",
                "Give the job the permission `id-token: write`, or use another credential outside GitHub Actions.",
            )
        return url, token


@value
class AzurePipelines:
    """The token that Azure Pipelines issues to a job for a service connection with workload identity federation.

    An empty `service_connection_id` means AZURESUBSCRIPTION_SERVICE_CONNECTION_ID, which the tasks AzureCLI@2 and
    AzurePowerShell@5 set. Source: learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
    """

    service_connection_id: str = ""

    def endpoint(self) -> tuple[str, str, str]:
        """(URL, bearer token, service connection) of this job. Raises UsageError that names the missing variables."""
        names = {"SYSTEM_OIDCREQUESTURI": "", "SYSTEM_ACCESSTOKEN": "", "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": ""}
        url, token, connection = (os.environ.get(name, "") for name in names)
        token = HiddenText(token)
        connection = self.service_connection_id or connection
        missing = [name for name, value in zip(names, (url, token, connection), strict=True) if not value]
        if missing:
            raise UsageError(
                f"Azure Pipelines' OIDC token cannot be requested: {' and '.join(missing)} not set.",
                "Map it into the step, env: SYSTEM_ACCESSTOKEN: $(System.AccessToken); the service connection's id "
                "comes from an AzureCLI@2 task or from AzurePipelines(service_connection_id).",
            )
        return url, token, connection


@value
class TokenAssertion:
    """Another credential's token as the assertion: a managed identity, or any application, federated with this one.

    The token is for the cloud's token-exchange audience (`api://AzureADTokenExchange` in the public cloud), unless
    `audience` says otherwise. Give `client_id` and `tenant` where they differ from those of the client.
    Source: learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
    """

    credential: BaseCredential
    client_id: str = ""
    tenant: str = ""
    audience: str = ""


AssertionSource = FileAssertion | CallbackAssertion | GitHubActions | AzurePipelines | TokenAssertion


@value
class ClientAssertion(BaseCredential):
    """An application that authenticates with a token from `source` (RFC 7523 section 2.2)."""

    source: AssertionSource

    interactive = False
    acts_for_user = False
    can_bind_key = True
    needs_client_id = True
    serves_user_flows = False
    cache_partition = application_partition
    account_name = no_account
