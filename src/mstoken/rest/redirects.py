"""Where a redirect of an API leads, and whether the token goes with it.

A read is followed (RFC 9110 section 15.4), a write is not: it goes only where it was sent. The token goes only to the
origin it is for. Graph and SharePoint redirect downloads to pre-authenticated URLs elsewhere, which need no token and
may refuse one (learn.microsoft.com/graph/api/driveitem-get-content).
"""

from __future__ import annotations

from urllib.parse import urljoin

from mstoken.errors import UnreadableAnswer, UntrustedOrigin, UsageError
from mstoken.hidden import HiddenDict
from mstoken.protocol.http import REDIRECTS
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import encoded_url, origin_of, redacted_url
from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mstoken.protocol.http import HttpRequest, HttpResponse

MAX_REDIRECTS = 10
_READS = ("GET", "HEAD")
_FOR_STRANGERS = frozenset(
    ["accept", "accept-encoding", "accept-language", "if-match", "if-none-match", "if-range", "range", "user-agent"]
)
"""Headers, in lower case, that another origin gets too. Any other one may be a key, or name the caller."""


@value
class Target:
    """The URL that a redirect leads to; `with_token`: it gets the token and all headers."""

    url: str = field(repr=False)
    with_token: bool = True


def redirect_target(method: str, response: HttpResponse, visited: Sequence[Target]) -> Target | None:
    """Return where the response leads; None if it is final.

    `visited` are the URLs so far, the request's own first. Once another origin was visited, no URL gets the token: what
    a stranger names is not the caller's wish. Raises UntrustedOrigin for a target in clear or one that is no URL,
    UnreadableAnswer for one that was visited, and for too many.
    """
    where = response.headers.get("location", "")
    if response.status not in REDIRECTS or method not in _READS or not where:
        return None
    now = visited[-1]
    url, origin = resolved(now.url, where)
    if url in [target.url for target in visited]:
        raise UnreadableAnswer(f"{redacted_url(url)} redirects to itself.", "Check the URL.")
    if len(visited) > MAX_REDIRECTS:
        raise UnreadableAnswer(
            f"{redacted_url(visited[0].url)} redirects more than {MAX_REDIRECTS} times.", "Check the URL."
        )
    return Target(url, now.with_token and origin == origin_of(now.url, "The URL"))


def resolved(base: str, where: str) -> tuple[str, str]:
    """Return the URL of a Location header in a response from `base` (RFC 9110 section 10.2.2), and its origin.

    Raises UntrustedOrigin for one in clear, except from this machine to itself, with user info, or that is no URL.
    """
    try:
        url = encoded_url(urljoin(base, where.strip()).partition("#")[0])
        origin = origin_of(url, "The redirect")
    except (UsageError, ValueError):
        url, origin = where, ""
    if not origin or (origin.startswith("http:") and base.startswith("https:")):
        raise UntrustedOrigin(
            f"{redacted_url(base)} leads to {redacted_url(url)!r}, which is not https; nothing was sent there.",
            "If it is meant, request that URL yourself, without a token.",
        )
    return url, origin


def redirected(http: HttpRequest, target: Target) -> HttpRequest:
    """Return the request to the target of a redirect. Another origin gets few of the headers, and no body."""
    if target.with_token:
        return replace(http, url=target.url)
    headers = {name: text for name, text in http.headers.items() if name.lower() in _FOR_STRANGERS}
    return replace(http, url=target.url, headers=HiddenDict(headers), body=b"")
