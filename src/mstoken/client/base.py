"""What both clients share: they turn a call into a complete token request."""

from __future__ import annotations

from mstoken import credentials, services
from mstoken.client.arguments import check_call, check_identity, check_options, check_scopes
from mstoken.client.construction import Constructors, authority_of, cloud_of
from mstoken.client.hits import Hits
from mstoken.client.scopes import ScopeResolver, user_required
from mstoken.credentials import Chain
from mstoken.errors import UsageError
from mstoken.forks import ForkSafe
from mstoken.later import Later
from mstoken.messages import advice
from mstoken.model import TIMEOUT_IN, TokenRequest
from mstoken.stores.memory import memory_stores
from mstoken.texts import is_encodable
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self, TypedDict

    from mstoken.authority import Authority
    from mstoken.client import customers
    from mstoken.clouds import Cloud
    from mstoken.credentials import Credential, OnBehalfOf, RefreshToken
    from mstoken.flows.store_port import Stores
    from mstoken.rest.bearer_auth import Audience
    from mstoken.rest.pop import PopBinding
    from mstoken.services import Target

    class TokenRequestOptions(TypedDict, total=False):
        """The options of azure-core's `get_token_info`; the type of this name there is compatible."""

        claims: str
        tenant_id: str
        enable_cae: bool
