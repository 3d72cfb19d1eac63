"""The settings about proxies and certificate authorities as mstoken reads them, for `mstoken doctor`.

`described` returns one entry for each variable; an invalid one has the error that the first https request raises.
"""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.hidden import ENVIRON
from mstoken.redaction import shown_path
from mstoken.transports.no_proxy import NoProxy
from mstoken.transports.proxies import SYSTEM_SETTING, parsed_proxy
from mstoken.transports.proxy_lookup import EXCEPTION_NAMES, PROXY_NAMES, proxy_settings
from mstoken.transports.trust import BUNDLE_NAMES, STORE_NAMES, load_source, new_context, sources_of
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HTTP_NAMES = ("http_proxy", "HTTP_PROXY")
"""Variables of other tools that mstoken does not use. They are listed here so that doctor says so."""


@value
class NetworkSetting:
    """A variable that is set, and its meaning; if it is invalid, `error` and `remedy` explain it.

    It never contains the password of a proxy.
    """

    name: str
    meaning: str = ""
    error: str = ""
    remedy: str = ""


def described(environ: Mapping[str, str] = ENVIRON) -> tuple[NetworkSetting, ...]:
    """Return each variable that is set, by precedence. Uses no network."""
    return (*_proxies(environ), *_unused(environ), *_authorities(environ), *_empty(environ))


def _proxies(environ: Mapping[str, str]) -> Iterator[NetworkSetting]:
    names = [name for name in PROXY_NAMES if environ.get(name)]
    if not names:
        yield from _system_proxy()
    for name in names:
        try:
            proxy = parsed_proxy(environ[name], name)
        except UsageError as error:
            yield NetworkSetting(name, error=error.message, remedy=error.remedy)
        else:
            identified = ", with a name and a password" if proxy.authorization else ""
            used = f"the proxy is {proxy.url}{identified}"
            yield NetworkSetting(name, used if name == names[0] else f"not used: {names[0]} counts")
    lists = [name for name in EXCEPTION_NAMES if environ.get(name)]
    for name in lists:
        try:
            entries = ", ".join(entry.text for entry in NoProxy.parsed(environ[name], name).entries)
        except UsageError as error:
            yield NetworkSetting(name, error=error.message, remedy=error.remedy)
        else:
            unused = "there is no proxy" if not names else f"{lists[0]} counts" if name != lists[0] else ""
            yield NetworkSetting(name, f"not used: {unused}" if unused else f"reached without the proxy: {entries}")


def _system_proxy() -> Iterator[NetworkSetting]:
    """Return the proxy in the settings of macOS or Windows, which is used if no variable names one."""
    try:
        proxy = proxy_settings({}).proxy
    except UsageError as error:
        yield NetworkSetting(SYSTEM_SETTING, error=error.message, remedy=error.remedy)
    else:
        if proxy:
            yield NetworkSetting(SYSTEM_SETTING, f"the proxy is {proxy.url}")


def _unused(environ: Mapping[str, str]) -> Iterator[NetworkSetting]:
    for name in HTTP_NAMES:
        if environ.get(name):
            yield NetworkSetting(name, "not used: mstoken sends plain http to this machine only")


def _empty(environ: Mapping[str, str]) -> Iterator[NetworkSetting]:
    for name in (*PROXY_NAMES, *EXCEPTION_NAMES, *HTTP_NAMES, *STORE_NAMES, *BUNDLE_NAMES):
        if environ.get(name) == "":
            yield NetworkSetting(name, "not used: set, but empty")


def _authorities(environ: Mapping[str, str]) -> Iterator[NetworkSetting]:
    for name in (*STORE_NAMES, *BUNDLE_NAMES):
        if not environ.get(name):
            continue
        try:
            for source in sources_of(name, environ[name]):
                load_source(new_context(), source)
        except UsageError as error:
            yield NetworkSetting(name, error=error.message, remedy=error.remedy)
        else:
            role = "instead of the system's certificates" if name in STORE_NAMES else "besides the other certificates"
            yield NetworkSetting(name, f"trusted {role}: {shown_path(environ[name])}")
