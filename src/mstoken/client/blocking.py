"""Client: tokens in blocking code."""

from __future__ import annotations

import time

from mstoken.client.azure_core_types import AZURE_CORE, LOADED, as_access_token_info
from mstoken.client.base import ClientBase, known_options
from mstoken.foreign import TRANSPORT, guarded
from mstoken.hidden import HiddenText
from mstoken.typed import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from mstoken.client.base import TokenRequestOptions
    from mstoken.model import Token
    from mstoken.protocol.id_token import Person
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
        min_ttl: float = 0,
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

    def sign_in(self, *scopes: str, claims: str | None = None) -> Person:
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
        """Return `auth=` for requests and httpx. The token goes only to the service's own origin, or to `origin`."""
        from mstoken.rest.bearer_auth import BearerAuth, for_http_client

        def ask(claims: str) -> Token:
            return self.get_token(*scopes, claims=claims or None, enable_cae=enable_cae)

        return for_http_client(BearerAuth)(self._audience(scopes, origin), ask)

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
    ) -> ApiResponse:
        """Call an API with the right token and return its response, whatever the status.

        Without `scope` (a service name, resource or scope) the URL selects the service. A path such as
        `/subscriptions` belongs to Azure Resource Manager. `json` is sent as JSON, a `body` that is text as UTF-8;
        `params` are added to the query, one pair for each item of a list. `timeout` is how many seconds the token, and
        then each request, may take. The headers Authorization and Host cannot be set.

        Raises UsageError for what HTTP cannot carry, UntrustedOrigin if the token is not for the URL's origin,
        TransportError, UnreadableAnswer, and what `get_token` raises. An error status raises nothing: see
        `ApiResponse.raise_for_status`.
        """
        from mstoken.rest.call import ApiRequest, call

        url, token_request, context = self._call(url, params, scope, origin, timeout)
        port = self._port()
        api = ApiRequest(method, url, headers or {}, body, json, timeout)
        return port.run(call(api, token_request, port, context))

    def pop_token(
        self,
        *scopes: str,
        url: str = "",
        method: str = "",
        nonce: str = "",
        claims: str | None = None,
        min_ttl: float = 0,
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

    def close(self) -> None:
        """Close connections. The client may be used again; it opens new ones."""
        if self._transport is not None:
            guarded(self._transport, TRANSPORT).close()

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
