"""What user flows of Azure AD B2C and tenants of External ID support, and the scopes of user flows.

Sources: learn.microsoft.com/azure/active-directory-b2c/access-tokens (scopes; no on-behalf-of),
.../client-credentials-grant-flow, .../application-types (no device code), the discovery documents of user flows
(`token_endpoint_auth_methods_supported`: secrets only);
learn.microsoft.com/entra/external-id/customers/concept-supported-features-customers (no passwords).
"""

from __future__ import annotations

from mstoken import credentials, services
from mstoken.errors import UsageError
from mstoken.messages import advice
from mstoken.redaction import shown
from mstoken.services.target import OIDC_SCOPES
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from mstoken.authority import Authority
    from mstoken.credentials import BaseCredential, Credential

_DEFAULT = "/.default"


def check_supported(authority: Authority, credential: Credential) -> None:
    """Refuse a credential that gets no token at this authority. Raises UsageError."""
    if authority.external and isinstance(credential, credentials.Password):
        raise UsageError(
            "External ID accepts no passwords from applications.",
            "Sign in with the browser or a device code: Browser() or DeviceCode(), or mstoken login",
        )
    client: BaseCredential | None = getattr(credential, "client", None)
    for proof in (credential, client) if authority.policy else ():
        if proof is not None and not proof.serves_user_flows:
            raise UsageError(
                f"A user flow of Azure AD B2C has no tokens for {type(proof).__name__}.",
                "Sign in with the browser (Browser(), or mstoken login --browser), or use the application's secret "
                "(ClientSecret(…), or AZURE_CLIENT_SECRET).",
            )


def user_flow_scopes(
    scopes: tuple[str, ...], authority: Authority, client_id: str, *, for_user: bool
) -> tuple[str, ...]:
    """Return the scopes of a token from a user flow: permissions of one API, or the client id; else `API/.default`.

    Raises UsageError for anything else: a user flow has no tokens for Microsoft's own APIs.
    """
    words = services.plain_scopes(scopes)
    permission = f"https://{authority.tenant}/API/PERMISSION"
    wanted = [word for word in words if word.lower() not in OIDC_SCOPES]
    if not wanted:
        raise UsageError(
            f"No scope was given that the user flow {authority.policy} has an access token for.",
            f"Name permissions of an API ({permission}), or the client id {client_id} for the application's own API."
            if for_user
            else f"Name what the application was granted at an API: https://{authority.tenant}/API{_DEFAULT}",
        )
    for word in wanted:
        if for_user:
            _check_of_user(word, permission, client_id)
        else:
            _check_of_application(word)
    return words


def _check_of_user(word: str, permission: str, client_id: str) -> None:
    if word.lower() == client_id.lower():
        return
    if word.endswith(_DEFAULT):
        raise UsageError(
            f"{word} is for an application itself; a user's token names the permissions.",
            f"Write them out, such as {word.removesuffix(_DEFAULT)}/PERMISSION",
        )
    if "/" not in word.rpartition("://")[2]:
        raise _no_scope(word, f"{permission}, or the client id {client_id}")


def _check_of_application(word: str) -> None:
    if word.endswith(_DEFAULT):
        return
    scheme, _, rest = word.rpartition("://")
    if not rest or not (scheme or "/" in word):
        raise _no_scope(word, f"API{_DEFAULT}, such as https://contoso.onmicrosoft.com/orders{_DEFAULT}")
    is_permission = rest.count("/") > (1 if scheme.startswith("http") else 0)
    raise UsageError(
        f"An application's own token has everything that it was granted at an API, so its scope is API{_DEFAULT}.",
        f"Did you mean {word.rpartition('/')[0] if is_permission else word}{_DEFAULT}?",
    )


def _no_scope(word: str, right: str) -> UsageError:
    return UsageError(
        f"{shown(word)!r} is no scope of a user flow, which has tokens only for applications of its tenant.",
        f"Write {right}. For Microsoft's own APIs, sign in to the tenant itself: "
        + advice(options="--authority https://login.microsoftonline.com", python="without the authority"),
    )
