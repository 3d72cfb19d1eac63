"""The proxy settings of this process: the environment's, else the system's on macOS and Windows.

HTTPS_PROXY, else ALL_PROXY, names the proxy; NO_PROXY lists the hosts reached without it. The lower-case spelling wins
where both are set, as in curl and requests. Plain http is for servers of this machine only, and never uses a proxy.
"""

from __future__ import annotations

import sys

from mstoken.hidden import ENVIRON
from mstoken.transports.proxies import ProxySettings, parsed_proxy
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROXY_NAMES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
EXCEPTION_NAMES = ("no_proxy", "NO_PROXY")


def proxy_settings(environ: Mapping[str, str] = ENVIRON) -> ProxySettings:
    """Return the settings of the environment, else of the system. Raises UsageError for an invalid one."""
    name = next((name for name in PROXY_NAMES if environ.get(name)), "")
    if name:
        excepted = next((name for name in EXCEPTION_NAMES if environ.get(name)), "")
        proxy = parsed_proxy(environ[name], name)
        if not excepted:
            return ProxySettings(proxy)

        from mstoken.transports.no_proxy import NoProxy

        return ProxySettings(proxy, NoProxy.parsed(environ[excepted], excepted))
    if sys.platform in {"darwin", "win32"}:
        from mstoken.transports.system_proxies import system_proxy_settings

        return system_proxy_settings()
    return ProxySettings()
