"""The tokens for one MCP server: which scopes it wants, and what its refusals ask for.

Sources: modelcontextprotocol.io/specification, Authorization; RFC 9728; RFC 6750 section 3. Entra ID refuses the
parameter `resource` of RFC 8707 if it does not fit the scopes (AADSTS9010010), and needs none: a v2.0 scope names its
resource.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from mstoken.errors import UnreadableAnswer, UntrustedOrigin, UsageError
from mstoken.forks import call_lock
from mstoken.protocol.challenge import bearer_challenge, challenged_claims
from mstoken.protocol.http import HttpRequest
from mstoken.protocol.protected_resource import metadata_urls, parse_metadata, tenant_of_issuer
from mstoken.redaction import shown
from mstoken.rest.origin import check_origin
from mstoken.services import Scope
from mstoken.services.catalogue import split_scope
from mstoken.services.target import OIDC_SCOPES
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mstoken.client import Client
    from mstoken.model import Token
    from mstoken.protocol.protected_resource import ProtectedResource
    from mstoken.transports.blocking import HttpTransport

_MOST_SCOPES = 20
_MOST_TOKENS = 3
"""Tokens with which one request is sent at most."""


class Access:
    """Gets the token of each request to the server at `url`, for several threads.

    `scopes` are the user's choice; without them, the server's metadata names them after its first 401, and until then
    no token is sent. `tenant_chosen`: the user named the tenant, so the server's does not count. `notify` gets a line
    when it is known which tokens go to the server. The methods raise what `Client.get_token` raises.
    """

    def __init__(
        self,
        url: str,
        client: Client,
        transport: HttpTransport,
        notify: Callable[[str], None],
        *,
        scopes: Sequence[str] = (),
        tenant_chosen: bool = False,
    ) -> None:
        self.origin = origin_of(url, "The URL of the server")
        self._url, self._client, self._transport, self._notify = url, client, transport, notify
        self._tenant_chosen, self._tenant, self._claims = tenant_chosen, "", ""
        self._chosen = bool(scopes)
        self._scopes: tuple[str, ...] = tuple(scopes)
        self._lock = call_lock()

    def token(self) -> Token | None:
        """Return the token to send; None as long as the server has not asked for one."""
        return self._get(self._scopes, self._claims) if self._scopes else None

    def after_refusal(self, status: int, challenge: str, sent: Token | None, attempt: int) -> Token | None:
        """Return the token with which to send a refused request again; None if none would help.

        `challenge` is the WWW-Authenticate header of the 401 or 403, `sent` the token that it had, `attempt` how often
        the request was sent with one. Raises UntrustedOrigin and UsageError for a server that asks for what it must not
        get.
        """
        parameters = bearer_challenge(challenge)
        if status == 403:
            lacking = parameters.get("error", "").lower() == "insufficient_scope" and attempt < _MOST_TOKENS
            return self._with_more(parameters.get("scope", "").split()) if lacking else None
        if sent is None:
            with self._lock:
                if not self._scopes:
                    self._discover(parameters)
            return self.token()
        claims = challenged_claims(challenge)
        if claims and claims != self._claims and attempt < _MOST_TOKENS:
            self._claims = claims
            return self.token()
        return self._get(self._scopes, self._claims, fresh=True) if attempt == 1 and not claims else None

    def _get(self, scopes: tuple[str, ...], claims: str, *, fresh: bool = False) -> Token:
        # The capability "cp1", which lets a resource revoke tokens, belongs to who answers its claims challenges.
        return self._client.get_token(
            *map(Scope, scopes) if not self._chosen else scopes,
            claims=claims or None,
            tenant_id=self._tenant or None,
            enable_cae=True,
            fresh=fresh,
        )

    def _with_more(self, wanted: Sequence[str]) -> Token | None:
        """Return a token with the scopes that the server requires for one request, of the same resource only."""
        resource = split_scope(self._scopes[0])[0] if self._scopes else ""
        more = self._requested(wanted)
        if not more or self._chosen or split_scope(more[0])[0] != resource:
            return None
        if set(more) <= set(self._scopes):
            return None
        self._scopes = tuple(dict.fromkeys((*self._scopes, *more)))
        return self.token()

    def _discover(self, challenge: dict[str, str]) -> None:
        """Find the scopes: the challenge's come first, then those of the metadata."""
        found = self._metadata(challenge.get("resource_metadata", ""))
        tenant = self._tenant_of(found)
        scopes = self._requested(challenge.get("scope", "").split()) or self._requested(found.scopes)
        if not scopes:
            raise UsageError(
                "The server does not say which scope its tokens need.",
                "Give it: --scope api://APPLICATION/SCOPE",
            )
        self._check_trusted(scopes)
        self._scopes, self._tenant = scopes, "" if self._tenant_chosen else tenant
        self._notify(f"Tokens with {' '.join(map(shown, scopes))} go to {self.origin}.")

    def _metadata(self, named: str) -> ProtectedResource:
        for url in metadata_urls(self._url, named):
            response = self._transport.send(HttpRequest("GET", url, {"Accept": "application/json"}))
            if response.status == 200:
                return parse_metadata(response.body, self._url)
        raise UnreadableAnswer(
            "The server asks for a token and does not say for which one: it has no metadata (RFC 9728).",
            "Give the scope: --scope api://APPLICATION/SCOPE",
        )

    def _tenant_of(self, found: ProtectedResource) -> str:
        """Return the tenant that the server names. Raises UsageError if it does not take tokens of this identity."""
        if not found.authorization_servers:
            return ""
        ours = {urlsplit(self._client.authority.origin).netloc.lower(), *self._client.cloud.login_hosts}
        for issuer in found.authorization_servers:
            host, tenant = tenant_of_issuer(issuer)
            if host in ours:
                return tenant
        raise UsageError(
            f"The server takes tokens of {shown(found.authorization_servers[0])}, and this identity's are of "
            f"{self._client.authority.origin}.",
            "Choose another identity or --cloud. If the server takes Entra ID's tokens all the same, give --scope.",
        )

    def _requested(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return the scopes to request: those of one resource; `.default` for who is not a user.

        Scopes of OpenID Connect are left out: they belong to a sign-in. Raises UsageError for scopes without resource,
        which Entra ID would take for Microsoft Graph's, and for those of several resources.
        """
        scopes = [text for text in texts[:_MOST_SCOPES] if text.lower() not in OIDC_SCOPES]
        for scope in scopes:
            if "/" not in scope:
                raise UsageError(
                    f"The server asks for the scope {shown(scope)}, which names no resource.",
                    "Give it with its resource: --scope api://APPLICATION/SCOPE",
                )
        resources = list(dict.fromkeys(split_scope(scope)[0] for scope in scopes))
        if len(resources) > 1:
            raise UsageError(
                f"The server asks for scopes of several resources: {', '.join(map(shown, resources))}.",
                "A token has one of them. Choose it: --scope SCOPE",
            )
        if scopes and self._client.credential.acts_for_user is not True:
            return (f"{resources[0]}/.default",)
        return tuple(scopes)

    def _check_trusted(self, scopes: tuple[str, ...]) -> None:
        """Refuse tokens that would let the server act elsewhere: what it asks for must be its own.

        A server could name any API that this identity can use, and call it with the token. So the resource must have
        the server's host in its identifier, or belong to a Microsoft service whose API is there. Other scopes are the
        user's to choose.
        """
        resource = split_scope(scopes[0])[0]
        host = urlsplit(self.origin).hostname or ""
        parts = urlsplit(resource)
        if parts.scheme in {"api", "https"} and (parts.hostname or "").lower() == host:
            return
        try:
            check_origin(self._url, self._client.target(Scope(scopes[0])), self._client.cloud)
        except UntrustedOrigin:
            raise UntrustedOrigin(
                f"{self.origin} asks for tokens with {shown(' '.join(scopes), 300)}, and nothing shows that these are "
                "its own: it could call another API with them. Nothing was sent.",
                f"If that is its API, name the scope: --scope '{shown(' '.join(scopes), 300)}'",
            ) from None
