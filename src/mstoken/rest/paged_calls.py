"""Read a collection page by page. Each page gets a token that is valid then, at the first page's origin only."""

from __future__ import annotations

from mstoken.errors import UnreadableAnswer, UntrustedOrigin, UsageError
from mstoken.messages import advice, warn
from mstoken.rest.call import call
from mstoken.rest.paging import PageRequest, next_page, page_of, page_style
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.urls import encoded_url, origin_of, redacted_url
from mstoken.values import field, replace, value

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.rest.api_request import ApiRequest
    from mstoken.rest.response import ApiResponse


@value
class Page:
    """A page: the API's response and its items; None for a response that is not a collection, such as an error."""

    response: ApiResponse
    items: list[Any] | None = field(default=None, repr=False)


def items_of(page: Page) -> list[Any]:
    """Return the items; the body of a response that is not a collection; [] for an empty one. Raises its error."""
    response = page.response.raise_for_status()
    if page.items is not None:
        return page.items
    return [response.json()] if response.body else []


async def pages(
    api: ApiRequest,
    token_request: TokenRequest,
    port: Port,
    context: Mapping[str, str] | None = None,
    max_pages: int | None = None,
) -> AsyncGenerator[Page, None]:
    """Send `api` and then the request for each further page; yield the pages as they come.

    An error response is the last page. After `max_pages`, a warning says that more follow. Raises UntrustedOrigin for a
    link that leads to another origin, which gets no request; UnreadableAnswer for a link that leads back to a page that
    was read; otherwise what `call` raises.
    """
    style, body = page_style(api.service, api.url), _json_body(api)
    sent: PageRequest | None = PageRequest(api.url)
    seen, number = set[int](), 0
    while sent is not None:
        if hash(sent.key) in seen:
            raise UnreadableAnswer(
                "The API's pages lead back to a page that was read.", "Request fewer items, for example with a filter."
            )
        seen.add(hash(sent.key))  # of the text: links may be long, and collections have many
        response = await call(_request(api, sent), token_request, port, context)
        if (tenant := response.context["tenant"]) != token_request.authority.tenant:
            token_request = replace(token_request, authority=token_request.authority.for_tenant(tenant))
        document = response.json() if response.ok and response.body else None
        items = page_of(document, style)
        sent = None if items is None else next_page(response, document or {}, sent, style, body)
        yield Page(response, items)
        number += 1
        if sent is not None:
            if number == max_pages:
                option = advice(options="--max-pages", python="max_pages")
                warn(f"Stopped after {number} page{'s' * (number > 1)}; the collection has more ({option}).")
                return
            check_page_origin(sent.url, api.url)


def _request(api: ApiRequest, sent: PageRequest) -> ApiRequest:
    """Return the request for a page: with the headers of the first, which links do not contain."""
    more = {name.lower() for name in sent.headers}
    headers = {name: text for name, text in api.headers.items() if name.lower() not in more} | dict(sent.headers)
    request = replace(api, url=encoded_url(sent.url), headers=headers)
    return request if sent.json is None else replace(request, body=b"", json=sent.json)


def _json_body(api: ApiRequest) -> Any:
    """Return the body as a value; None if it is not JSON."""
    import json

    try:
        return api.json if api.json is not None else json.loads(api.body or "null")
    except (ValueError, RecursionError):
        return None


def check_page_origin(url: str, first: str) -> None:
    """Raise UntrustedOrigin unless the page at `url` is at the origin of the `first` one."""
    own = origin_of(first, "The URL")
    try:
        origin = origin_of(encoded_url(url), "The URL")
    except UsageError:  # in clear, with a password, or no URL at all
        origin = redacted_url(url)
    if origin != own:
        raise UntrustedOrigin(
            f"The next page is at {origin}, not at {own}; nothing was sent there.",
            "If it is meant, request that URL yourself.",
        )
