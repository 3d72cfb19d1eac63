"""Client and AsyncClient: where services, flows, stores and transports are wired together, and nothing else.

Both have the shape of azure-core's `TokenCredential` and `SupportsTokenInfo`, so an Azure SDK client takes either as
its credential: learn.microsoft.com/python/api/azure-core/azure.core.credentials
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from mstoken import clouds, services
from mstoken.credentials import (
    Chain,
    ClientAssertion,
    ClientCertificate,
    ClientKey,
    ClientSecret,
    ManagedIdentity,
    OnBehalfOf,
    RefreshToken,
    is_user,
    names_itself,
)
from mstoken.errors import ConsentRequired, SignInRequired, UsageError
from mstoken.flows.cached import cached
from mstoken.model import LEEWAY_IN, Authority, TokenRequest
from mstoken.rest.bearer_auth import AsyncBearerAuth, Audience, BearerAuth, for_http_client
from mstoken.rest.call import ApiRequest, call
from mstoken.stores.memory import Bounded, in_memory

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping
    from types import TracebackType
    from typing import Self

    from mstoken.clouds import Cloud
    from mstoken.config.settings import Settings
    from mstoken.credentials import Credential
    from mstoken.flows.store_port import Stores
    from mstoken.model import Token
    from mstoken.protocol.http import HttpResponse
    from mstoken.protocol.id_token import Person
    from mstoken.runtimes.asyncio import AsyncioRuntime, AsyncTransport
    from mstoken.runtimes.blocking import BlockingRuntime, Transport
    from mstoken.services import Target

MOST_TARGETS = 1000
"""Meanings of scopes a client remembers: looking one up in the catalogue costs more than all else before a request."""

T = TypeVar("T")
_Question = tuple[tuple[str, ...], str | None, str | None, bool]


class _Core:
    """What both clients share: turning a call into a complete question, and the hits in memory."""

    def __init__(
        self,
        tenant: str,
        client_id: str,
        credential: Credential,
        authority: Authority | Cloud | str = "",
        stores: Stores | None = None,
    ) -> None:
        if not client_id and not names_itself(credential):
            raise UsageError("No client id was given.", "Give the application's (client) id, or set AZURE_CLIENT_ID.")
        self.cloud = _cloud(authority)
        self.authority = _authority(authority, self.cloud, tenant, untold=names_itself(credential))
        self.client_id = client_id
        self.credential = credential
        self._stores = stores or in_memory()
        self._hits: Bounded[_Question, tuple[float, Token]] = Bounded()
        self._targets: Bounded[tuple[str, ...], Target] = Bounded(MOST_TARGETS)

    def __repr__(self) -> str:
        where = self.authority.token_url or f"{self.authority.origin}/{self.authority.tenant}"
        return f"{type(self).__name__}({where!r}, client_id={self.client_id!r}, credential={self.credential!r})"

    @classmethod
    def from_settings(cls, settings: Settings, stores: Stores | None = None) -> Self:
        """A client from resolved settings (`mstoken.config`)."""
        authority: Authority | Cloud | str = settings.authority or settings.cloud
        if settings.token_endpoint:
            authority = Authority.oauth(settings.token_endpoint)
        client = cls(settings.tenant, settings.client_id, settings.credential, authority, stores)
        if settings.cloud:  # an authority of one's own, such as an emulator, may stand for any cloud
            client.cloud = clouds.cloud(settings.cloud)
        return client

    @classmethod
    def from_env(cls) -> Self:
        """A client from AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_AUTHORITY_HOST and the like.

        docs/configuration.md lists the variables. Raises NotConfigured that names what is missing.
        """
        from mstoken.config.environment import from_environment

        return cls.from_settings(from_environment())

    @classmethod
    def from_profile(cls, name: str = "") -> Self:
        """A client from a profile of the user's configuration file, under the environment (docs/configuration.md).

        A sign-in stored by `mstoken login` is read from, and renewed in, the user's vault. Raises UsageError.
        """
        from mstoken.config.settings import resolve
        from mstoken.stores.user import user_stores

        settings = resolve({"profile": name})
        return cls.from_settings(settings, user_stores(settings.store))

    @classmethod
    def managed_identity(
        cls,
        *,
        client_id: str = "",
        object_id: str = "",
        resource_id: str = "",
        source: str = "",
        cloud: str = "",
    ) -> Self:
        """A client of the identity of the place this program runs in; `ManagedIdentity` says what the fields are.

        No tenant and no client id is needed. Raises UsageError.
        """
        return cls("", "", ManagedIdentity(client_id, object_id, resource_id, source), cloud)

    @classmethod
    def default(cls) -> Self:
        """A client of the first identity that is there: environment, workload identity, managed identity, profile.

        AZURE_TOKEN_CREDENTIALS narrows the choice (docs/identity-chain.md). A profile's sign-in is read from, and
        renewed in, the user's vault. Raises UsageError; NotConfigured, when a token is asked for and none is there.
        """
        from mstoken.config.chain import default_settings
        from mstoken.stores.user import user_stores

        settings = default_settings()
        return cls.from_settings(settings, user_stores(settings.store))

    def target(self, *scopes: str) -> Target:
        """What `scopes` mean: service names, API URLs, resources or scopes, all of one resource. Raises UsageError."""
        if not scopes:
            raise UsageError("No service or scope was given.", "Name one, such as graph or arm: mstoken services")
        known = self._targets.get(scopes)
        if known is None:
            known = services.resolve_all(scopes, self.cloud)
            self._targets.put(scopes, known)
        return known

    def question(self, *scopes: str, tenant_id: str | None = None, **wishes: Any) -> TokenRequest:
        """The complete question for a call; `wishes` are TokenRequest's claims, enable_cae, min_ttl and fresh.

        Raises UsageError; SignInRequired when the service needs a user and there is only an application.
        """
        if self.authority.token_url:
            return TokenRequest(self.authority, self.client_id, self.credential, scopes, **wishes)
        target, credential = self.target(*scopes), self.credential
        if isinstance(credential, Chain) and target.needs_user:
            credential = credential.of_users()
        elif target.needs_user and not is_user(credential):
            raise _needs_user(target, self.authority, self.client_id)
        # A managed identity lives in one tenant: what an API's challenge says of tenants does not concern it.
        keep = not tenant_id or isinstance(credential, ManagedIdentity)
        authority = self.authority if keep else self.authority.for_tenant(tenant_id or "")
        return TokenRequest(authority, self.client_id, credential, target.scopes, **wishes)

    def _as_caller(self, assertion: str, session_key: str) -> OnBehalfOf:
        if not isinstance(self.credential, ClientSecret | ClientCertificate | ClientKey | ClientAssertion):
            raise UsageError(
                "On-behalf-of needs a client that is the web API itself, with its own credential.",
                "Make it with ClientSecret, ClientCertificate, ClientKey or ClientAssertion.",
            )
        return OnBehalfOf(assertion, self.credential, session_key)

    def _remember(self, key: _Question, token: Token) -> Token:
        """Keep the token for this process; one that met a challenge takes the place of the one that did not."""
        if key[1]:
            self._hits.drop((key[0], None, *key[2:]))
        good_until = min(token.refresh_on or token.expires_on, token.expires_on - LEEWAY_IN)
        self._hits.put(key, (good_until, token))
        return token

    @contextmanager
    def _forgetful(self) -> Iterator[None]:
        """Forget what is in memory when the service says that sign-in or consent is no more: the store does too."""
        try:
            yield
        except (SignInRequired, ConsentRequired):
            self._hits.clear()
            raise

    def _renewal(self) -> tuple[TokenRequest, RefreshToken]:
        if not isinstance(self.credential, RefreshToken):
            raise UsageError("There is no kept sign-in to renew.", "Make the client with RefreshToken(account=…).")
        return TokenRequest(self.authority, self.client_id, self.credential, ()), self.credential

    def _audience(self, scopes: tuple[str, ...], origin: str) -> Audience:
        return Audience(self.target(*scopes), self.cloud, origin)


class Client(_Core):
    """Gets tokens, blocking; safe to share between threads. Constructing one touches no network and no disk.

    `authority` is a cloud's name (`"usgov"`), a login host or URL, an `Authority`, or empty for the public cloud.
    `stores` says where tokens are kept; in memory when not given.
    """

    def __init__(
        self,
        tenant: str,
        client_id: str,
        credential: Credential,
        authority: Authority | Cloud | str = "",
        stores: Stores | None = None,
        transport: Transport | None = None,
    ) -> None:
        super().__init__(tenant, client_id, credential, authority, stores)
        self._transport = transport
        self._runtime: BlockingRuntime | None = None
        self._wiring = Lock()

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **wishes: Any,
    ) -> Token:
        """The token for a service name, API URL, resource or scope; from memory when a good one is there.

        `wishes`: `min_ttl`, seconds of life the token must still have; `fresh=True` asks the service in any case. What
        azure-core passes besides is ignored. Raises the errors of `mstoken.errors`.
        """
        key = (scopes, claims, tenant_id, enable_cae)
        hit = self._hits.get(key)
        if hit is not None and not wishes and hit[0] > time.time():
            return hit[1]
        question = self.question(
            *scopes, tenant_id=tenant_id, claims=claims or "", enable_cae=enable_cae, **_known(wishes)
        )
        with self._forgetful():
            return self._remember(key, self._run(cached(question, self._port())))

    def get_token_info(self, *scopes: str, options: Mapping[str, Any] | None = None) -> Token:
        """`get_token` as azure-core's `SupportsTokenInfo` calls it: the keywords as a mapping."""
        return self.get_token(*scopes, **(options or {}))

    def sign_in(self, *scopes: str, claims: str | None = None) -> Person:
        """Have the person of a `Browser`, `DeviceCode`, `Password` or `AuthorizationCode` sign in now; who it was.

        What the sign-in leaves is kept in the stores under the account. Raises UsageError for other credentials.
        """
        from mstoken.flows.sign_in import sign_in

        self._hits.clear()
        return self._run(sign_in(self.question(*scopes, claims=claims or ""), self._port()))

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
        from mstoken.flows.refresh_token import renewed

        self._run(renewed(*self._renewal(), self._port()))

    def auth(self, *scopes: str, origin: str = "", enable_cae: bool = False) -> Any:
        """`auth=` for requests and httpx; the token goes only to the service's own origin, or the `origin` named."""

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
        body: bytes = b"",
    ) -> HttpResponse:
        """Call an API with the right token and give its answer, whatever the status.

        Without `scope` (a service name, resource or scope) the URL tells the service. Raises UntrustedOrigin when the
        token is not for the URL's origin, TransportError, UnreadableAnswer, and what `get_token` raises.
        """
        self._audience((scope or url,), origin).admit(url)
        return self._run(call(ApiRequest(method, url, headers or {}, body), self.question(scope or url), self._port()))

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

    def _run(self, flow: Coroutine[Any, Any, T]) -> T:
        from mstoken.runtimes.blocking import run_blocking

        return run_blocking(flow)

    def _port(self) -> BlockingRuntime:
        with self._wiring:
            if self._runtime is None:
                from mstoken.runtimes.blocking import BlockingRuntime
                from mstoken.transports.pyreqwest import PyreqwestTransport

                self._transport = self._transport or PyreqwestTransport()
                self._runtime = BlockingRuntime(self._transport, self._stores.tokens, self._stores.grants)
            return self._runtime


