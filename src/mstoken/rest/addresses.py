"""The address of an API call, as people write it: a whole URL, or a path of Azure Resource Manager."""

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
_WEB_URL = re.compile(r"https?://[^/?#\s]+(?:[/?#]|$)", re.IGNORECASE)


def full_url(url: str, params: Mapping[str, object] | None, cloud: Cloud) -> str:
    """Return the URL with its path completed and `params` in its query: a pair for each item of a list, none for None.

    Raises UsageError for what is neither a URL nor a path of Azure Resource Manager; TypeError for what is not text.
    """
    if not isinstance(url, str):
        raise TypeError(f"url is text, not of the type {type(url).__name__}.")
    if not (_ARM_PATH if url.startswith("/") else _WEB_URL).match(url):
        raise UsageError(
            f"{redacted(url)} is not a URL.",
            "Write the whole URL, with https://; only a path of Azure Resource Manager may stand alone: "
            "/subscriptions…",
        )
    if url.startswith("/"):
        url = (services.resolve("arm", cloud).api_base or "").rstrip("/") + url
    if params:
        from urllib.parse import urlencode

        pairs = urlencode({name: given for name, given in params.items() if given is not None}, doseq=True)
        joint = "" if not pairs or url.endswith(("?", "&")) else "&" if "?" in url else "?"
        url += joint + pairs
    return encoded_url(url)
