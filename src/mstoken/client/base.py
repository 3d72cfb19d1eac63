"""What both clients share: turning a call into a complete question, and the hits in memory."""

from __future__ import annotations

import time

from mstoken import clouds, services
from mstoken.authority import Authority
from mstoken.client.azure_core_types import AZURE_CORE, LOADED, as_access_token
from mstoken.credentials import (
    AgentIdentity,
    Chain,
    ClientCredential,
    ManagedIdentity,
    OnBehalfOf,
    RefreshToken,
)
from mstoken.errors import ConsentRequired, SignInRequired, UsageError
from mstoken.forks import ForkSafe
from mstoken.model import LEEWAY_IN, TIMEOUT_IN, TokenRequest
from mstoken.stores.memory import BoundedDict, memory_stores
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.urls import encoded_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from mstoken.clouds import Cloud
    from mstoken.config.settings import Settings
    from mstoken.credentials import Credential
    from mstoken.flows.store_port import Stores
    from mstoken.model import Token
    from mstoken.rest.bearer_auth import Audience
    from mstoken.rest.pop import PopBinding
    from mstoken.services import Target

    Question = tuple[tuple[str, ...], str | None, str | None, bool]
    Hit = tuple[float, float, Token]
    """A token, and from when until when it is given without another look (epoch seconds)."""

MOST_TARGETS = 1000
"""Meanings of scopes a client remembers: looking one up in the catalogue costs more than all else before a request."""


class ClearHitsOnRefusal:
    """Forgets what is in memory when the service says that sign-in or consent is no more: the store does too."""

    def __init__(self, hits: BoundedDict[Question, Hit]) -> None:
        self._hits = hits

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, SignInRequired | ConsentRequired):
            self._hits.clear()


class ClientBase(ForkSafe):
    """What both clients share: turning a call into a complete question, and the hits in memory.

    `transport` sends the requests, a `runtimes.blocking.Transport` for the one and an `AsyncTransport` for the other;
    not given, one is made when the first request is.
    """

    def __init__(
        self,
        tenant: str,
        client_id: str,
        credential: Credential,
        authority: Authority | Cloud | str = "",
        stores: Stores | None = None,
        transport: Any = None,
    ) -> None:
        if not client_id and credential.needs_client_id:
            raise UsageError("No client id was given.", "Give the application's (client) id, or set AZURE_CLIENT_ID.")
        self.cloud = _cloud(authority)
        self.authority = _authority(authority, self.cloud, tenant, tenant_unknown=not credential.needs_client_id)
        self.client_id = client_id
        self.credential = credential
        self.profile = ""
        self._stores = stores or memory_stores()
        self._transport = transport
        self._runtime: Any = None
        self._hits: BoundedDict[Question, Hit] = BoundedDict()
        self._clear_on_refusal = ClearHitsOnRefusal(self._hits)
        self._targets: BoundedDict[tuple[str, ...], Target] = BoundedDict(MOST_TARGETS)
        self._binding: PopBinding | None = None
        super().__init__()

    def _reset_after_fork(self) -> None:
        """Connections and turns are the parent's: the child makes its own."""
        super()._reset_after_fork()
        self._runtime = None

    def __repr__(self) -> str:
        where = self.authority.token_url or f"{self.authority.origin}/{self.authority.tenant}"
        return f"{type(self).__name__}({where!r}, client_id={self.client_id!r}, credential={self.credential!r})"

    @classmethod
    def from_settings(cls, settings: Settings, stores: Stores | None = None, transport: Any = None) -> Self:
        """A client from resolved settings (`mstoken.config`)."""
        authority: Authority | Cloud | str = settings.authority or settings.cloud
        if settings.token_endpoint:
            authority = Authority.oauth(settings.token_endpoint)
        client = cls(settings.tenant, settings.client_id, settings.credential, authority, stores, transport)
        client.profile = settings.profile
        if settings.cloud:  # an authority of one's own, such as an emulator, may stand for any cloud
            client.cloud = clouds.cloud(settings.cloud)
        return client

    @classmethod
    def from_env(cls) -> Self:
        """A client from AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_AUTHORITY_HOST and the like.

        docs/configuration.md lists the variables. Raises NotConfigured that names what is missing.
        """
        from mstoken.config.resolving import settings_from_environment

        return cls.from_settings(settings_from_environment())

    @classmethod
    def from_profile(cls, name: str = "") -> Self:
        """A client from a profile of the user's configuration file, under the environment (docs/configuration.md).

        A sign-in stored by `mstoken login` is read from, and renewed in, the user's vault. Raises UsageError.
        """
        from mstoken.config.resolving import resolve_settings
        from mstoken.stores.user_stores import user_stores

        settings = resolve_settings({"profile": name})
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
        from mstoken.stores.user_stores import user_stores

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

    def token_request(self, *scopes: str, tenant_id: str | None = None, **options: Any) -> TokenRequest:
        """The complete question for a call; `options` are TokenRequest's claims, enable_cae, min_ttl and fresh.

        Raises UsageError; SignInRequired when the service needs a user and there is only an application.
        """
        if self.authority.token_url:
            plain = services.plain_scopes(scopes)
            return TokenRequest(self.authority, self.client_id, self.credential, plain, profile=self.profile, **options)
        target, credential = self.target(*scopes), self.credential
        if isinstance(credential, Chain) and target.needs_user:
            credential = credential.of_users()
        elif target.needs_user and not credential.acts_for_user:
            raise _needs_user(target, self.authority, self.client_id)
        # A managed identity lives in one tenant: what an API's challenge says of tenants does not concern it.
        keep = not tenant_id or isinstance(credential, ManagedIdentity)
        authority = self.authority if keep else self.authority.for_tenant(tenant_id or "")
        return TokenRequest(authority, self.client_id, credential, target.scopes, profile=self.profile, **options)

    def _as_caller(self, assertion: str, session_key: str) -> OnBehalfOf:
        if not isinstance(self.credential, ClientCredential | AgentIdentity):
            raise UsageError(
                "On-behalf-of needs a client that is the web API itself, with its own credential.",
                "Make it with ClientSecret, ClientCertificate, ClientKey or ClientAssertion, or with an AgentIdentity.",
            )
        return OnBehalfOf(assertion, self.credential, session_key)

    def _remember(self, key: Question, token: Token) -> Token:
        """Keep the token for this process; one that met a challenge takes the place of the one that did not."""
        if key[1]:
            self._hits.pop((key[0], None, *key[2:]))
        if AZURE_CORE in LOADED:
            token = as_access_token(token)
        good_until = min(token.refresh_on or token.expires_on, token.expires_on - LEEWAY_IN)
        self._hits.put(key, (token.good_from, good_until, token))
        return token

    def _as_azure_core(self, key: Question, hit: Hit) -> Token:
        """The token of a hit in azure-core's type, which the hit then has, as azure-core may have been loaded since."""
        token = as_access_token(hit[2])
        if token is not hit[2]:
            self._hits.put(key, (*hit[:2], token))
        return token

    def _renewal(self) -> tuple[TokenRequest, RefreshToken]:
        if not isinstance(self.credential, RefreshToken):
            raise UsageError("There is no kept sign-in to renew.", "Make the client with RefreshToken(account=…).")
        return TokenRequest(self.authority, self.client_id, self.credential, (), profile=self.profile), self.credential

    def _bound(self) -> PopBinding:
        """This client's own key for proof of possession, and the tokens bound to it."""
        with self._lock:
            if self._binding is None:
                from mstoken.rest.pop import PopBinding

                self._binding = PopBinding()
            return self._binding

    def _audience(self, scopes: tuple[str, ...], origin: str) -> Audience:
        from mstoken.rest.bearer_auth import Audience

        if self.authority.token_url:  # the catalogue knows nothing of its tokens, whatever a scope is called
            return Audience(services.Target(None, scopes, " ".join(scopes)), self.cloud, origin)
        return Audience(self.target(*scopes), self.cloud, origin)

    def _token_request_for_call(self, url: str, scope: str, origin: str) -> TokenRequest:
        """The question for the token that a call of `url` needs, once it is sure that the token may go there."""
        if not scope and self.authority.token_url:
            raise UsageError(
                "The URL does not tell which token it needs: that is known of Microsoft's services only.",
                "Name the scope: --scope SCOPE (in Python: scope=…).",
            )
        url = encoded_url(url)
        wanted = services.Scope(scope) if scope else url
        self._audience((wanted,), origin).check(url)
        return self.token_request(wanted)


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


