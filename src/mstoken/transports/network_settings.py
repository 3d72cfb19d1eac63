"""How each setting about proxies and certificate authorities is read: for `mstoken doctor`, and to refuse early.

`check` raises what the first https request would raise. `described` gives one line a variable, errors included.
"""

from __future__ import annotations

from mstoken.errors import UsageError
from mstoken.hidden import ENVIRON
from mstoken.transports.no_proxy import NoProxy
from mstoken.transports.proxies import parsed_proxy
from mstoken.transports.proxy_lookup import EXCEPTION_NAMES, PROXY_NAMES, proxy_settings
from mstoken.transports.trust import BUNDLE_NAMES, STORE_NAMES, load_source, new_context, sources_of, trust_for
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@value
class NetworkSetting:
    """A variable that is set, and what it means; if it cannot be used, `error` and `remedy` say why and what to do.

    Nothing here holds the password of a proxy.
    """

    name: str
    meaning: str = ""
    error: str = ""
    remedy: str = ""


def check() -> None:
    """Raises UsageError that names the first setting that cannot be used. Touches no network."""
    proxy_settings()
    trust_for()


def described(environ: Mapping[str, str] = ENVIRON) -> tuple[NetworkSetting, ...]:
    """Each variable that is set and not empty, in the order in which they count. Touches no network."""
    return (*_proxies(environ), *_authorities(environ))


def _proxies(environ: Mapping[str, str]) -> Iterator[NetworkSetting]:
    names = [name for name in PROXY_NAMES if environ.get(name)]
    for name in names:
        try:
            url = parsed_proxy(environ[name], name).url
        except UsageError as error:
            yield NetworkSetting(name, error=error.message, remedy=error.remedy)
        else:
            yield NetworkSetting(name, f"the proxy is {url}" if name == names[0] else f"not used: {names[0]} counts")
    lists = [name for name in EXCEPTION_NAMES if environ.get(name)]
    for name in lists:
        try:
            entries = ", ".join(entry.text for entry in NoProxy.parsed(environ[name], name).entries)
        except UsageError as error:
            yield NetworkSetting(name, error=error.message, remedy=error.remedy)
        else:
            unused = "there is no proxy" if not names else f"{lists[0]} counts" if name != lists[0] else ""
            yield NetworkSetting(name, f"not used: {unused}" if unused else f"reached without the proxy: {entries}")


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
            yield NetworkSetting(name, f"trusted {role}: {environ[name]}")
