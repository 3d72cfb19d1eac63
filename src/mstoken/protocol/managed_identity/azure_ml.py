"""Azure Machine Learning's compute, which uses App Service's API of 2017.

Without a client ID the endpoint returns a token of the person who is signed in, if single sign-on is on. The platform
names the compute's own identity in DEFAULT_IDENTITY_CLIENT_ID; it reads "clientid" if there is none.
Sources: azure-identity's AzureMLCredential and MSAL.NET's MachineLearningManagedIdentitySource, as Microsoft does not
document the endpoint; learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication
"""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.protocol.managed_identity.dialect import Dialect, IdentityRequest, get, three_times
from mstoken.services.target import is_guid
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.protocol.http import HttpRequest


DEFAULT_CLIENT_ID = "DEFAULT_IDENTITY_CLIENT_ID"
_NO_IDENTITY = "clientid"


def _build(identity_request: IdentityRequest, parameters: Mapping[str, str]) -> HttpRequest:
    default = identity_request.identity.environment.get(DEFAULT_CLIENT_ID, "")
    if default.lower() not in {"", _NO_IDENTITY} and "clientid" not in parameters:
        if not is_guid(default):
            raise UsageError(
                f"{DEFAULT_CLIENT_ID} is not a client ID.", "Azure Machine Learning sets it; do not change it."
            )
        parameters = {**parameters, "clientid": default}
    return get(identity_request, "2017-09-01", parameters, {"secret": identity_request.endpoint.secret})


AZURE_ML = Dialect(
    ids={"client_id": "clientid"},  # without an underscore, in this version only
    build=_build,
    pauses=three_times,
)
