"""Split a text with several scopes at spaces and at commas.

A space separates scopes in a request (RFC 6749 section 3.3), a comma in Connect-MgGraph and other tools. A scope of
Entra contains neither, but the URL of an API can contain both: `/sites/contoso.sharepoint.com,GUID,GUID`.
"""

from __future__ import annotations

from mstoken.later import Later
from mstoken.services.target import OIDC_SCOPES, Scope, is_permission, is_scope_token
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mstoken.services import resolve_errors
else:
    resolve_errors = Later("mstoken.services.resolve_errors")


def split(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the texts, each with one scope, service, resource or URL. A `Scope` stays a `Scope`.

    Raises UsageError for a URL that contains a space, instead of cutting it there.
    """
    words: list[str] = []
    for text in texts:
        found = text.replace(",", " ").split()
        if isinstance(text, Scope):
            words.extend(map(Scope, found))
        elif len(found) < 2 or not _is_api_url(found[0]):
            words.extend(found)
        elif any(letter.isspace() for letter in text.strip()):
            raise resolve_errors.space_in_url(text.strip())
        else:
            words.append(text.strip())
    return tuple(words)


def plain_scopes(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes of a standard OAuth server: split at spaces, otherwise unchanged. Raises UsageError."""
    scopes = tuple(word for text in texts for word in str(text).split())
    for scope in scopes:
        if not is_scope_token(scope):
            raise resolve_errors.no_scope(scope)
    return scopes


def _is_api_url(text: str) -> bool:
    """Return whether the text up to the first space or comma begins the URL of an API, not a scope or a resource."""
    if not text[:8].lower().startswith(("http://", "https://")):
        return False
    _, slash, path = text.partition("://")[2].partition("/")
    last = path.rpartition("/")[2]
    return "?" in text or bool(slash and path and last != ".default" and not is_permission(last))


def of_permission(word: str, resource: str) -> Scope:
    """Return the scope for a word beside a service's name, such as the permission `User.Read`.

    Raises UsageError for a word that does not have the form of a permission. Permissions of Microsoft's APIs contain a
    dot or an underscore, such as `vso.code` and `user_impersonation`. For other APIs, give the full scope.
    """
    if "/" in word or ":" in word or word.lower() in OIDC_SCOPES:
        return Scope(word)
    if "." not in word and "_" not in word:
        raise resolve_errors.no_permission(word, resource)
    return Scope(f"{resource}/{word}")
