"""What both clients share: they turn a call into a complete token request."""

from __future__ import annotations

from mstoken import services
from mstoken.client.construction import Constructors, authority_of, cloud_of
from mstoken.client.hits import Hits
from mstoken.client.scopes import ScopeResolver, user_required
from mstoken.credentials import (
    AgentIdentity,
    Chain,
    ClientCredential,
    ManagedIdentity,
    OnBehalfOf,
    RefreshToken,
)
from mstoken.errors import UsageError
from mstoken.forks import ForkSafe
from mstoken.model import TokenRequest
from mstoken.stores.memory import memory_stores
from mstoken.texts import is_encodable
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.urls import encoded_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypedDict

    from mstoken.authority import Authority
    from mstoken.clouds import Cloud
    from mstoken.credentials import Credential
    from mstoken.flows.store_port import Stores
    from mstoken.rest.bearer_auth import Audience
    from mstoken.rest.pop import PopBinding
    from mstoken.services import Target

    class TokenRequestOptions(TypedDict, total=False):
        """The options of azure-core's `get_token_info`; the type of this name there is compatible."""

        claims: str
        tenant_id: str
        enable_cae: bool


_PATHS = frozenset({"path", "key_path", "token_file"})
"""Fields of credentials that contain file paths."""
_OPTIONS = ("claims", "tenant_id", "enable_cae", "min_ttl", "fresh")


def known_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that `get_token` takes too."""
    return {name: options[name] for name in _OPTIONS if name in options}


class ClientBase(ForkSafe, Constructors):
    """What both clients share: they turn a call into a complete token request.

    `transport` sends the requests: a `runtimes.blocking.Transport`, or an `AsyncTransport` under asyncio. Without one,
    the client makes its own at the first request.
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
        _check_text(client_id, "The client id")
        _check_texts(credential)
        self.cloud = cloud_of(authority)
        self.authority = authority_of(authority, self.cloud, tenant, tenant_unknown=not credential.needs_client_id)
        self.client_id = client_id
        self.credential = credential
        self.profile = ""
        self._stores = stores or memory_stores()
        self._transport = transport
        self._runtime: Any = None
        self._hits = Hits()
        self._scopes = ScopeResolver()
        self._binding: PopBinding | None = None
        super().__init__()

    def _reset_after_fork(self) -> None:
        """Drop the runtime: its connections and flights belong to the parent. The child makes its own."""
        super()._reset_after_fork()
        self._runtime = None

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Return the state of a copy for another process: the same identity, including its secret.

        Connections, memory and stores are not copied.
        """
        return restored, (type(self), self.authority, self.cloud, self.client_id, self.credential, self.profile)

    def __repr__(self) -> str:
        if "credential" not in vars(self):  # half made, in the traceback of its constructor
            return f"{type(self).__name__}(…)"
        where = self.authority.token_url or f"{self.authority.origin}/{self.authority.tenant}"
        return f"{type(self).__name__}({where!r}, client_id={self.client_id!r}, credential={self.credential!r})"

    def target(self, *scopes: str) -> Target:
        """Return the target of `scopes`: service names, API URLs, resources or scopes, all of one resource.

        Raises UsageError.
        """
        return self._scopes.target(scopes, self.cloud)

    def token_request(
        self,
        *scopes: str,
        claims: str = "",
        tenant_id: str | None = None,
        enable_cae: bool = False,
        min_ttl: float = 0,
        fresh: bool = False,
        deadline_on: float = 0,
    ) -> TokenRequest:
        """Return the complete request for a `get_token` call; `deadline_on` is epoch seconds, or 0.

        Raises UsageError; SignInRequired if the service needs a user and the credential is an application's.
        """
        authority, credential, requested = self.authority, self.credential, scopes
        if authority.token_url:
            requested = services.plain_scopes(scopes)
        else:
            target = self.target(*scopes)
            requested = target.scopes
            if isinstance(credential, Chain) and target.needs_user:
                credential = credential.of_users()
            elif target.needs_user and not credential.acts_for_user:
                raise user_required(target, authority, self.client_id)
            # A managed identity belongs to one tenant, whatever tenant an API's challenge names.
            if tenant_id and not isinstance(credential, ManagedIdentity):
                authority = authority.for_tenant(tenant_id)
        return TokenRequest(
            authority,
            self.client_id,
            credential,
            requested,
            claims=claims,
            enable_cae=enable_cae,
            min_ttl=min_ttl,
            fresh=fresh,
            deadline_on=deadline_on,
            profile=self.profile,
        )

    def _as_caller(self, assertion: str, session_key: str) -> OnBehalfOf:
        if not isinstance(self.credential, ClientCredential | AgentIdentity):
            raise UsageError(
                "On-behalf-of needs a client that is the web API itself, with its own credential.",
                "Make it with ClientSecret, ClientCertificate, ClientKey or ClientAssertion, or with an AgentIdentity.",
            )
        return OnBehalfOf(assertion, self.credential, session_key)

    def _renewal(self) -> tuple[TokenRequest, RefreshToken]:
        if not isinstance(self.credential, RefreshToken):
            raise UsageError("There is no kept sign-in to renew.", "Make the client with RefreshToken(account=…).")
        return TokenRequest(self.authority, self.client_id, self.credential, (), profile=self.profile), self.credential

    def _bound(self) -> PopBinding:
        """Return this client's own proof-of-possession key, and the tokens bound to it."""
        with self._lock:
            if self._binding is None:
                from mstoken.rest.pop import PopBinding

                self._binding = PopBinding()
            return self._binding

    def _audience(self, scopes: tuple[str, ...], origin: str) -> Audience:
        from mstoken.rest.bearer_auth import Audience

        if self.authority.token_url:  # the catalog does not cover a standard OAuth server's tokens, whatever the scope
            return Audience(services.Target(None, scopes, " ".join(scopes)), self.cloud, origin)
        return Audience(self.target(*scopes), self.cloud, origin)

    def _token_request_for_call(self, url: str, scope: str, origin: str) -> TokenRequest:
        """Return the token request for a call of `url`, after checking that the token may be sent there."""
        if not scope and self.authority.token_url:
            raise UsageError(
                "The URL does not tell which token it needs: that is known of Microsoft's services only.",
                "Name the scope: --scope SCOPE (in Python: scope=…).",
            )
        url = encoded_url(url)
        wanted = services.Scope(scope) if scope else url
        self._audience((wanted,), origin).check(url)
        return self.token_request(wanted)


def restored(
    kind: type[ClientBase], authority: Authority, cloud: Cloud, client_id: str, credential: Any, profile: str
) -> ClientBase:
    """Restore a client from its pickle."""
    client = kind("", client_id, credential, authority)
    client.cloud, client.profile = cloud, profile
    return client


def _check_text(text: str, what: str) -> None:
    if not is_encodable(text):
        raise UsageError(f"{what} is not text that UTF-8 can carry.", "Set it anew.")


def _check_texts(named: Any) -> None:
    """Refuse text that cannot be sent or stored: what the system returns for bytes that are not UTF-8 (PEP 383).

    File paths may be such text. Raises UsageError, which names the field and does not show its value.
    """
    for name in named.__value_fields__:
        given = getattr(named, name)
        for one in given if isinstance(given, tuple) else (given,):
            if hasattr(one, "__value_fields__"):
                _check_texts(one)
            elif isinstance(one, str) and name not in _PATHS:
                _check_text(one, f"{name} of {type(named).__name__}")
