"""NO_PROXY: which hosts are reached without the proxy.

The list has no standard. Entries are separated by commas or blanks. `*` stands for every host; a domain, with or
without a leading dot or `*.`, for itself and its subdomains; an address for itself; CIDR for its addresses; `:port` at
the end narrows any of them. The rules are those of curl and Go (golang.org/x/net/http/httpproxy) where they agree.
"""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network


@value
class Entry:
    """One entry. `domain` is '' for all hosts, else a name without a leading dot; `port` 0 stands for every port."""

    text: str
    domain: str = ""
    network: IPv4Network | IPv6Network | None = None
    port: int = 0

    def matches(self, host: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
        """Return whether the entry covers the host; `address` is the host if it is an IP address."""
        if self.port and self.port != port:
            return False
        if self.network is not None:
            return address is not None and address.version == self.network.version and address in self.network
        return not self.domain or host == self.domain or host.endswith(f".{self.domain}")


@value
class NoProxy:
    """The whole list. `source` is its variable or setting."""

    entries: tuple[Entry, ...] = ()
    source: str = ""

    @classmethod
    def parsed(cls, text: str, source: str) -> NoProxy:
        """Parse a list. Raises UsageError with the first invalid entry."""
        return cls(tuple(_entry(entry, source) for entry in text.replace(",", " ").split()), source)

    def match(self, host: str, port: int) -> bool:
        """Return whether `host` (without brackets) is reached without the proxy."""
        if not self.entries:
            return False
        name = host.rstrip(".").lower()
        address = _address(name)
        return any(entry.matches(name, address, port) for entry in self.entries)


def _entry(text: str, source: str) -> Entry:
    host, port = _port_apart(text, source)
    if host == "*":
        return Entry(text, port=port)
    bare = host.removeprefix("[").removesuffix("]")
    if "/" in bare or _address(bare) is not None:
        from ipaddress import ip_network

        try:
            return Entry(text, network=ip_network(bare, strict=False), port=port)
        except ValueError:
            raise _no_entry(text, source) from None
    domain = host.removeprefix("*.").strip(".").lower()
    if not domain or not domain.isprintable() or any(letter in "*:/[]@?#%\\" for letter in domain):
        raise _no_entry(text, source)
    return Entry(text, domain, port=port)


def _port_apart(text: str, source: str) -> tuple[str, int]:
    """An IPv6 address without brackets has no port: all of its colons belong to the address."""
    host, colon, port = text.rpartition(":")
    if not colon or ":" in host.partition("]")[2] or (":" in host and not host.startswith("[")):
        return text, 0
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65_536):
        if host.startswith("[") and not host.endswith("]"):
            return text, 0
        raise _no_entry(text, source)
    return host, int(port)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return `text` as an address; None for a name."""
    if not (":" in text or text[-1:].isdecimal()):
        return None
    from ipaddress import ip_address

    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _no_entry(text: str, source: str) -> UsageError:
    return UsageError(
        f"{source} has the entry {shown(text)!r}, which is no host, domain, address or network.",
        f"Correct it, such as {source}=localhost,.example.com,10.0.0.0/8,[::1]:8443",
    )
