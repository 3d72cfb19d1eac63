"""AsyncClient: tokens under asyncio, over the same flows."""

from __future__ import annotations

import time

from mstoken.client.arguments import NO_TTL, check_options
from mstoken.client.azure_core_types import AZURE_CORE, LOADED, as_access_token_info
from mstoken.client.base import ClientBase, known_options
from mstoken.errors import UsageError
from mstoken.foreign import TRANSPORT, guarded
from mstoken.hidden import HiddenDict, HiddenText
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping
    from types import TracebackType
    from typing import Self

    from mstoken.client.base import TokenRequestOptions
    from mstoken.client.fleets import AsyncFleet
    from mstoken.client.partners import AsyncPartner
    from mstoken.model import Token
    from mstoken.protocol.id_token import SignedInUser
    from mstoken.rest.batch import BatchResult
    from mstoken.rest.operation_calls import OnProgress
    from mstoken.rest.operations import Operation
    from mstoken.rest.paged_calls import Page
    from mstoken.rest.partial_file import OnBytes
    from mstoken.rest.response import ApiResponse
    from mstoken.runtimes.asyncio import AsyncioRuntime, AsyncTransport


class AsyncClient(ClientBase):
    """`Client` for asyncio, over the same flows and in any event loops. Its `auth` is for httpx and aiohttp."""

    _transport: AsyncTransport | None
    _runtime: AsyncioRuntime | None

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        min_ttl: float = NO_TTL,
        fresh: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109 - as Client has it
    ) -> Token:
        """As `Client.get_token`. A hit in memory never leaves the event loop."""
        call, now = (scopes, claims, tenant_id, enable_cae), time.time()
        try:
            hit = self._hits.get(call)
        except TypeError:  # a list cannot be a key; `token_request` says what to write
            hit = None
        if hit is not None and hit[0] <= now < hit[1] and not (fresh or min_ttl):
            # The key does not contain these, or cannot tell 0 from False: they are checked as `token_request` does it.
            if not (timeout is None and min_ttl is NO_TTL and enable_cae is False and fresh is False):
                check_options(min_ttl, timeout, fresh=fresh, enable_cae=enable_cae)
            return hit[2] if AZURE_CORE not in LOADED else self._hits.as_azure_core(call, hit)
        request = self.token_request(
            *scopes,
            claims=claims,
            tenant_id=tenant_id,
            enable_cae=enable_cae,
            min_ttl=min_ttl,
            fresh=fresh,
            timeout=timeout,
            called_on=now,
        )
        with self._hits.cleared_on_refusal:
            return self._hits.remember(call, await self._running_port().token(request))

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> Token:
        """As `Client.get_token_info`."""
        token = await self.get_token(*scopes, **known_options(options or {}))
        return token if AZURE_CORE not in LOADED else as_access_token_info(token)

    async def sign_in(self, *scopes: str, claims: str | None = None) -> SignedInUser:
        """As `Client.sign_in`."""
        from mstoken.flows.sign_in import sign_in

        self._hits.clear()
        return await sign_in(self.token_request(*scopes, claims=claims), self._running_port())

    def on_behalf_of(self, assertion: str, *, session_key: str = "") -> AsyncClient:
        """As `Client.on_behalf_of`."""
        assertion, session_key = HiddenText(assertion), HiddenText(session_key)
        runtime = self._port()
        credential = self._as_caller(assertion, session_key)
        caller = AsyncClient("", self.client_id, credential, self.authority, self._stores, self._transport)
        caller.cloud, caller._runtime = self.cloud, runtime
        return caller

    async def renew_sign_in(self) -> None:
        """As `Client.renew_sign_in`."""
        from mstoken.flows.refresh_token import renew_refresh_token

        await renew_refresh_token(*self._renewal(), self._running_port())

    def auth(self, *scopes: str, origin: str = "", enable_cae: bool = False) -> Any:
        """As `Client.auth`, for `httpx.AsyncClient(auth=…)` and `aiohttp.ClientSession(middlewares=[…])`.

        Raises ImportError if neither httpx is installed nor aiohttp imported.
        """
        from mstoken.rest.bearer_auth import AsyncBearerAuth, TokenGetter, for_http_client

        auth_class = for_http_client(AsyncBearerAuth)
        return auth_class(self._audience(scopes, origin), TokenGetter(self, scopes, enable_cae))

    async def request(
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
        timeout: float | None = None,  # noqa: ASYNC109 - as Client has it
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        follow_tenant: bool = False,
    ) -> ApiResponse:
        """As `Client.request`."""
        from mstoken.client.api_calls import api_call
        from mstoken.rest.call import call

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, body=body, json=json, params=params,
            timeout=timeout, retries=retries, max_wait=max_wait, retry_unsafe=retry_unsafe,
            follow_tenant=follow_tenant,
        )  # fmt: skip
        made = api_call(self, method, url, given)
        return await call(made.api, made.token_request, self._running_port(), made.context)

    async def wait(
        self,
        response: ApiResponse | Operation,
        *,
        scope: str = "",
        origin: str = "",
        timeout: float | None = None,  # noqa: ASYNC109 - as Client has it
        retries: int | None = None,
        within: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> ApiResponse:
        """As `Client.wait`."""
        from mstoken.client.api_calls import waiting_call
        from mstoken.rest.operation_calls import await_operation

        response, token_request, policy = waiting_call(self, response, scope, origin, timeout, retries)
        return await await_operation(
            response, token_request, self._running_port(), policy, within_in=within, on_progress=on_progress
        )

    async def download(
        self,
        url: str,
        path: str,
        *,
        method: str = "GET",
        scope: str = "",
        origin: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | str = b"",
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as Client has it
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        follow_tenant: bool = False,
        on_progress: OnBytes | None = None,
    ) -> ApiResponse:
        """As `Client.download`."""
        from mstoken.client.api_calls import api_call
        from mstoken.rest.download_calls import download

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, body=body, json=json, params=params,
            timeout=timeout, retries=retries, max_wait=max_wait, retry_unsafe=retry_unsafe,
            follow_tenant=follow_tenant,
        )  # fmt: skip
        made = api_call(self, method, url, given)
        port = self._port()
        return await download(made.api, made.token_request, port, made.context, path, on_progress)

    async def upload(
        self,
        method: str,
        url: str,
        path: str,
        *,
        scope: str = "",
        origin: str = "",
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as Client has it
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        resume: bool = False,
        on_progress: OnBytes | None = None,
    ) -> ApiResponse:
        """As `Client.upload`."""
        from mstoken.client.api_calls import api_call
        from mstoken.rest.requester import Requester
        from mstoken.rest.upload_calls import upload

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, body=b"", json=json, params=params, timeout=timeout,
            retries=retries, max_wait=max_wait, retry_unsafe=retry_unsafe, follow_tenant=False,
        )  # fmt: skip
        made = api_call(self, method, url, given)
        port = self._port()
        requester = Requester(made.api, made.token_request, port, made.context)
        return await upload(requester, path, resume=resume, on_progress=on_progress)

    async def pages(
        self,
        url: str,
        *,
        method: str = "GET",
        scope: str = "",
        origin: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | str = b"",
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as Client has it
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        follow_tenant: bool = False,
        max_pages: int | None = None,
    ) -> AsyncGenerator[Page, None]:
        """As `Client.pages`, for `async for`."""
        from contextlib import aclosing

        from mstoken.client.api_calls import api_call
        from mstoken.rest.paged_calls import pages

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, body=body, json=json, params=params,
            timeout=timeout, retries=retries, max_wait=max_wait, retry_unsafe=retry_unsafe,
            follow_tenant=follow_tenant,
        )  # fmt: skip
        made = api_call(self, method, url, given)
        found = pages(made.api, made.token_request, self._running_port(), made.context, max_pages)
        async with aclosing(found):
            async for page in found:
                yield page

    async def items(
        self,
        url: str,
        *,
        method: str = "GET",
        scope: str = "",
        origin: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes | str = b"",
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as Client has it
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        follow_tenant: bool = False,
        max_pages: int | None = None,
    ) -> AsyncGenerator[Any, None]:
        """As `Client.items`, for `async for`."""
        from contextlib import aclosing

        from mstoken.rest.paged_calls import items_of

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, body=body, json=json, params=params,
            timeout=timeout, retries=retries, max_wait=max_wait, retry_unsafe=retry_unsafe,
            follow_tenant=follow_tenant,
        )  # fmt: skip
        async with aclosing(self.pages(url, method=method, max_pages=max_pages, **given)) as found:
            async for page in found:
                for item in items_of(page):
                    yield item

    async def batch(
        self,
        requests: Iterable[Mapping[str, Any] | str],
        *,
        scope: str = "",
        origin: str = "",
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as Client has it
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        every_page: bool = False,
        max_pages: int | None = None,
    ) -> AsyncGenerator[BatchResult, None]:
        """As `Client.batch`, for `async for`."""
        from contextlib import aclosing

        from mstoken.client.batch_parts import batch_parts
        from mstoken.rest.batch_calls import batches

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, timeout=timeout, retries=retries, max_wait=max_wait,
            retry_unsafe=retry_unsafe, follow_tenant=False,
        )  # fmt: skip
        port = self._running_port()
        parts = batch_parts(self, requests, given, port.request_id)
        async with aclosing(batches(parts, port, every_page=every_page, max_pages=max_pages)) as results:
            async for result in results:
                yield result

    async def delta(
        self,
        url: str,
        file: str,
        *,
        scope: str = "",
        origin: str = "",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as Client has it
        retries: int | None = None,
        max_wait: float | None = None,
    ) -> AsyncGenerator[Any, None]:
        """As `Client.delta`, for `async for`."""
        from contextlib import aclosing

        from mstoken.client.api_calls import api_call
        from mstoken.rest.delta_calls import changes

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, body=b"", json=None, params=params, timeout=timeout,
            retries=retries, max_wait=max_wait, retry_unsafe=False, follow_tenant=False,
        )  # fmt: skip
        made = api_call(self, "GET", url, given)
        port = self._running_port()
        async with aclosing(changes(made.api, made.token_request, port, made.context, file)) as found:
            async for item in found:
                yield item

    async def pop_token(
        self,
        *scopes: str,
        url: str = "",
        method: str = "",
        nonce: str = "",
        claims: str | None = None,
        min_ttl: float = NO_TTL,
        fresh: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109 - as Client has it
    ) -> Token:
        """As `Client.pop_token`."""
        from mstoken.protocol.pop import PopRequest
        from mstoken.rest.pop import pop_token

        token_request = self.token_request(
            *scopes, claims=claims, min_ttl=min_ttl, fresh=fresh, timeout=timeout, called_on=time.time()
        )
        http_request = PopRequest(url, method, nonce)
        return await pop_token(token_request, self._bound(), http_request, self._running_port())

    def fleet(self, tenants: Iterable[str], *, concurrency: int = 16, retries: int = 3) -> AsyncFleet[Self]:
        """As `Client.fleet`, for `async for`."""
        from mstoken.client.fleets import AsyncFleet

        return AsyncFleet(self, tenants, concurrency, retries)

    def partner(self) -> AsyncPartner:
        """As `Client.partner`; its methods are awaited."""
        from mstoken.client.partners import AsyncPartner

        return AsyncPartner(self, self._running_port)

    async def close(self) -> None:
        """Close connections. The client may be used again; it opens new ones."""
        if self._transport is not None:
            closing = guarded(self._transport, TRANSPORT).close()
            if hasattr(closing, "__await__"):  # a blocking transport, which `send` refuses, is closed all the same
                await closing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self.close()

    def _running_port(self) -> AsyncioRuntime:
        """Return the port for a call that is awaited now. Raises UsageError outside asyncio, such as under Trio."""
        import asyncio

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise UsageError(
                "AsyncClient needs asyncio, and no event loop of asyncio runs this code. Trio's is not one.",
                'Under Trio, use a Client in a thread: await trio.to_thread.run_sync(client.get_token, "graph")',
            ) from None
        return self._port()

    def _port(self) -> AsyncioRuntime:
        with self._lock:
            if self._runtime is None:
                from mstoken.runtimes.asyncio import AsyncioRuntime
                from mstoken.transports.asyncio import AsyncHttpTransport

                self._transport = self._transport or AsyncHttpTransport()
                self._runtime = AsyncioRuntime(self._transport, self._stores.access_tokens, self._stores.refresh_tokens)
            return self._runtime
