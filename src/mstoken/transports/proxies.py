"""The proxy for a host, from the environment or from the system's settings on macOS and Windows.

HTTPS_PROXY, else ALL_PROXY, names the proxy; NO_PROXY lists the hosts reached without it. The lower-case spelling wins
where both are set, as in curl and requests. Plain http is for servers of this machine only, and never uses a proxy.
"""

from __future__ import annotations

import os
import sys
from urllib.parse import unquote_to_bytes, urlsplit

from mstoken.errors import UsageError
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from mstoken.transports.no_proxy import NoProxy

_PROXY_NAMES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_EXCEPTION_NAMES = ("no_proxy", "NO_PROXY")
_PORTS = {"http": 80, "https": 443}


@value
class Proxy:
    """A proxy that tunnels TLS (CONNECT). `authorization` is the value of Proxy-Authorization, '' without a name.

    `source` is the variable or setting that names it.
    """

    scheme: str
    host: str
    port: int
    authorization: str = field(default="", repr=False)
    source: str = ""

    @property
    def url(self) -> str:
        """The address without name and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@value
class ProxySettings:
    """The proxy, if there is one, and the hosts that are reached without it."""

    proxy: Proxy | None = None
    no_proxy: NoProxy | None = None

    def proxy_for(self, host: str, port: int) -> Proxy | None:
        """The proxy for https to `host`; None to connect directly."""
        return None if self.no_proxy is not None and self.no_proxy.match(host, port) else self.proxy


def proxy_settings(environ: Mapping[str, str] = os.environ) -> ProxySettings:
    """What the environment says, else the system. Raises UsageError that names what does not parse."""
    name = next((name for name in _PROXY_NAMES if environ.get(name)), "")
    if name:
        excepted = next((one for one in _EXCEPTION_NAMES if environ.get(one)), "")
        proxy = parsed_proxy(environ[name], name)
        if not excepted:
            return ProxySettings(proxy)
        from mstoken.transports.no_proxy import NoProxy

        return ProxySettings(proxy, NoProxy.parsed(environ[excepted], excepted))
    if sys.platform in {"darwin", "win32"}:
        from mstoken.transports.system_proxies import system_proxy_settings

        return system_proxy_settings()
    return ProxySettings()


def parsed_proxy(text: str, source: str) -> Proxy:
    """`http://name:password@host:port`, percent-encoded where needed; http is the default scheme. Raises UsageError."""
    address = text.strip()
    parts = _split(address if "://" in address else f"http://{address}", source)
    if parts.scheme not in _PORTS:
        kind = "SOCKS proxies are" if parts.scheme.startswith("socks") else f"{parts.scheme!r} is"
        raise UsageError(
            f"{source} names a {parts.scheme} proxy; {kind} not supported.",
            f"Set {source} to an http:// or https:// proxy, or unset it.",
        )
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise _unparsable(source) from None
    host = parts.hostname or ""
    odd = not host or parts.path not in {"", "/"} or parts.query or parts.fragment
    if odd or not all(letter.isprintable() and not letter.isspace() for letter in host):
        raise _unparsable(source)
    return Proxy(parts.scheme, host, port, _authorization(parts), source)


def _split(address: str, source: str) -> SplitResult:
    if not address.isprintable():  # urlsplit would drop line breaks
        raise _unparsable(source)
    try:
        return urlsplit(address)
    except ValueError:
        raise _unparsable(source) from None


def _authorization(parts: SplitResult) -> str:
    """RFC 7617, of the name and password in the address."""
    if not parts.username and not parts.password:
        return ""
    from base64 import b64encode

    pair = unquote_to_bytes(parts.username or "") + b":" + unquote_to_bytes(parts.password or "")
    return f"Basic {b64encode(pair).decode()}"


def _unparsable(source: str) -> UsageError:
    """The value may hold a password, so it is not shown."""
    return UsageError(f"{source} is not the address of a proxy.", f"Write {source} as http://host:port, or unset it.")