else:
    customers = Later("mstoken.client.customers")


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
        check_identity(tenant, client_id, credential)
        if not client_id and credential.needs_client_id:
            raise UsageError("No client id was given.", "Give the application's (client) id, or set AZURE_CLIENT_ID.")
        _check_text(client_id, "The client id")
        _check_texts(credential)
        self.cloud = cloud_of(authority)
        self.authority = authority_of(authority, self.cloud, tenant, tenant_unknown=not credential.needs_client_id)
        if self.authority.policy or self.authority.external:
            customers.check_supported(self.authority, credential)
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
        named = f"client_id={self.client_id!r}, credential={self.credential!r}"
        return f"{type(self).__name__}({self.authority.url!r}, {named})"

    def target(self, *scopes: str) -> Target:
        """Return the target of `scopes`: service names, API URLs, resources or scopes, all of one resource.

        Raises UsageError; TypeError for a scope that is not text.
        """
        check_scopes(scopes)
        return self._scopes.target(scopes, self.cloud)

    def token_request(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        min_ttl: float = 0,
        fresh: bool = False,
        timeout: float | None = None,
        called_on: float = 0,
    ) -> TokenRequest:
        """Return the complete request for a `get_token` call at `called_on` (epoch seconds, or 0).

        Raises UsageError; SignInRequired if the service needs a user and the credential is an application's; TypeError
        and ValueError for arguments that `get_token` cannot take.
        """
        check_scopes(scopes)
        check_call(claims, tenant_id)
        check_options(min_ttl, timeout, fresh=fresh, enable_cae=enable_cae)
        timeout_in = TIMEOUT_IN if timeout is None else timeout
        authority, credential, requested = self.authority, self.credential, scopes
        if authority.token_url:
            requested = services.plain_scopes(scopes)
        elif authority.policy:
            requested = customers.user_flow_scopes(scopes, authority, self.client_id, for_user=credential.acts_for_user)
            authority = authority.for_tenant(tenant_id) if tenant_id else authority
        else:
            target = self.target(*scopes)
            requested = target.scopes
            if isinstance(credential, Chain) and target.needs_user:
                credential = credential.of_users()
            elif target.needs_user and not credential.acts_for_user:
                raise user_required(target, authority, self.client_id)
            # A managed identity belongs to one tenant, whatever tenant an API's challenge names.
            if tenant_id and not isinstance(credential, credentials.ManagedIdentity):
                authority = authority.for_tenant(tenant_id)
        return TokenRequest(
            authority,
            self.client_id,
            credential,
            requested,
            claims=claims or "",
            enable_cae=enable_cae,
            min_ttl=min_ttl,
            fresh=fresh,
            timeout_in=timeout_in,
            deadline_on=called_on + timeout_in if called_on else 0,
            profile=self.profile,
        )

    def _as_caller(self, assertion: str, session_key: str) -> OnBehalfOf:
        if not isinstance(self.credential, credentials.ClientCredential | credentials.AgentIdentity):
            raise UsageError(
                "On-behalf-of needs a client that is the web API itself, with its own credential.",
                "Make it with ClientSecret, ClientCertificate, ClientKey or ClientAssertion, or with an AgentIdentity.",
            )
        return credentials.OnBehalfOf(assertion, self.credential, session_key)

    def _renewal(self) -> tuple[TokenRequest, RefreshToken]:
        if not isinstance(self.credential, credentials.RefreshToken):
            raise UsageError("There is no stored sign-in to renew.", "Create the client with RefreshToken(account=…).")
        return TokenRequest(self.authority, self.client_id, self.credential, (), profile=self.profile), self.credential

    def check_tenants(self) -> None:
        """Raise UsageError if this identity's tokens are of one tenant only, whatever tenant is named."""
        if isinstance(self.credential, credentials.ManagedIdentity):
            raise UsageError(
                "A managed identity gets tokens of its own tenant only.",
                "Use an application's credential, or a person's sign-in, that the other tenants have consented to.",
            )
        if self.authority.token_url:
            raise UsageError(
                "A standard OAuth server has no tenants.", "Name a sign-in host of Entra ID in place of its endpoint."
            )

    def for_tenant(self, tenant: str) -> Self:
        """Return a client of the same identity for another tenant: an id (GUID) or a domain.

        It shares this client's connections and stores and costs little. Raises UsageError for what is no tenant, and
        for an identity of one tenant only.
        """
        self.check_tenants()
        runtime = self._port()
        made = type(self)("", self.client_id, self.credential, self.authority, self._stores, self._transport)
        made.authority = self.authority.for_tenant(tenant)
        made.cloud, made.profile = self.cloud, self.profile
        made._runtime = runtime  # noqa: SLF001 - a client of this class
        return made

    def _port(self) -> Any:
        """Return the port of this client's calls; made at the first one."""
        raise NotImplementedError

    def _bound(self) -> PopBinding:
        """Return this client's own proof-of-possession key, and the tokens bound to it."""
        with self._lock:
            if self._binding is None:
                from mstoken.rest.pop import PopBinding

                self._binding = PopBinding()
            return self._binding

    def _audience(self, scopes: tuple[str, ...], origin: str) -> Audience:
        from mstoken.rest.bearer_auth import Audience

        if not self.authority.knows_services:  # the catalog does not cover their tokens, whatever the scope
            return Audience(services.Target(None, scopes, " ".join(scopes)), self.cloud, origin)
        return Audience(self.target(*scopes), self.cloud, origin)

    def api_url(self, url: str, params: Mapping[str, Any] | None = None) -> str:
        """Return the full URL of an API call: a path of Azure Resource Manager is completed, `params` are added.

        Such a path begins with /subscriptions, /providers or /tenants. Raises UsageError for anything else that is
        not a URL; TypeError for one that is not text.
        """
        from mstoken.rest.addresses import full_url

        return full_url(url, params, self.cloud)

    def _call(
        self, url: str, params: Mapping[str, Any] | None, scope: str, origin: str, timeout: float | None
    ) -> tuple[str, TokenRequest, dict[str, str]]:
        """Return the full URL, the token request, and the values for the remedies' commands. Sends nothing.

        Among them is `service`, the catalogue's name of the API's service.
        """
        url = self.api_url(url, params)
        request = self._token_request_for_call(url, scope, origin, timeout)
        context = {
            "tenant": request.authority.tenant,
            "client_id": self.client_id,
            "profile": self.profile,
            "authority": (self.authority.url if self.authority.policy else self.authority.origin).removeprefix(
                "https://"
            ),
        }
        if self.authority.knows_services:
            target = self.target(services.Scope(scope) if scope else url)
            named = target.service and not target.service.needs_instance
            context["resource"] = target.service.name if target.service and named else target.resource
            context["scope"] = target.scopes[0]
            context["service"] = target.service.name if target.service else ""
        return url, request, context

    def _token_request_for_call(self, url: str, scope: str, origin: str, timeout: float | None) -> TokenRequest:
        """Return the token request for a call of `url`, after checking that the token may be sent there."""
        if not (scope or self.authority.knows_services):
            raise UsageError(
                "The URL does not tell which token it needs: that is known of Microsoft's services only.",
                advice(options="Name the scope: --scope SCOPE", python='Name the scope: scope="…"'),
            )
        wanted = services.Scope(scope) if scope else url
        self._audience((wanted,), origin).check(url)
        return self.token_request(wanted, timeout=timeout)


def restored(
    kind: type[ClientBase], authority: Authority, cloud: Cloud, client_id: str, credential: Any, profile: str
) -> ClientBase:
    """Restore a client from its pickle."""
    client = kind("", client_id, credential, authority)
    client.cloud, client.profile = cloud, profile
    return client


def _check_text(text: str, name: str) -> None:
    if not is_encodable(text):
        raise UsageError(f"{name} cannot be encoded in UTF-8.", "Set it again.")


def _check_texts(named: Any) -> None:
    """Refuse text that cannot be sent or stored: what the system returns for bytes that are not UTF-8 (PEP 383).

    File paths may be such text. Raises UsageError, which names the field and does not show its value.
    """
    for name in named.__value_fields__:
        value = getattr(named, name)
        for text in value if isinstance(value, tuple) else (value,):
            if hasattr(text, "__value_fields__"):
                _check_texts(text)
            elif isinstance(text, str) and name not in _PATHS:
                _check_text(text, f"{name} of {type(named).__name__}")
