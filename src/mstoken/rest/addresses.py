"""The address of an API call: a full URL, a service's path (`graph:/users`), or a path of Azure Resource Manager."""

from __future__ import annotations

import re

from mstoken import services
from mstoken.errors import UsageError
from mstoken.services.strict_url import redacted
from mstoken.typed import TYPE_CHECKING
from mstoken.urls import encoded_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.clouds import Cloud

_ARM_PATH = re.compile(r"/(?:subscriptions|providers|tenants)(?:[/?]|$)", re.IGNORECASE)
"""Paths that belong to Azure Resource Manager; `//host` would name another host (RFC 3986 section 4.2)."""
_OF_SERVICE = re.compile(r"([A-Za-z][\w.-]*(?::[\w.-]+)?):(/(?!/).*)", re.DOTALL)
"""A service's name, or name and instance, and a path of its API: `graph:/users`, `sharepoint:contoso:/_api/web`."""
_VERSIONED = {"graphbeta": ("graph", "/beta")}
"""Names for a version of a service: `graphbeta:/users` is `graph:/beta/users`."""
_ODATA = frozenset(
    {"apply", "count", "expand", "filter", "format", "orderby", "search", "select", "skip", "skiptoken", "top"}
)
"""OData's query options, whose $ shells replace (learn.microsoft.com/graph/query-parameters)."""
_VERSION = re.compile(r"/(?:v\d+(?:\.\d+)?|beta)(?=[/?]|$)", re.IGNORECASE)
_WEB_URL = re.compile(r"https?://[^/?#\s]+(?:[/?#]|$)", re.IGNORECASE)


def full_url(url: str, params: Mapping[str, object] | None, cloud: Cloud) -> str:
    """Return the full URL with `params` in its query: a pair for each item of a list, nothing for None.

    Raises UsageError for text that is neither a URL nor a path; TypeError for a value that is not text.
    """
    if not isinstance(url, str):
        raise TypeError(f"url is text, not of the type {type(url).__name__}.")
    if found := _OF_SERVICE.fullmatch(url):
        name, version = _VERSIONED.get(found[1].lower(), (found[1], ""))
        url = _url_of_service(name, version + found[2], cloud)
    if not (_ARM_PATH if url.startswith("/") else _WEB_URL).match(url):
        raise UsageError(
            f"{redacted(url)} is not a URL.",
            "Write the whole URL, with https://; or a service and a path: graph:/users; only a path of Azure Resource "
            "Manager may stand alone: /subscriptions…",
        )
    if url.startswith("/"):
        url = (services.resolve("arm", cloud).api_base or "").rstrip("/") + url
    if params:
        from urllib.parse import urlencode

        pairs = urlencode({name: value for name, value in params.items() if value is not None}, doseq=True)
        joint = "" if not pairs or url.endswith(("?", "&")) else "&" if "?" in url else "?"
        url += joint + pairs
    return encoded_url(url)


def is_arm_path(path: str) -> bool:
    """Return whether a path belongs to Azure Resource Manager."""
    return _ARM_PATH.match(path) is not None


def odata_name(name: str) -> str:
    """Return the name of a query parameter of Microsoft Graph: `filter` and the other options of OData get their $."""
    return f"${name}" if name.lower() in _ODATA else name


def _url_of_service(name: str, path: str, cloud: Cloud) -> str:
    """Return the URL of a path of the service's API. A path may repeat the API's own, or name another version.

    Raises UsageError for an unknown service, and for one whose API has no known address.
    """
    base = (services.resolve(name, cloud).api_base or "").rstrip("/")
    if not base:
        raise UsageError(f"The address of the API of {name} is not known.", "Write the whole URL, with https://.")
    root = re.sub(r"(?<=[^/:])/(?!/).*", "", base)  # without the API's own path, such as /v1.0 or /_api
    own = base[len(root) :]
    versions = _VERSION.match(own) and _VERSION.match(path)
    return (root if own and (versions or re.match(rf"{re.escape(own)}(?=[/?]|$)", path)) else base) + path
