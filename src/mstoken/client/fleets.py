"""`client.fleet(tenants)`: the same in many tenants, with one identity, one pool of connections and one store."""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.fleet.schedule import MOST_AT_ONCE, Pace
from mstoken.rest.retry import is_idempotent
from mstoken.typed import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
    from typing import Self

    from mstoken.fleet.schedule import TenantResult

    class _AnyClient(Protocol):
        """What both clients have. They return fleets, so that their modules cannot be imported here."""

        def check_tenants(self) -> None: ...

        def for_tenant(self, tenant: str) -> Self: ...

        @property
        def get_token(self) -> Callable[..., Any]: ...

        @property
        def request(self) -> Callable[..., Any]: ...


C = TypeVar("C", bound="_AnyClient")


class _Fleet(Generic[C]):
    """A client, and the tenants in which it acts. The names are read when there is room for them."""

    def __init__(self, client: C, tenants: Iterable[str], concurrency: int, retries: int) -> None:
        client.check_tenants()
        if isinstance(tenants, str):
            raise TypeError('tenants is a list of tenants, not one text: ["contoso.com"].')
        for name, number, least, most in (
            ("concurrency", concurrency, 1, MOST_AT_ONCE),
            ("retries", retries, 0, None),
        ):
            given: object = number  # without a type checker, the caller may pass any value
            if isinstance(given, bool) or not isinstance(given, int) or given < least or (most and given > most):
                raise UsageError(
                    f"{name} is a number from {least}{f' to {most}' if most else ''}.",
                    "Leave it out for the usual one.",
                )
        self._client, self._tenants, self._concurrency, self._retries = client, tenants, concurrency, retries

    def _pace(self, *, repeatable: bool) -> Pace:
        return Pace(self._concurrency, self._retries, repeatable)


class Fleet(_Fleet[C]):
    """What `Client.fleet` returns: each method yields a `TenantResult` for each tenant, in the order of arrival.

    `concurrency` tenants are in progress at once, at most 256. A tenant whose failure is temporary is tried `retries`
    times more, after the wait that the service asks for. No method raises what happens in a tenant: see
    `TenantResult.error`.
    """

    def get_token(self, *scopes: str, fresh: bool = False) -> Iterator[TenantResult]:
        """Get a token in each tenant: the `value` is a Token. The arguments are those of `Client.get_token`."""
        return self.call(lambda client: client.get_token(*scopes, fresh=fresh), repeatable=True)

    def request(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        origin: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | str = b"",
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        repeatable: bool | None = None,
    ) -> Iterator[TenantResult]:
        """Call an API in each tenant; the result's `value` is an ApiResponse with a status below 400.

        The arguments are those of `Client.request`. An error status is a failure. `repeatable` says that doing the
        request twice does no more than once; by default, that depends on the method.
        """

        def work(client: C) -> Any:
            return client.request(
                method, url, scope=scope, origin=origin, headers=headers, body=body, json=json, params=params,
                timeout=timeout, retries=0,
            ).raise_for_status()  # fmt: skip

        return self.call(work, repeatable=is_idempotent(method.upper()) if repeatable is None else repeatable)

    def call(self, work: Callable[[C], Any], *, repeatable: bool = False) -> Iterator[TenantResult]:
        """Call `work` with a client of each tenant, in a thread; the result's `value` is what it returns.

        A tenant is tried again after a temporary failure if `work` is `repeatable`: if doing it twice does no more than
        once. Otherwise only after a 429, or a 503 with Retry-After, which must then be of its first request.
        """
        from mstoken.fleet.threads import run

        client = self._client
        return run(self._tenants, lambda tenant: work(client.for_tenant(tenant)), self._pace(repeatable=repeatable))


class AsyncFleet(_Fleet[C]):
    """As `Fleet`, for `async for`: tasks take the place of threads."""

    def get_token(self, *scopes: str, fresh: bool = False) -> AsyncGenerator[TenantResult, None]:
        """As `Fleet.get_token`."""
        return self.call(lambda client: client.get_token(*scopes, fresh=fresh), repeatable=True)

    def request(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        origin: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | str = b"",
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        repeatable: bool | None = None,
    ) -> AsyncGenerator[TenantResult, None]:
        """As `Fleet.request`."""

        async def work(client: C) -> Any:
            response = await client.request(
                method, url, scope=scope, origin=origin, headers=headers, body=body, json=json, params=params,
                timeout=timeout, retries=0,
            )  # fmt: skip
            return response.raise_for_status()

        return self.call(work, repeatable=is_idempotent(method.upper()) if repeatable is None else repeatable)

    def call(
        self, work: Callable[[C], Awaitable[Any]], *, repeatable: bool = False
    ) -> AsyncGenerator[TenantResult, None]:
        """As `Fleet.call`; `work` is awaited."""
        from mstoken.fleet.tasks import run

        client = self._client
        return run(self._tenants, lambda tenant: work(client.for_tenant(tenant)), self._pace(repeatable=repeatable))
