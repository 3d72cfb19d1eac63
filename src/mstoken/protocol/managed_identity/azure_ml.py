"""Azure Machine Learning's compute, which speaks App Service's dialect of 2017.

Source: azure-identity's AzureMLCredential, as Microsoft describes the endpoint nowhere.
"""

from __future__ import annotations

from mstoken.protocol.managed_identity.dialect import Ask, Dialect, get, three_times
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.protocol.http import HttpRequest


def _build(ask: Ask, parameters: Mapping[str, str]) -> HttpRequest:
    return get(ask, "2017-09-01", parameters, {"secret": ask.place.secret})


AZURE_ML = Dialect(
    ids={"client_id": "clientid"},  # without an underscore, in this version only
    build=_build,
    pauses=three_times,
)
