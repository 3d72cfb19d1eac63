"""An API call and what sends it: for flows that make several requests of one call."""

from __future__ import annotations

from mstoken.rest.call import call
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.rest.api_request import ApiRequest
    from mstoken.rest.response import ApiResponse


@value
class Requester:
    """The caller's request `api`, and the token, port and context of every request that it needs."""

    api: ApiRequest
    token_request: TokenRequest
    port: Port = field(repr=False)
    context: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def method(self) -> str:
        """The caller's method in capitals."""
        return self.api.method.upper()

    async def send(self, api: ApiRequest) -> ApiResponse:
        """Send another request. Raises what `call` raises."""
        return await call(api, self.token_request, self.port, self.context)
