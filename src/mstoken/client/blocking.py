"""Client: tokens in blocking code."""

from __future__ import annotations

import time

from mstoken.client.arguments import NO_TTL, check_options
from mstoken.client.azure_core_types import AZURE_CORE, LOADED, as_access_token_info
from mstoken.client.base import ClientBase, known_options
from mstoken.foreign import TRANSPORT, guarded, refuse_awaitable
from mstoken.hidden import HiddenDict, HiddenText
from mstoken.typed import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import Self

    from mstoken.client.base import TokenRequestOptions
    from mstoken.client.fleets import Fleet
    from mstoken.client.partners import Partner
    from mstoken.model import Token
    from mstoken.protocol.id_token import SignedInUser
    from mstoken.rest.batch import BatchResult
    from mstoken.rest.operation_calls import OnProgress
    from mstoken.rest.operations import Operation
    from mstoken.rest.paged_calls import Page
    from mstoken.rest.partial_file import OnBytes
    from mstoken.rest.response import ApiResponse
    from mstoken.runtimes.blocking import BlockingRuntime, Transport


T = TypeVar("T")


class Client(ClientBase):
    """Gets tokens, blocking; safe to share between threads. Constructing one touches no network and no disk.

    `authority` is a cloud's name (`"usgov"`), a login host or URL, an `Authority`, or empty for the public cloud.
    `stores` holds the tokens; by default they stay in memory.
    """

    _transport: Transport | None
    _runtime: BlockingRuntime | None

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        min_ttl: float = NO_TTL,
        fresh: bool = False,
        timeout: float | None = None,
    ) -> Token:
        """Return the token for a service name, API URL, resource or scope; from the cache if it is still valid.

        `claims` is the JSON text of a claims challenge. `min_ttl` is how many seconds the token must still be valid;
        `fresh=True` requests a new token in any case. `timeout` is how many seconds the call may take, 30 by default;
        a sign-in of a person has its own time. Raises the errors of `mstoken.errors`.
        """
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
        port = self._port()
        with self._hits.cleared_on_refusal:
            return self._hits.remember(call, port.run(port.token(request)))

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> Token:
        """`get_token` as azure-core's `SupportsTokenInfo` calls it, with the keywords as a mapping.

        As that protocol says, unknown options are ignored: learn.microsoft.com/python/api/azure-core/
        azure.core.credentials.supportstokeninfo
        """
        token = self.get_token(*scopes, **known_options(options or {}))
        return token if AZURE_CORE not in LOADED else as_access_token_info(token)

    def sign_in(self, *scopes: str, claims: str | None = None) -> SignedInUser:
        """Have the user of a `Browser`, `DeviceCode`, `Password` or `AuthorizationCode` sign in now; return who it was.

        The stores keep the sign-in under its account. Raises UsageError for other credentials.
        """
        from mstoken.flows.sign_in import sign_in

        self._hits.clear()
        port = self._port()
        return port.run(sign_in(self.token_request(*scopes, claims=claims), port))

    def on_behalf_of(self, assertion: str, *, session_key: str = "") -> Client:
        """Return a client for the user who called your web API with the token `assertion` (see `OnBehalfOf`).

        It shares this client's connections and stores and costs little, so make one for each call.
        """
        assertion, session_key = HiddenText(assertion), HiddenText(session_key)
        runtime = self._port()
        credential = self._as_caller(assertion, session_key)
        caller = Client("", self.client_id, credential, self.authority, self._stores, self._transport)
        caller.cloud, caller._runtime = self.cloud, runtime
        return caller

    def renew_sign_in(self) -> None:
        """Renew the stored refresh token now, so that the sign-in does not expire unused (`mstoken keepalive`).

        Raises UsageError for a credential other than `RefreshToken`; else what `get_token` raises.
        """
        from mstoken.flows.refresh_token import renew_refresh_token

        port = self._port()
        port.run(renew_refresh_token(*self._renewal(), port))

    def auth(self, *scopes: str, origin: str = "", enable_cae: bool = False) -> Any:
        """Return `auth=` for requests and httpx. The token goes only to the service's own origin, or to `origin`.

        A request raises what `get_token` raises, and UntrustedOrigin for another origin: as they are, not as exceptions
        of the HTTP library. The API then gets no request. It can be pickled, as the client.

        `AsyncClient` makes it for httpx, and as a middleware for aiohttp 3.12 or newer:
        `aiohttp.ClientSession(middlewares=[client.auth("graph")])`. It answers a claims challenge of the API, unless
        the body was an iterator, which cannot be sent again.
        """
        from mstoken.rest.bearer_auth import BearerAuth, TokenGetter, for_http_client

        return for_http_client(BearerAuth)(self._audience(scopes, origin), TokenGetter(self, scopes, enable_cae))

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
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        follow_tenant: bool = False,
    ) -> ApiResponse:
        """Call an API with the right token and return its response, whatever the status.

        Without `scope` (a service name, resource or scope) the URL selects the service. A path such as
        `/subscriptions` belongs to Azure Resource Manager. `json` is sent as JSON, a `body` that is text as UTF-8;
        `params` are added to the query, one pair for each item of a list. `timeout` is how many seconds the token, and
        then each request, may take. The headers Authorization and Host cannot be set.

        A temporary failure (408, 429, 5xx, a lost connection) is repeated `retries` times, 3 by default, if that does
        nothing twice: a POST or PATCH only after 429, after 503 with Retry-After, or with `retry_unsafe`. `max_wait` is
        the longest wait between two attempts in seconds, 180 by default; if the API asks for more, its response is
        returned. With `follow_tenant`, a subscription of another tenant gets a token of that tenant, which Azure
        Resource Manager names.

        Raises UsageError for what HTTP cannot carry, UntrustedOrigin if the token is not for the URL's origin,
        TransportError, UnreadableAnswer, and what `get_token` raises. An error status raises nothing: see
        `ApiResponse.raise_for_status`.
        """
        from mstoken.client.api_calls import api_call
        from mstoken.rest.call import call

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, body=body, json=json, params=params,
            timeout=timeout, retries=retries, max_wait=max_wait, retry_unsafe=retry_unsafe,
            follow_tenant=follow_tenant,
        )  # fmt: skip
        made = api_call(self, method, url, given)
        port = self._port()
        return port.run(call(made.api, made.token_request, port, made.context))

    def wait(
        self,
        response: ApiResponse | Operation,
        *,
        scope: str = "",
        origin: str = "",
        timeout: float | None = None,
        retries: int | None = None,
        within: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> ApiResponse:
        """Wait for the long-running operation that `response` says it began; return its result.

        A response that is final, such as an error, is returned as it is; so is an error response to a poll. The service
        says when to ask again; else the pauses grow to 30 seconds. An operation's URL at another origin, such as
        Graph's monitors, gets no token. `scope`, `origin`, `timeout` and `retries` are those of the request. `within`
        is how many seconds to wait at most; by default there is no limit. `on_progress` gets the operation and its
        progress, None before the first poll.

        Raises ApiRefused, with the operation's error, if it failed or was canceled; ServiceUnavailable after `within`;
        otherwise what `request` raises.
        """
        from mstoken.client.api_calls import waiting_call
        from mstoken.rest.operation_calls import await_operation

        response, token_request, policy = waiting_call(self, response, scope, origin, timeout, retries)
        port = self._port()
        return port.run(
            await_operation(response, token_request, port, policy, within_in=within, on_progress=on_progress)
        )

    def download(
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
        timeout: float | None = None,
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        follow_tenant: bool = False,
        on_progress: OnBytes | None = None,
    ) -> ApiResponse:
        """Write the body of a success to the file `path`: whole, or not at all. Return the response without it.

        Memory holds little of it at a time. Any other response is returned with its body, and writes nothing: see
        `ApiResponse.raise_for_status`. A GET that breaks off continues where it was, `retries` times, also one of an
        earlier call, if the server can tell that the file is the same; its beginning is in `.NAME.part` until then.
        `timeout` limits each wait for bytes. `on_progress` gets the bytes so far and their total number, None if it is
        unknown, in whatever thread. The other parameters are those of `request`.

        Raises what `request` raises, and UsageError for a file that cannot be written.
        """
        from mstoken.client.api_calls import api_call
        from mstoken.rest.download_calls import download

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, body=body, json=json, params=params,
            timeout=timeout, retries=retries, max_wait=max_wait, retry_unsafe=retry_unsafe,
            follow_tenant=follow_tenant,
        )  # fmt: skip
        made = api_call(self, method, url, given)
        port = self._port()
        return port.run(download(made.api, made.token_request, port, made.context, path, on_progress))

    def upload(
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
        timeout: float | None = None,
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        resume: bool = False,
        on_progress: OnBytes | None = None,
    ) -> ApiResponse:
        """Upload the file at `path`, and return the last response, whatever its status.

        A POST to Graph's `createUploadSession` begins a session with `json`, by default the name and size of an
        attachment, and sends the file in parts; so does a PUT to a drive's `…/content` of more than 10 MiB. Any other
        request has the file as its body, at most 250 MB. The session's URL gets no token. With `resume`, the session is
        stored, encrypted beside the vault, until it ends, and the same call continues it. `timeout` limits each wait
        for bytes. `on_progress` gets the bytes so far and their number. The other parameters are those of `request`.

        Raises what `request` raises, and UsageError for a file that cannot be read or changes meanwhile; ApiRefused if
        the session ended when the file may be complete.
        """
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
        return port.run(upload(requester, path, resume=resume, on_progress=on_progress))

    def pages(
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
        timeout: float | None = None,
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        follow_tenant: bool = False,
        max_pages: int | None = None,
    ) -> Iterator[Page]:
        """Read a collection: return an iterator of its pages, each requested when you ask for it.

        A page has the `response` and its `items`; those are None for a response that is not a collection. An error
        response is the last page and raises nothing. Each page gets the same headers, and a token that is still valid.
        After `max_pages`, a warning says that more follow. The other parameters are those of `request`.

        Graph, Azure Resource Manager, Resource Graph, Partner Center, Exchange, Azure DevOps and Key Vault are known.
        Raises what `request` raises; UntrustedOrigin for a next page at another origin, and UnreadableAnswer for one
        that was read before.
        """
        from mstoken.client.api_calls import api_call
        from mstoken.rest.paged_calls import pages

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, body=body, json=json, params=params,
            timeout=timeout, retries=retries, max_wait=max_wait, retry_unsafe=retry_unsafe,
            follow_tenant=follow_tenant,
        )  # fmt: skip
        made = api_call(self, method, url, given)
        port = self._port()
        return port.iterate(pages(made.api, made.token_request, port, made.context, max_pages))

    def items(
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
        timeout: float | None = None,
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        follow_tenant: bool = False,
        max_pages: int | None = None,
    ) -> Iterator[Any]:
        """Return an iterator of the items of a collection, page after page; a response that is none is one item.

        The parameters are those of `pages`. Raises what `pages` raises, and for an error response what
        `ApiResponse.raise_for_status` raises.
        """
        from mstoken.rest.paged_calls import items_of

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, body=body, json=json, params=params,
            timeout=timeout, retries=retries, max_wait=max_wait, retry_unsafe=retry_unsafe,
            follow_tenant=follow_tenant,
        )  # fmt: skip
        found = self.pages(url, method=method, max_pages=max_pages, **given)
        return (item for page in found for item in items_of(page))

    def batch(
        self,
        requests: Iterable[Mapping[str, Any] | str],
        *,
        scope: str = "",
        origin: str = "",
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        retries: int | None = None,
        max_wait: float | None = None,
        retry_unsafe: bool = False,
        every_page: bool = False,
        max_pages: int | None = None,
    ) -> Iterator[BatchResult]:
        """Send many requests to Microsoft Graph, twenty at a time ($batch); return an iterator of their results.

        A request is a URL to read, or a mapping: `url` (`graph:/users`, `graphbeta:/users`, `/users`), `method`,
        `headers`, `json` or `body`, `params` as of `request`, and `id` and `depends_on`, a list of ids of requests
        before it. Each has one result, in their order: its `request`, `response` or `error`, and `raise_for_status()`.
        A request that cannot be sent has an error, and the others follow. `requests` is read as results are needed,
        twenty or somewhat more at a time.

        Throttled requests are repeated alone, after the wait that they name; other temporary failures by the rules of
        `request`. With `every_page`, a response that is a collection has the items of all its pages, at most
        `max_pages`. `headers` are added to each request; the other parameters are those of `request`.
        """
        from mstoken.client.batch_parts import batch_parts
        from mstoken.rest.batch_calls import batches

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, timeout=timeout, retries=retries, max_wait=max_wait,
            retry_unsafe=retry_unsafe, follow_tenant=False,
        )  # fmt: skip
        port = self._port()
        parts = batch_parts(self, requests, given, port.request_id)
        return port.iterate(batches(parts, port, every_page=every_page, max_pages=max_pages))

    def delta(
        self,
        url: str,
        file: str,
        *,
        scope: str = "",
        origin: str = "",
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        retries: int | None = None,
        max_wait: float | None = None,
    ) -> Iterator[Any]:
        """Return an iterator of what has changed in a collection of Microsoft Graph since the last run (delta query).

        `url` names a delta function, such as `graph:/users/delta`. `file` stores where the next run begins and what
        for, after the last item was taken; without the file, all items come. A removed item has `@removed`. An item may
        come more than once. If Graph has forgotten the last run, a warning says so and all items come again.

        The other parameters are those of `request`. Raises what `items` raises; UsageError for a file that cannot be
        used, that belongs to another URL or tenant, or if the API returned no delta link.
        """
        from mstoken.client.api_calls import api_call
        from mstoken.rest.delta_calls import changes

        given = HiddenDict(
            scope=scope, origin=origin, headers=headers, body=b"", json=None, params=params, timeout=timeout,
            retries=retries, max_wait=max_wait, retry_unsafe=False, follow_tenant=False,
        )  # fmt: skip
        made = api_call(self, "GET", url, given)
        port = self._port()
        return port.iterate(changes(made.api, made.token_request, port, made.context, file))

    def pop_token(
        self,
        *scopes: str,
        url: str = "",
        method: str = "",
        nonce: str = "",
        claims: str | None = None,
        min_ttl: float = NO_TTL,
        fresh: bool = False,
        timeout: float | None = None,
    ) -> Token:
        """Return a token that only this client can use, inside a request signed with its key: `Authorization: PoP …`.

        `url` and `method` are those of the signed request; for a Kubernetes cluster, `url` is its resource id, as in
        kubelogin's claim `u`. `nonce` is one that the service issued. Each call signs anew; only the token inside is
        cached, in memory, and `expires_on` is its expiry. `claims`, `min_ttl`, `fresh` and
        `timeout` are as for `get_token`.
        Raises what `get_token` raises, and UsageError for a credential whose tokens cannot be bound.
        """
        from mstoken.protocol.pop import PopRequest
        from mstoken.rest.pop import pop_token

        token_request = self.token_request(
            *scopes, claims=claims, min_ttl=min_ttl, fresh=fresh, timeout=timeout, called_on=time.time()
        )
        http_request = PopRequest(url, method, nonce)
        port = self._port()
        return port.run(pop_token(token_request, self._bound(), http_request, port))

    def fleet(self, tenants: Iterable[str], *, concurrency: int = 16, retries: int = 3) -> Fleet[Self]:
        """Return the same for many tenants: `fleet.request("GET", "graph:/organization")` yields a result for each.

        `tenants` are ids or domains; `concurrency` of them, at most 256, are in progress at once, and a temporary
        failure is repeated `retries` times. docs/many-tenants.md. Raises UsageError; TypeError for a single text.
        """
        from mstoken.client.fleets import Fleet

        return Fleet(self, tenants, concurrency, retries)

    def partner(self) -> Partner:
        """Return what a partner (CSP) does for its customers, with this identity: docs/partners.md."""
        from mstoken.client.partners import Partner

        return Partner(self)

    def close(self) -> None:
        """Close connections. The client may be used again; it opens new ones."""
        if self._transport is not None:
            close: Callable[[], object] = guarded(self._transport, TRANSPORT).close
            refuse_awaitable(close(), TRANSPORT.what, "Use AsyncClient.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _port(self) -> BlockingRuntime:
        with self._lock:
            if self._runtime is None:
                from mstoken.runtimes.blocking import BlockingRuntime

                self._transport = self._transport or _usual_transport()
                self._runtime = BlockingRuntime(
                    self._transport, self._stores.access_tokens, self._stores.refresh_tokens
                )
            return self._runtime


def _usual_transport() -> Transport:
    from mstoken.transports.blocking import HttpTransport

    return HttpTransport()


def default() -> Client:
    """`Client.default`: a client of the first available identity. For asyncio, use `AsyncClient.default`."""
    return Client.default()
