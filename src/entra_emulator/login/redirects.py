"""Redirect URIs: find the registered one, and add a response to it.

Source: learn.microsoft.com/entra/identity-platform/reply-url. They are compared as text, with letter case in the path
and without wildcards; on localhost and 127.0.0.1 the port is ignored (RFC 8252 section 7.3).
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

from entra_emulator.model import App

Kind = Literal["spa", "other"]
_LOOPBACK = ("localhost", "127.0.0.1")


def registered_as(app: App, redirect_uri: str) -> Kind | None:
    """Return the type under which the URI is registered, None if it is not."""
    wanted = _comparable(redirect_uri)
    if any(_comparable(own) == wanted for own in app.spa_redirect_uris):
        return "spa"
    return "other" if any(_comparable(own) == wanted for own in app.redirect_uris) else None


def _comparable(uri: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(uri)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return ("not a URI", uri)
    if parts.scheme not in ("http", "https"):
        return (uri,)
    shown = "" if host in _LOOPBACK or port is None else str(port)
    return (parts.scheme, host, shown, parts.path or "/", parts.query, parts.fragment)


def with_answer(redirect_uri: str, answer: Mapping[str, str], response_mode: str) -> str:
    """Return the URI with the response in its query or fragment. As at Entra, a URI without a path gets a slash."""
    parts = urlsplit(redirect_uri)
    text = urlencode(answer)
    path = parts.path or ("/" if parts.scheme in ("http", "https") else "")
    if response_mode == "fragment":
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, text))
    query = f"{parts.query}&{text}" if parts.query else text
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))
