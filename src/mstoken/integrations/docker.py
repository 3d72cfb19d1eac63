"""Docker's credential helpers, for Azure Container Registry: docker, podman, skopeo, crane and oras read them.

A client starts `docker-credential-NAME get|store|erase|list` with a server on standard input. An error is one line on
standard output and exit code 1; the line NOT_FOUND means that the client may go on without credentials. Sources:
docs.docker.com/reference/cli/docker/login, section Credential helper protocol; docker-credential-helpers, package
credentials.
"""

from __future__ import annotations

import json

from mstoken.errors import UsageError
from mstoken.rest import container_registry
from mstoken.services.strict_url import parse_url
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.flows.store_port import AccessTokenStore
    from mstoken.integrations._tool_client import ToolClient

NOT_FOUND = "credentials not found in native keychain"
"""The line that clients compare with (credentials/error.go of docker-credential-helpers)."""
NO_SERVER = "no credentials server URL"
STORES_NOTHING = "mstoken stores no credentials: it takes a registry's from your sign-in, so docker login is not needed"
EXIT_CODE = 1
"""Of every error."""
_OPERATIONS = ("get", "store", "erase", "list", "version")


class HelperError(UsageError):
    """An error whose message is the line that the contract wants."""


def check_operation(operation: str) -> None:
    """Raise HelperError for an operation that the contract does not have."""
    if operation not in _OPERATIONS:
        raise HelperError(f"unknown operation; a credential helper has {', '.join(_OPERATIONS)}")


def registry_host(server: str) -> str:
    """Return the host of a registry in Azure; '' for another server, whose credentials are not ours.

    `server` is a host or an https URL, with a path or without. Raises HelperError for an empty one.
    """
    if not server:
        raise HelperError(NO_SERVER)
    try:
        url = parse_url(server if "://" in server else f"https://{server}")
    except UsageError:
        return ""
    ours = url.scheme == "https" and url.port in {None, 443} and container_registry.is_registry(url.host)
    return url.host if ours else ""


def get(server: str, host: str, tool: ToolClient) -> str:
    """Return the answer for a registry: JSON with its refresh token as the password. Raises MstokenError."""
    from mstoken.protocol.cache_key import token_info

    service = f"https://{host}"  # so that a registry of another cloud is refused by name
    token = tool.get_token(service)
    info = token_info(tool.token_request(service))
    issued = container_registry.refresh_token(host, token, tool.send, tool.stores.access_tokens, info)
    return json.dumps({"ServerURL": server, "Username": container_registry.USERNAME, "Secret": issued.token})


def list_servers(tokens: AccessTokenStore) -> str:
    """Return the answer to `list`: the user name of each registry with a cached token. Raises StoreError."""
    hosts = container_registry.cached_registries(tokens)
    return json.dumps({f"https://{host}": container_registry.USERNAME for host in hosts})
