"""URLs that people and settings give. They mean what they say: no part is cut, decoded or re-encoded silently.

What cannot stand in a URL and has one encoding is sent in that (RFC 3987 section 3.1: spaces, quotation marks, letters
beyond ASCII). What could mean two things is refused, with the spelling of either.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from mstoken.errors import UsageError
from mstoken.redaction import mistake_in, shown

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_LONGEST_SHOWN = 300
_CONTROL = r"[\x00-\x1f\x7f]"
_LONE_PERCENT = r"%(?![0-9A-Fa-f]{2})"
_UNESCAPED = "!#$%&'()*+,-./:;=?@[]_~|^{}\\"
"""Characters of a path and query that stay: all but those that would end it or that RFC 3986 leaves no room for."""


def redacted_url(url: str) -> str:
    """The URL or host as messages and lists may show it: user info, query and fragment can hold a secret."""
    if mistake_in(url):
        return shown(url)
    scheme, mark, rest = url.partition("://")
    if not mark or "@" in scheme:
        scheme, mark, rest = "", "", url
    user, at, host = rest.rpartition("@")
    return f"{scheme}{mark}{'…@' if user or at else ''}{host.partition('?')[0].partition('#')[0]}"


def check_url(url: str, name: str) -> None:
    """Raise UsageError, with the right spelling, for a URL that programs read in different ways or would cut.

    `name` names it at the beginning of the message: "The URL", a setting.
    """
    if url.isprintable() and not ("\\" in url or "#" in url or "%" in url):  # every request passes here
        return
    if re.search(_CONTROL, url):
        raise UsageError(f"{name} has a line break or another control character.", "Take it out.")
    if "\\" in url:
        raise UsageError(f"{name} has a backslash, which some programs read as a slash.", _spelled(url, "\\", "%5C"))
    if "#" in url:
        raise UsageError(f"{name} has a #, and what follows one is never sent.", _spelled(url, "#", "%23"))
    if re.search(_LONE_PERCENT, url):
        raise UsageError(f"{name} has a % that begins no percent-encoding.", _spelled(url, "%", "%25"))


def _spelled(url: str, letter: str, code: str) -> str:
    """The remedy: how to write the letter, and the URL so written where nothing in it can be a secret."""
    encoded = re.sub(_LONE_PERCENT, code, url) if letter == "%" else url.replace(letter, code)
    guest = encoded.replace("%23EXT%23@", "")  # the mark in the user name of a guest, and no password's end
    if len(encoded) > _LONGEST_SHOWN or not encoded.isprintable() or set("?=@") & set(guest):
        return f"Write {code} for it."
    return f"Write {code} for it: {encoded}"


def encoded_target(url: str) -> tuple[str, str]:
    """A URL as (scheme and authority, path and query as they are sent). Raises UsageError."""
    check_url(url, "The URL")
    start = url.find("//") + 2
    ends = [end for end in (url.find("/", start), url.find("?", start)) if end > 0]
    end = min(ends, default=len(url)) if start > 1 else 0
    target = url[end:] if url.startswith("/", end) else f"/{url[end:]}"
    if not (target.isascii() and target.isprintable() and " " not in target):
        try:
            target = quote(target, safe=_UNESCAPED)
        except UnicodeEncodeError:
            raise UsageError("The URL has a character that cannot be encoded in UTF-8.", "Take it out.") from None
    return url[:end], target


def encoded_url(url: str) -> str:
    """The URL as it is sent; what is encoded already stays. Raises UsageError."""
    return "".join(encoded_target(url))


def origin_of(url: str, name: str) -> str:
    """The origin (scheme, host, port) of a host or a URL, whatever path it has.

    Only https, or http to loopback, and nothing that could hide another host: user info, backslashes, spaces.
    Raises UsageError; `name` names the setting in the message.
    """
    if mistake := mistake_in(url):
        raise UsageError(f"{name} is {mistake}, and not a URL.", "Give it like https://login.microsoftonline.com")
    text, quoted = url.strip(), redacted_url(url)
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(f"{name} {quoted!r} is not a URL.", "Give it like https://login.microsoftonline.com") from None
    host = parts.hostname or ""
    if not host or "@" in parts.netloc or "\\" in text or text.split() != [text]:
        raise UsageError(f"{name} {quoted!r} is not a host or a URL.", "Give it like https://login.microsoftonline.com")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise UsageError(f"{name} {quoted!r} is not https; secrets are not sent in clear.", "Use an https:// URL.")
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}" + (f":{port}" if port and (parts.scheme, port) != ("https", 443) else "")


def bare_origin(url: str, name: str) -> str:
    """The origin of a host or a URL that ends after it: a path or query there would be lost. Raises UsageError."""
    origin = origin_of(url, name)
    rest = path_of(url)
    if rest not in {"", "/"}:
        raise UsageError(
            f"{name} {redacted_url(url)!r} goes on after the host; that part would be lost.", f"Write {origin}"
        )
    return origin


def path_of(url: str) -> str:
    """What follows scheme and authority, fragment included; '' where nothing does."""
    rest = url.strip().partition("://")[2] or url.strip()
    found = re.search(r"[/?#]", rest)
    return rest[found.start() :] if found else ""
