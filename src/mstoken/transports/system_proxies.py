"""The proxy in the settings of macOS or Windows, read by the standard library."""

from __future__ import annotations

import urllib.request

from mstoken.transports.no_proxy import NoProxy
from mstoken.transports.proxies import SYSTEM_SETTING, ProxySettings, parsed_proxy


class _SystemNoProxy(NoProxy):
    """Return the system's own list of exceptions."""

    __slots__ = ()

    def match(self, host: str, port: int) -> bool:  # noqa: ARG002 - the systems' lists know no ports
        return bool(urllib.request.proxy_bypass(host))


def system_proxy_settings() -> ProxySettings:
    """Return the system's proxy. Raises UsageError for an invalid URL."""
    address = urllib.request.getproxies().get("https", "")
    if not address:
        return ProxySettings()
    # Windows gives the proxy for https without a scheme of its own, and the standard library adds that of the target.
    address = address.replace("https://", "http://", 1)
    return ProxySettings(parsed_proxy(address, SYSTEM_SETTING), _SystemNoProxy((), SYSTEM_SETTING))