def _authority(authority: Authority | Cloud | str, cloud: Cloud, tenant: str, *, tenant_unknown: bool) -> Authority:
    if isinstance(authority, Authority):
        return authority if authority.token_url or not tenant else authority.for_tenant(tenant)
    host = authority if isinstance(authority, str) and _is_host(authority) else cloud.authority_host
    return Authority.without_tenant(host) if tenant_unknown and not tenant else Authority.of(host, tenant)


def _is_host(text: str) -> bool:
    """Hosts and URLs have a dot or a colon; names of clouds have neither."""
    return "." in text or ":" in text or text == "localhost"


def _needs_user(target: Target, authority: Authority, client_id: str) -> SignInRequired:
    """The service takes no application alone, or single permissions were asked for, which only people give.

    Source: AADSTS1002012; learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, scope.
    """
    from mstoken import aadsts

    service = target.service
    title = service.title if service else target.resource
    remedy = aadsts.fill("Sign in as a user: `{login}`", tenant=authority.tenant, client_id=client_id)
    if service and service.needs_user:
        wanted, own = f"{title} needs a token", service.app_only_note
    else:
        single = [scope.removeprefix(f"{target.resource}/") for scope in target.scopes]
        single = [scope for scope in single if scope != ".default"]
        wanted = f"{', '.join(single)} of {title} {'is' if len(single) == 1 else 'are'} only given"
        name = service.name if service and not service.needs_instance else target.resource
        own = f"Or ask for what the application itself was granted: mstoken get {name}"
    return SignInRequired(
        f"{wanted} on behalf of a user; there is only an application's credential. No request was made.",
        f"{remedy}\n{own}" if own else remedy,
    )


def known(options: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords that are ours, and the end of the call's time; azure-core passes others that mean nothing here."""
    ours = {name: options[name] for name in ("min_ttl", "fresh") if name in options} if options else {}
    return {"deadline_on": time.time() + TIMEOUT_IN, **ours}
