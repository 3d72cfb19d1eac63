"""Add what Microsoft Graph needs for an advanced query on directory objects: ConsistencyLevel, and $count.

Rule (learn.microsoft.com/graph/aad-advanced-queries): `$search`; `$filter` with ne, not, endsWith or $count; `$filter`
with `$orderby`; `$count=true`; and the segment `/$count` need the header `ConsistencyLevel: eventual`. Those with
$filter also need `$count=true`. Without them Graph refuses the query, or silently leaves the count out.
"""

from __future__ import annotations

import re

from mstoken.rest.facts import facts
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HEADER = "ConsistencyLevel"
_STRINGS = r"'(?:[^']|'')*'"
_ADVANCED = r"\b(?:ne|not|endswith)\b|\$count\b"


def advanced_query(url: str, headers: Iterable[str]) -> tuple[str, bool]:
    """Return the URL of a GET request with `$count=true` if it needs that, and whether it needs the header.

    `headers` are the names that the caller gives; whoever sets ConsistencyLevel decides everything.
    """
    if any(name.lower() == HEADER.lower() for name in headers):
        return url, False
    address, _, query = url.partition("?")
    options = _options(query)
    counted = address.lower().rstrip("/").endswith("/$count")
    if not _of_directory(address):
        return url, False
    filtered = options.get("filter", "")
    needs_count = bool(filtered) and ("orderby" in options or bool(_finds(_ADVANCED, filtered)))
    if needs_count and not counted and "count" not in options:
        url += "&$count=true"
    needed = counted or needs_count or "search" in options or options.get("count", "").lower() == "true"
    return url, needed


def _options(query: str) -> dict[str, str]:
    """Return the OData options, decoded, by name in lower case without the $ (which is optional)."""
    from urllib.parse import parse_qsl

    return {name.lower().removeprefix("$"): text for name, text in parse_qsl(query, keep_blank_values=True)}


def _finds(pattern: str, filtered: str) -> bool:
    """Return whether the filter has a match outside its strings."""
    return re.search(pattern, re.sub(_STRINGS, "''", filtered), re.IGNORECASE) is not None


def _of_directory(address: str) -> bool:
    """Return whether the path names a collection of directory objects."""
    from urllib.parse import unquote

    segments = [part for part in unquote(address.partition("://")[2]).lower().split("/")[2:] if part]
    while segments and (segments[-1] == "$count" or segments[-1].startswith("microsoft.graph.")):
        segments.pop()
    names = facts("graph_queries")["collections"]
    return bool(segments) and segments[-1] in names["names"] and not set(segments) & set(names["others"])
