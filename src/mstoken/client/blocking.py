"""Client: tokens in blocking code."""

from __future__ import annotations

import time

from mstoken.client.azure_core_types import AZURE_CORE, LOADED, as_access_token_info
from mstoken.client.base import ClientBase, known
from mstoken.typed import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from mstoken.model import Token
    from mstoken.protocol.http import HttpResponse
    from mstoken.protocol.id_token import Person
    from mstoken.runtimes.blocking import BlockingRuntime, Transport


T = TypeVar("T")


class Client(ClientBase):
    """Gets tokens, blocking; safe to share between threads. Constructing one touches no network and no disk.

    `authority` is a cloud's name (`"usgov"`), a login host or URL, an `Authority`, or empty for the public cloud.
    `stores` says where tokens are kept; in memory when not given.
    """

    _transport: Transport | None
    _runtime: BlockingRuntime | None

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **options: Any,
    ) -> Token:
        """The token for a service name, API URL, resource or scope; from memory when a good one is there.

        `options`: `min_ttl`, seconds of life the token must still have; `fresh=True` asks the service in any case. What
        azure-core passes besides is ignored. Raises the errors of `mstoken.errors`.
        """
        key = (scopes, claims, tenant_id, enable_cae)
        hit = self._hits.get(key)
        if hit is not None and not options and hit[0] <= time.time() < hit[1]:
            return hit[2] if AZURE_CORE not in LOADED else self._as_azure_core(key, hit)
        token_request = self.token_request(
            *scopes, tenant_id=tenant_id, claims=claims or "", enable_cae=enable_cae, **known(options)
        )
        port = self._port()
        with self._clear_on_refusal:
            return self._remember(key, port.run(port.token(token_request)))

    def get_token_info(self, *scopes: str, options: Mapping[str, Any] | None = None) -> Token:
        """`get_token` as azure-core's `SupportsTokenInfo` calls it: the keywords as a mapping."""
        token = self.get_token(*scopes, **(options or {}))
        return token if AZURE_CORE not in LOADED else as_access_token_info(token)

    def sign_in(self, *scopes: str, claims: str | None = None) -> Person:
        """Have the person of a `Browser`, `DeviceCode`, `Password` or `AuthorizationCode` sign in now; who it was.

        What the sign-in leaves is kept in the stores under the account. Raises UsageError for other credentials.
        """
        from mstoken.flows.sign_in import sign_in

        self._hits.clear()
        port = self._port()
        return port.run(sign_in(self.token_request(*scopes, claims=claims or ""), port))

    def on_behalf_of(self, assertion: str, *, session_key: str = "") -> Client:
        """For a web API: a client for the user who called with the token `assertion`; `OnBehalfOf` says more.

        It shares this one's connections and stores and costs next to nothing, so make one for each call.
        """
        runtime = self._port()
        credential = self._as_caller(assertion, session_key)
        caller = Client("", self.client_id, credential, self.authority, self._stores, self._transport)
        caller.cloud, caller._runtime = self.cloud, runtime
        return caller

    def renew_sign_in(self) -> None:
        """Get a new refresh token now, so that the kept sign-in does not die of disuse (`mstoken keepalive`).

        Raises UsageError for a credential other than `RefreshToken`; else as `get_token`.
        """
        from mstoken.flows.refresh_token import renew_refresh_token

        port = self._port()
        port.run(renew_refresh_token(*self._renewal(), port))

    def auth(self, *scopes: str, origin: str = "", enable_cae: bool = False) -> Any:
        """`auth=` for requests and httpx; the token goes only to the service's own origin, or the `origin` named."""
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
    ) -> HttpResponse:
        """Call an API with the right token and give its answer, whatever the status.

        Without `scope` (a service name, resource or scope) the URL tells the service. A `body` that is text is sent as
        UTF-8. The headers Authorization and Host cannot be set. Raises UsageError for what HTTP cannot carry,
        UntrustedOrigin when the token is not for the URL's origin, TransportError, UnreadableAnswer, and what
        `get_token` raises.
        """
        from mstoken.rest.call import ApiRequest, call

        token_request = self._token_request_for_call(url, scope, origin)
        port = self._port()
        return port.run(call(ApiRequest(method, url, headers or {}, body), token_request, port))

    def pop_token(
        self,
        *scopes: str,
        url: str = "",
        method: str = "",
        nonce: str = "",
        claims: str | None = None,
        **options: Any,
    ) -> Token:
        """A token that only this client can use, inside a request signed with its key: `Authorization: PoP …`.

        `url` and `method` are those of the request it is for; for a cluster of Kubernetes, `url` is its resource id, as
        kubelogin's claim `u`. `nonce` is one that the service gave. A new one for each request: only the token in it is
        kept, in memory, and `expires_on` is its end. `claims` and `options` are as for `get_token`. Raises as that
        does, and UsageError for a credential whose tokens cannot be bound.
        """
        from mstoken.protocol.pop import PopRequest
        from mstoken.rest.pop import pop_token

        token_request = self.token_request(*scopes, claims=claims or "", **known(options))
        http_request = PopRequest(url, method, nonce)
        port = self._port()
        return port.run(pop_token(token_request, self._bound(), http_request, port))

    def close(self) -> None:
        """Close connections. The client may be used again; it opens new ones."""
        if self._transport is not None:
            self._transport.close()

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
    """`Client.default`: a client of the first identity that is there. For asyncio there is `AsyncClient.default`."""
    return Client.default()