class AsyncClient(_Core):
    """`Client` for asyncio, over the same flows; one event loop at a time. Its `auth` is for `httpx.AsyncClient`."""

    def __init__(
        self,
        tenant: str,
        client_id: str,
        credential: Credential,
        authority: Authority | Cloud | str = "",
        stores: Stores | None = None,
        transport: AsyncTransport | None = None,
    ) -> None:
        super().__init__(tenant, client_id, credential, authority, stores)
        self._transport = transport
        self._runtime: AsyncioRuntime | None = None

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **wishes: Any,
    ) -> Token:
        """As `Client.get_token`; a hit in memory never leaves the event loop."""
        key = (scopes, claims, tenant_id, enable_cae)
        hit = self._hits.get(key)
        if hit is not None and not wishes and hit[0] > time.time():
            return hit[1]
        question = self.question(
            *scopes, tenant_id=tenant_id, claims=claims or "", enable_cae=enable_cae, **_known(wishes)
        )
        with self._forgetful():
            return self._remember(key, await cached(question, self._port()))

    async def get_token_info(self, *scopes: str, options: Mapping[str, Any] | None = None) -> Token:
        """As `Client.get_token_info`."""
        return await self.get_token(*scopes, **(options or {}))

    async def sign_in(self, *scopes: str, claims: str | None = None) -> Person:
        """As `Client.sign_in`."""
        from mstoken.flows.sign_in import sign_in

        self._hits.clear()
        return await sign_in(self.question(*scopes, claims=claims or ""), self._port())

    def on_behalf_of(self, assertion: str, *, session_key: str = "") -> AsyncClient:
        """As `Client.on_behalf_of`."""
        runtime = self._port()
        credential = self._as_caller(assertion, session_key)
        caller = AsyncClient("", self.client_id, credential, self.authority, self._stores, self._transport)
        caller.cloud, caller._runtime = self.cloud, runtime
        return caller

    async def renew_sign_in(self) -> None:
        """As `Client.renew_sign_in`."""
        from mstoken.flows.refresh_token import renewed

        await renewed(*self._renewal(), self._port())

    def auth(self, *scopes: str, origin: str = "", enable_cae: bool = False) -> Any:
        """As `Client.auth`, for `httpx.AsyncClient`. Raises ImportError where httpx is not installed."""

        async def ask(claims: str) -> Token:
            return await self.get_token(*scopes, claims=claims or None, enable_cae=enable_cae)

        return for_http_client(AsyncBearerAuth, httpx_needed=True)(self._audience(scopes, origin), ask)

    async def request(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        origin: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> HttpResponse:
        """As `Client.request`."""
        self._audience((scope or url,), origin).admit(url)
        return await call(ApiRequest(method, url, headers or {}, body), self.question(scope or url), self._port())

    async def close(self) -> None:
        """Close connections. The client may be used again; it opens new ones."""
        if self._transport is not None:
            await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self.close()

    def _port(self) -> AsyncioRuntime:
        if self._runtime is None:
            from mstoken.runtimes.asyncio import AsyncioRuntime
            from mstoken.transports.pyreqwest import AsyncPyreqwestTransport

            self._transport = self._transport or AsyncPyreqwestTransport()
            self._runtime = AsyncioRuntime(self._transport, self._stores.tokens, self._stores.grants)
        return self._runtime


def default() -> Client:
    """`Client.default`: a client of the first identity that is there. For asyncio there is `AsyncClient.default`."""
    return Client.default()


def _cloud(authority: Authority | Cloud | str) -> Cloud:
    """The cloud an authority belongs to; the public one for a host of the caller's own."""
    if isinstance(authority, clouds.Cloud):
        return authority
    if isinstance(authority, Authority):
        return clouds.cloud_of_authority(authority.origin) or clouds.PUBLIC
    if not authority:
        return clouds.PUBLIC
    if _is_host(authority):
        return clouds.cloud_of_authority(authority) or clouds.PUBLIC
    return clouds.cloud(authority)


def _authority(authority: Authority | Cloud | str, cloud: Cloud, tenant: str, *, untold: bool) -> Authority:
    if isinstance(authority, Authority):
        return authority if authority.token_url or not tenant else authority.for_tenant(tenant)
    host = authority if isinstance(authority, str) and _is_host(authority) else cloud.authority_host
    return Authority.of_any(host) if untold and not tenant else Authority.of(host, tenant)


def _is_host(text: str) -> bool:
    """Hosts and URLs have a dot or a colon; names of clouds have neither."""
    return "." in text or ":" in text or text == "localhost"


def _known(wishes: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that are ours; azure-core passes others that mean nothing here."""
    return {name: wishes[name] for name in ("min_ttl", "fresh") if name in wishes}


def _needs_user(target: Target, authority: Authority, client_id: str) -> SignInRequired:
    name = target.service.title if target.service else target.resource
    return SignInRequired(
        f"{name} needs a token on behalf of a user; there is only an application's credential. No request was made.",
        "Store a user's refresh token, which mstoken login reads from standard input: "
        f"mstoken login --tenant {authority.tenant} --client-id {client_id}",
    )
