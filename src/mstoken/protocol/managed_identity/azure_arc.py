"""Azure Arc: servers that are not in Azure. Who asks shows that it may read a file.

Source: learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication
"""

from __future__ import annotations

from mstoken.errors import Misconfigured, UntrustedOrigin
from mstoken.protocol.managed_identity.dialect import Ask, Dialect, get, three_times
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.protocol.managed_identity.place import Place

_ECHOES = {"client_id": ("client_id",), "object_id": ("object_id",), "resource_id": ("msi_res_id", "mi_res_id")}


def _build(ask: Ask, parameters: Mapping[str, str]) -> HttpRequest:
    return get(ask, "2020-06-01", parameters, {"Metadata": "true"})


AZURE_ARC = Dialect(
    ids={"client_id": "client_id", "object_id": "object_id", "resource_id": "msi_res_id"},
    build=_build,
    pauses=three_times,
)


def key_file(answer: HttpResponse, place: Place) -> str:
    """The name of the file whose content proves that we may ask, from a 401's `Basic realm=<path>` (RFC 7617).

    The path has to be `<the agent's folder>/<name>.key`, exactly: whoever listens on the port must not make us read
    another file. Raises UntrustedOrigin for any other.
    """
    scheme, _, path = answer.headers.get("www-authenticate", "").strip().partition("=")
    path = path.strip().strip('"')
    folder, separator, name = _split(path, place.keys)
    sound = bool(separator) and folder == place.keys and name.endswith(".key") and len(name) > len(".key")
    if scheme.lower() != "basic realm" or not sound or not name.isprintable() or set(name) & set('/\\:*?"<>|'):
        raise UntrustedOrigin(
            "Whoever answers as Azure Arc's agent points to a file that is not one of the agent's keys. "
            "It was not read.",
            f"See who listens on {place.endpoint}; the agent's keys are in {place.keys}.",
        )
    return name


def _split(path: str, folder: str) -> tuple[str, str, str]:
    separator = "\\" if "\\" in folder else "/"
    return path.rpartition(separator)


def proved(request: HttpRequest, key: str) -> HttpRequest:
    """The same request with the key. Not base64, although the scheme is called Basic: the agent wants it as it is."""
    return replace(request, headers={**request.headers, "Authorization": f"Basic {key}"})


def confirm(body: Mapping[str, Any], ask: Ask) -> None:
    """Older agents overlook which identity was asked for and give the machine's own; newer ones echo what they used.

    Raises Misconfigured when the answer does not name the identity that was asked for: as in MSAL 1.39.
    """
    kind, wanted = ask.identity.named_by
    if not kind:
        return
    echoed = next((str(body[name]) for name in _ECHOES[kind] if body.get(name)), "")
    if echoed.lower() != wanted.lower():
        raise Misconfigured(
            "Azure Arc's agent did not confirm that the token is for the identity asked for; it was not used.",
            "Update the agent (azcmagent), or leave the identity out and take the machine's own.",
        )
