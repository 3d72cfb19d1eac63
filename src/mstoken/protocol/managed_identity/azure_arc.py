"""Azure Arc: servers outside Azure. The caller proves that it may read a file.

Source: learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
"""

from __future__ import annotations

from mstoken.errors import Misconfigured, UntrustedOrigin
from mstoken.hidden import HiddenText
from mstoken.protocol.managed_identity.dialect import Dialect, IdentityRequest, get, three_times
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.protocol.managed_identity.identity_endpoint import IdentityEndpoint

_ECHOES = {"client_id": ("client_id",), "object_id": ("object_id",), "resource_id": ("msi_res_id", "mi_res_id")}


def _build(identity_request: IdentityRequest, parameters: Mapping[str, str]) -> HttpRequest:
    return get(identity_request, "2020-06-01", parameters, {"Metadata": "true"})


AZURE_ARC = Dialect(
    ids={"client_id": "client_id", "object_id": "object_id", "resource_id": "msi_res_id"},
    build=_build,
    pauses=three_times,
)


def key_file(answer: HttpResponse, endpoint: IdentityEndpoint) -> str:
    """Return the name of the file whose content authorizes the request, from a 401's `Basic realm=<path>` (RFC 7617).

    The path must be exactly `<the agent's folder>/<name>.key`: a different process on the port must not make mstoken
    read another file. Raises UntrustedOrigin for any other path.
    """
    scheme, _, path = answer.headers.get("www-authenticate", "").strip().partition("=")
    path = path.strip().strip('"')
    folder, separator, name = _split(path, endpoint.keys)
    sound = bool(separator) and folder == endpoint.keys and name.endswith(".key") and len(name) > len(".key")
    if scheme.lower() != "basic realm" or not sound or not name.isprintable() or set(name) & set('/\\:*?"<>|'):
        raise UntrustedOrigin(
            "The server that answers as Azure Arc's agent names a file that is not one of the agent's keys. "
            "The file was not read.",
            f"Check which program listens on {endpoint.url}. The agent's keys are in {endpoint.keys}.",
        )
    return name


def _split(path: str, folder: str) -> tuple[str, str, str]:
    separator = "\\" if "\\" in folder else "/"
    return path.rpartition(separator)


def proved(request: HttpRequest, key: str) -> HttpRequest:
    """Return the same request with the key, unencoded: the agent expects no base64 although the scheme is Basic."""
    return replace(request, headers={**request.headers, "Authorization": HiddenText(f"Basic {key}")})


def confirm(body: Mapping[str, Any], identity_request: IdentityRequest) -> None:
    """Check which identity was used: older agents ignore the requested one and return the machine's own token.

    Newer agents echo the identity they used. Raises Misconfigured if the response does not name the requested identity,
    as in MSAL 1.39.
    """
    kind, wanted = identity_request.identity.named_by
    if not kind:
        return
    echoed = next((str(body[name]) for name in _ECHOES[kind] if body.get(name)), "")
    if echoed.lower() != wanted.lower():
        raise Misconfigured(
            "Azure Arc's agent did not confirm that the token is for the requested identity. The token was not used.",
            "Update the agent (azcmagent), or leave the identity out to use the machine's own.",
        )
