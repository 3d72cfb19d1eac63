"""What a protected resource says of its tokens: OAuth 2.0 Protected Resource Metadata (RFC 9728)."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from mstoken.errors import UnreadableAnswer, UntrustedOrigin
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import origin_of, redacted_url
from mstoken.values import value

if TYPE_CHECKING:
    from typing import Any

WELL_KNOWN = "/.well-known/oauth-protected-resource"
_MANY = 100


@value
class ProtectedResource:
    """The metadata of a resource: its authorization servers (issuer URLs) and the scopes that it knows."""

    authorization_servers: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


def metadata_urls(url: str, named: str = "") -> tuple[str, ...]:
    """Return where the metadata of the resource at `url` may be: at the URL that its challenge names, alone if it does.

    Otherwise with the resource's path inserted after the well-known one, then without (RFC 9728 section 3.1). Raises
    UntrustedOrigin for a named URL at another origin.
    """
    origin = origin_of(url, "The URL")
    if named:
        check_same_origin(named, origin, "the metadata of the server")
        return (named,)
    path = urlsplit(url).path.rstrip("/")
    return tuple(dict.fromkeys((f"{origin}{WELL_KNOWN}{path}", f"{origin}{WELL_KNOWN}")))


def parse_metadata(body: bytes, url: str) -> ProtectedResource:
    """Return the metadata in a response's body, for the resource at `url`.

    Raises UnreadableAnswer for anything else, and UntrustedOrigin if it is that of another resource (section 3.3): its
    `resource` must be the URL, or begin its path.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("resource"), str):
        raise UnreadableAnswer("The metadata of the server (RFC 9728) is not a JSON object with a resource.")
    check_same_origin(found["resource"], origin_of(url, "The URL"), "the resource in the metadata of the server")
    path, of = urlsplit(url).path.rstrip("/"), urlsplit(found["resource"]).path.rstrip("/")
    if not f"{path}/".startswith(f"{of}/"):
        raise UntrustedOrigin(
            f"The metadata of the server is for another resource, {shown(redacted_url(found['resource']))}.",
            "Give the URL of the resource.",
        )
    return ProtectedResource(_texts(found, "authorization_servers"), _texts(found, "scopes_supported"))


def check_same_origin(url: str, origin: str, what: str) -> None:
    """Raise UntrustedOrigin unless `url` is at `origin`; UsageError if it is not https, or http on loopback."""
    other = origin_of(url, what)
    if other != origin:
        raise UntrustedOrigin(
            f"The server at {origin} names another origin, {other}, for {what}; nothing was sent there.",
            "Ask whoever runs the server, or give the scope yourself: --scope SCOPE",
        )


def tenant_of_issuer(issuer: str) -> tuple[str, str]:
    """Return (host and port, tenant) of an authorization server's URL; the tenant is '' if it names none or many."""
    try:
        parts = urlsplit(issuer)
    except ValueError:
        return "", ""
    tenant = parts.path.strip("/").partition("/")[0].lower()
    return parts.netloc.lower(), "" if tenant in {"common", "organizations", "consumers"} else tenant


def _texts(found: dict[str, Any], name: str) -> tuple[str, ...]:
    texts = found.get(name)
    return tuple(text for text in texts[:_MANY] if isinstance(text, str)) if isinstance(texts, list) else ()
