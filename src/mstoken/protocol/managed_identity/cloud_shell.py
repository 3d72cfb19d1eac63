"""Azure Cloud Shell: the identity is that of the person who uses it.

Source: learn.microsoft.com/azure/cloud-shell/msi-authorization
"""

from __future__ import annotations

from mstoken.protocol.http import DIRECT_POLICY, HttpRequest
from mstoken.protocol.managed_identity.dialect import Dialect, IdentityRequest, three_times
from mstoken.protocol.token_endpoint import form_encoded
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def _build(identity_request: IdentityRequest, parameters: Mapping[str, str]) -> HttpRequest:
    headers = {"Metadata": "true", "Content-Type": "application/x-www-form-urlencoded"}
    return HttpRequest("POST", identity_request.endpoint.url, headers, form_encoded(parameters), policy=DIRECT_POLICY)


CLOUD_SHELL = Dialect(
    ids={},
    build=_build,
    pauses=three_times,
    no_ids="Cloud Shell gives tokens of the person signed in to it; leave the identity out.",
)
