"""A proxy, and the hosts that are reached through it."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes, urlsplit

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from mstoken.transports.no_proxy import NoProxy

SYSTEM_SETTING = "The system's proxy setting"
"""The source of a proxy that no variable names: the settings of macOS or Windows."""

_PORTS = {"http": 80, "https": 443}
_OF_HOSTS = ".-_:%"
"""What stands in a host besides letters and digits: in names, and in IPv6 addresses with their zone (RFC 6874)."""
_QUOTES = frozenset("\"'`\u201c\u201d\u2018\u2019")


@value
class Proxy:
    """A proxy that tunnels TLS (CONNECT). `authorization` is the value of Proxy-Authorization, '' without a name.

    `source` is the variable or setting that names it.
    """

    scheme: str
    host: str
    port: int
    authorization: str = field(default="", secret=True)
    source: str = ""

    @property
    def url(self) -> str:
        """The URL without name and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@value
class ProxySettings:
    """The proxy, if any, and the hosts that are reached without it."""

    proxy: Proxy | None = None
    no_proxy: NoProxy | None = None

    def proxy_for(self, host: str, port: int) -> Proxy | None:
        """Return the proxy for https to `host`; None to connect directly."""
        return None if self.no_proxy is not None and self.no_proxy.match(host, port) else self.proxy


def parsed_proxy(text: str, source: str) -> Proxy:
    """Parse `http://name:password@host:port`, percent-encoded; http is the default scheme. Raises UsageError."""
    address = text.strip()
    parts = _split(address if "://" in address else f"http://{address}", source)
    if not parts.scheme:  # what stands before :// cannot be a scheme, such as a quotation mark
        raise _unparsable(source, address)
    if parts.scheme not in _PORTS:
        kind = "SOCKS proxies are" if parts.scheme.startswith("socks") else f"{parts.scheme!r} is"
        raise UsageError(
            f"{source} names a {parts.scheme} proxy; {kind} not supported.",
            f"Set {source} to an http:// or https:// proxy, or unset it.",
        )
    try:
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        raise _unparsable(source, address) from None
    host = parts.hostname or ""
    odd = not host or not port or parts.path not in {"", "/"} or parts.query or parts.fragment
    if odd or not all(letter.isalnum() or letter in _OF_HOSTS for letter in host):
        raise _unparsable(source, address)
    return Proxy(parts.scheme, host, port, _authorization(parts), source)


def _split(address: str, source: str) -> SplitResult:
    if not address.isprintable():  # urlsplit would drop line breaks
        raise _unparsable(source, address)
    try:
        return urlsplit(address)
    except ValueError:
        raise _unparsable(source, address) from None


def _authorization(parts: SplitResult) -> str:
    """Return the Basic credentials (RFC 7617) for the name and password in the URL."""
    if not parts.username and not parts.password:
        return ""
    from base64 import b64encode

    pair = unquote_to_bytes(parts.username or "") + b":" + unquote_to_bytes(parts.password or "")
    return f"Basic {b64encode(pair).decode()}"


def _unparsable(source: str, address: str) -> UsageError:
    """Return the error without the value, which may contain a password."""
    quoted = address[:1] in _QUOTES or address[-1:] in _QUOTES
    remedy = f"Write {source} without quotation marks" if quoted else f"Write {source} as http://host:port"
    return UsageError(f"{source} is not the address of a proxy.", f"{remedy}, or unset it.")
