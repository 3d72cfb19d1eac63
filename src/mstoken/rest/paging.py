"""Collections that an API returns in pages: the items of a page, and the request for the next one. Facts: paging.toml.

Graph does not put the request's headers into the link, and refuses the next page without them, so every page gets the
headers of the first (learn.microsoft.com/graph/paging). A link is used as it is: nothing in it is decoded.
"""

from __future__ import annotations

from functools import cache

from mstoken.rest.facts import facts
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.rest.response import ApiResponse


@value
class PageRequest:
    """The request for a page. `headers` are additional ones, `json` replaces the body; None keeps it."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, secret=True)
    json: Any = field(default=None, secret=True)

    @property
    def key(self) -> str:
        """A text that differs for each page."""
        from json import dumps

        return dumps([self.url, dict(self.headers), self.json], sort_keys=True)


@value
class PageStyle:
    """How an API returns pages: see paging.toml."""

    items: tuple[str, ...]
    links: tuple[str, ...]
    link_header: str = ""
    token_header: str = ""
    parameter: str = ""
    token_member: str = ""
    body_member: str = ""
    link_objects: bool = False
    path: str = ""


def page_style(service: str, url: str) -> PageStyle:
    """Return the style of an operation: `service` is the name in the catalogue, '' for an API outside it."""
    styles = _styles()
    path = url.partition("://")[2].partition("/")[2].partition("?")[0].rstrip("/").lower()
    for name, style in styles.items():
        if name.startswith("operation.") and f"/{path}".endswith(style.path):
            return style
    return styles.get(f"service.{service}", styles["usual"])


def page_of(document: object, style: PageStyle) -> list[Any] | None:
    """Return the items of a page; None if the document is not a collection."""
    if not isinstance(document, dict):
        return None
    if style.token_member and isinstance(document.get(style.items[0]), dict):
        return _rows(document[style.items[0]])
    return next((document[name] for name in style.items if isinstance(document.get(name), list)), None)


def _rows(table: Mapping[str, Any]) -> list[Any] | None:
    """Return the rows of Resource Graph's `resultFormat: table` as objects; None for another form."""
    columns, rows = table.get("columns"), table.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list):
        return None
    names = [str(column.get("name")) for column in columns if isinstance(column, dict)]
    return [dict(zip(names, row, strict=False)) for row in rows if isinstance(row, list)]


def next_page(
    response: ApiResponse, document: Mapping[str, Any], sent: PageRequest, style: PageStyle, body: Any
) -> PageRequest | None:
    """Return the request for the page after `response`, None after the last.

    `document` is the response's body, `sent` the request for its page, and `body` the JSON body of the first request.
    """
    if style.link_objects:
        return _by_link_object(document, sent)
    if style.token_header:
        token = response.headers.get(style.token_header, "")
        return PageRequest(_with_parameter(sent.url, style.parameter, token)) if token else None
    if style.token_member:
        return _by_body(document, sent, style, body)
    links = [response.headers.get(style.link_header, "")] if style.link_header else []
    links += [document[name] for name in style.links if isinstance(document.get(name), str)]
    link = next(filter(None, links), "")
    return PageRequest(_absolute(link, sent.url)) if link else None


def _by_link_object(document: Mapping[str, Any], sent: PageRequest) -> PageRequest | None:
    """Read Partner Center's `links.next`: a URI below the API's version, and headers such as MS-ContinuationToken."""
    links = document.get("links")
    found = links.get("next") if isinstance(links, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("uri"), str) or not found["uri"]:
        return None
    listed = found.get("headers")
    pairs = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    headers = {str(entry.get("key", "")): str(entry.get("value", "")) for entry in pairs if entry.get("key")}
    uri = found["uri"]
    if "://" in uri or uri.startswith("//"):
        return PageRequest(_absolute(uri, sent.url), headers)
    import re

    base = re.match(r"[^/]+//[^/]+(?:/[^/?]+)*?/v\d+(?:\.\d+)?(?=[/?]|$)", sent.url)
    root = base[0] if base else _absolute("/", sent.url).rstrip("/")
    path = uri if uri.startswith("/") else f"/{uri}"
    version = root.rpartition("/")[2]
    return PageRequest(root + path.removeprefix(f"/{version}" if base else ""), headers)


def _by_body(document: Mapping[str, Any], sent: PageRequest, style: PageStyle, body: Any) -> PageRequest | None:
    token, before = document.get(style.token_member), body if isinstance(body, dict) else {}
    if not isinstance(token, str) or not token:
        return None
    options = before.get(style.body_member)
    following = {**(options if isinstance(options, dict) else {}), style.token_member: token}
    return PageRequest(sent.url, json={**before, style.body_member: following})


def _with_parameter(url: str, name: str, text: str) -> str:
    """Return the URL with this parameter in place of any other of its name."""
    from urllib.parse import quote, unquote

    base, _, query = url.partition("?")
    others = [pair for pair in query.split("&") if pair and unquote(pair.partition("=")[0]).lower() != name.lower()]
    encoded = quote(text, safe="")
    return f"{base}?{'&'.join([*others, f'{name}={encoded}'])}"


def _absolute(link: str, url: str) -> str:
    """Return the link as a URL. A link to another host stays one: who sends the next request checks the origin."""
    from urllib.parse import urljoin

    return link if "://" in link else urljoin(url, link)


@cache
def _styles() -> dict[str, PageStyle]:
    return {name: PageStyle(**table) for name, table in facts("paging").items()}
