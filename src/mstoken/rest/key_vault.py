"""Azure Key Vault as a store for sign-ins and secrets, with the identity of a client."""

from __future__ import annotations

from mstoken.errors import StoreError, UsageError
from mstoken.foreign import TRANSPORT, ForeignCode, guarded, refuse_awaitable
from mstoken.typed import TYPE_CHECKING, Any, Protocol
from mstoken.urls import bare_origin

if TYPE_CHECKING:
    from mstoken.flows.store_port import RefreshTokenStore
    from mstoken.model import Token
    from mstoken.protocol.http import HttpRequest, HttpResponse
    from mstoken.runtimes.blocking import Transport
    from mstoken.stores.key_vault import KeyVault

_CREDENTIAL = ForeignCode(
    "The credential given for the key vault", "Check that it gets a token elsewhere; the cause is its own.", StoreError
)


class TokenCredential(Protocol):
    """A blocking `mstoken.Client`, or any credential with azure-core's interface."""

    def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, enable_cae: bool = False
    ) -> Token: ...


def key_vault_refresh_tokens(
    vault: str, client: TokenCredential, transport: Transport | None = None
) -> RefreshTokenStore:
    """Return a store of refresh tokens in a key vault, for `Stores(tokens, refresh_tokens)`.

    `vault` is the vault's URL or host; `client` is the identity that calls the vault. The client's own sign-in must not
    be in the vault, so use an application or a managed identity. Raises UsageError.
    """
    from mstoken.stores.key_vault_refresh_tokens import KeyVaultRefreshTokens

    return KeyVaultRefreshTokens(_vault(vault, client, transport))


def key_vault_secret(vault: str, name: str, client: TokenCredential, transport: Transport | None = None) -> str:
    """Return the current value of a secret in a key vault, such as another application's secret.

    Raises UsageError if no secret has this name, StoreError if the vault cannot be reached or refuses the request.
    """
    if not name or not all(letter.isascii() and (letter.isalnum() or letter == "-") for letter in name):
        raise UsageError(f"{name!r} cannot be the name of a secret in a key vault.", "Use letters, digits and dashes.")
    found = _vault(vault, client, transport).read(name)
    if found is None:
        raise UsageError(f"{vault} has no secret {name}.", f"Make one: az keyvault secret set --name {name} …")
    return str(found.value)


def _vault(vault: str, client: TokenCredential, transport: Transport | None) -> KeyVault:
    from mstoken.stores.key_vault import KeyVault

    def get_token(scope: str, tenant: str, claims: str) -> str:
        options: dict[str, Any] = {"tenant_id": tenant or None, "claims": claims or None}
        with _CREDENTIAL:
            given = client.get_token(scope, **options)
            return refuse_awaitable(given, _CREDENTIAL.what, "Give a Client, or another blocking credential.").token

    def send(request: HttpRequest) -> HttpResponse:
        return refuse_awaitable(reached.send(request), TRANSPORT.what, "Give a blocking one.")

    if transport is None:
        from mstoken.transports.blocking import HttpTransport

        transport = HttpTransport()
    reached = guarded(transport, TRANSPORT)
    if "." not in vault and "://" not in vault:
        raise UsageError(f"{vault!r} is no host of a key vault.", f"Give it whole, such as {vault}.vault.azure.net.")
    return KeyVault(bare_origin(vault, "The key vault"), send, get_token)
