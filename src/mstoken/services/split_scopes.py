"""One text with several scopes, split where OAuth and people split it: at spaces and at commas.

A space separates scopes in a request (RFC 6749 section 3.3), a comma in Connect-MgGraph and other tools. Neither can be
in a scope of Entra, but both can be in the URL of an API: `/sites/contoso.sharepoint.com,GUID,GUID`.
"""

from __future__ import annotations

from mstoken.services import resolve_errors
from mstoken.services.target import OIDC_SCOPES, Scope, is_permission, is_scope_token
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def split(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts, one scope, service, resource or URL each; what is a `Scope` stays one.

    Raises UsageError for a URL with a space in it: it is not cut there.
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
    """The scopes of a standard OAuth server, split at spaces and otherwise as they are. Raises UsageError."""
    scopes = tuple(word for text in texts for word in str(text).split())
    for scope in scopes:
        if not is_scope_token(scope):
            raise resolve_errors.no_scope(scope)
    return scopes


def _is_api_url(text: str) -> bool:
    """Whether the text up to the first space or comma begins the URL of an API, and is no scope or resource."""
    if not text[:8].lower().startswith(("http://", "https://")):
        return False
    _, slash, path = text.partition("://")[2].partition("/")
    last = path.rpartition("/")[2]
    return "?" in text or bool(slash and path and last != ".default" and not is_permission(last))


def of_permission(word: str, resource: str) -> Scope:
    """The scope that a word beside a service's name means: `User.Read` is one of the service's permissions.

    Raises UsageError for a word that names no permission. Those of Microsoft's APIs have a dot or an underscore, as
    `vso.code` and `user_impersonation`; one of another API is given as a scope in full.
    """
    if "/" in word or ":" in word or word.lower() in OIDC_SCOPES:
        return Scope(word)
    if "." not in word and "_" not in word:
        raise resolve_errors.no_permission(word, resource)
    return Scope(f"{resource}/{word}")
