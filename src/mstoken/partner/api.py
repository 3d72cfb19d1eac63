"""What the partner's functions use: API calls and tokens, in the partner's own tenant or in a customer's."""

from __future__ import annotations

from mstoken.typed import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from mstoken.flows.store_port import SignInInfo
    from mstoken.model import Token
    from mstoken.rest.batch import BatchResult
    from mstoken.rest.response import ApiResponse

    T = TypeVar("T")

GRAPH = "00000003-0000-0000-c000-000000000000"
PARTNER_CENTER = "fa3d9a0c-3fb0-42cc-9193-47c7ecd2edbd"


class PartnerApi(Protocol):
    """A client of the partner, as the partner's functions see it. `tenant` is '' for the partner's own.

    Each call raises what the client's method of the same purpose raises.
    """

    tenant: str
    """The partner's tenant."""
    client_id: str
    acts_for_user: bool
    cloud: str

    async def request(
        self,
        method: str,
        url: str,
        *,
        tenant: str = "",
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> ApiResponse:
        """Call an API; return its response, whatever its status."""
        ...

    def items(
        self, url: str, *, tenant: str = "", params: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[Any, None]:
        """Yield the items of a collection. Raises the error of a response."""
        ...

    async def batch(self, urls: Sequence[str], *, tenant: str) -> list[BatchResult]:
        """Read several URLs of Graph in one request."""
        ...

    async def wait(self, began: ApiResponse) -> ApiResponse:
        """Wait for the operation that a response began; return its result."""
        ...

    async def download(self, url: str, path: str, place: str) -> ApiResponse:
        """Write what is at a URL to a file, whole or not at all; no token is sent. Return the response without it.

        An interrupted download of the same `place`, the URL without what changes, continues.
        """
        ...

    async def on_disk(self, work: Callable[[], T]) -> T:
        """Run `work`, which may block."""
        ...

    async def token(self, scope: str, *, tenant: str = "", fresh: bool = False) -> Token:
        """Get a token."""
        ...

    async def tenant_id(self, name: str) -> str:
        """Return the id (GUID) of a tenant that may be named by a domain. Raises Misconfigured for an unknown one."""
        ...

    async def forget_tokens(self, tenant: str) -> None:
        """Delete the cached tokens of this application in a tenant: they do not have a consent that was given later."""
        ...

    async def sign_in(self) -> SignInInfo | None:
        """Return what is known of the stored sign-in; None for an application, or for one that is not stored."""
        ...

    def resource(self, name: str) -> str:
        """Return the application id of a service's resource, for its name or the id itself. Raises UsageError."""
        ...

    def now(self) -> float:
        """Return the time in epoch seconds."""
        ...
