"""Strict URL parsing, so that one host cannot be mistaken for another.

A token is sent to the host of a URL. Everything that clients parse in different ways (user information, backslashes,
control characters, encoded or non-ASCII host names) is therefore refused, not repaired. Sources: RFC 3986 section 3.2;
the WHATWG URL standard for the behavior of browsers and many clients.
"""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.values import value

_HOST_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_")


@value
class HttpUrl:
    """The parts of an http(s) URL: host in lower case, port None for the scheme's default, path as given or empty."""

    scheme: str
    host: str
    port: int | None
    path: str
    has_query: bool

    @property
    def origin(self) -> str:
        """Scheme, host and port, as a URL without a path."""
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "")

    @property
    def identifier(self) -> str:
        """The URL without query and fragment, which is the form of a resource's identifier URI."""
        return self.origin + self.path


def parse_url(text: str) -> HttpUrl:
    """Parse an `https:` or `http:` URL. Raises UsageError for one that programs parse in different ways."""
    if any(letter.isspace() or not letter.isprintable() or letter == "\\" for letter in text):
        raise _refuse(text, "it holds a backslash, a space or a control character")
    scheme, _, rest = text.partition(":")
    if not rest.startswith("//") or rest.startswith("///"):
        raise _refuse(text, "after the scheme comes exactly // and then the host")
    end = next((at for at, letter in enumerate(rest) if at >= 2 and letter in "/?#"), len(rest))
    authority, tail = rest[2:end], rest[end:]
    if "@" in authority:
        raise _refuse(text, "it has a user name before the host")
    host, colon, digits = authority.partition(":")
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if not all(labels) or not _HOST_LETTERS.issuperset(host) or len(host) > 253:
        raise _refuse(text, "its host is no plain ASCII host name")
    path = tail.partition("#")[0].partition("?")[0]
    return HttpUrl(scheme.lower(), host, _port(text, scheme.lower(), digits) if colon else None, path, path != tail)


def _port(text: str, scheme: str, digits: str) -> int | None:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 0 < int(digits) < 65536):
        raise _refuse(text, "its port is no number from 1 to 65535")
    port = int(digits)
    return None if port == {"https": 443, "http": 80}.get(scheme) else port


def _refuse(text: str, reason: str) -> UsageError:
    return UsageError(
        f"{redacted(text)} is not a URL mstoken will send a token to: {reason}.", "Write it as https://host/path."
    )


def redacted(text: str) -> str:
    """Return `text` for an error message, without possible secrets: a query, a user name, a token given as a name."""
    plain = text.partition("?")[0].partition("#")[0]
    if "@" in plain:
        plain = "…@" + plain.rpartition("@")[2]
    if "~" in plain or (len(plain) > 80 and "://" not in plain):
        return f"a text of {len(text)} characters"
    return repr(plain[:120])
