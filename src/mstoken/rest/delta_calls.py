"""Read the changes of a collection since the last run, and store where the next one begins."""

from __future__ import annotations

import os

from mstoken.errors import UsageError
from mstoken.messages import warn
from mstoken.rest.delta import LINK, DeltaState, must_start_over
from mstoken.rest.paged_calls import check_page_origin, items_of, pages
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.urls import encoded_url
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.rest.api_request import ApiRequest

_MAX_FILE = 1024 * 1024


async def changes(
    api: ApiRequest, token_request: TokenRequest, port: Port, context: Mapping[str, str], file: str
) -> AsyncGenerator[Any, None]:
    """Yield the items that have changed since the run that wrote `file`; all items if there is none.

    The file is replaced after the last item was taken, so that an interrupted run is repeated and loses nothing. If the
    link has expired, a warning says so, and all items follow. Raises what `pages` and `ApiResponse.raise_for_status`
    raise; UsageError for a file of something else, and for a collection without changes to follow.
    """
    state = DeltaState(api.url, token_request.authority.tenant)
    state = state.continued(await port.call(lambda: _read(file)), file)
    url, restarted = state.link or api.url, False
    link: Any = ""
    while not link:
        check_page_origin(url, api.url)
        restart = ""
        async for page in pages(replace(api, url=encoded_url(url)), token_request, port, context):
            response = page.response
            if not restarted and must_start_over(response):
                restart = response.headers.get("location") or api.url
                break
            for item in items_of(page):
                yield item
            document = response.json() if response.body else {}
            link = document.get(LINK, "") if isinstance(document, dict) else ""
        if not restart:
            break
        warn("The stored link has expired: this run starts over, and all items follow.")
        url, restarted = restart, True
    if not isinstance(link, str) or not link:
        raise UsageError(
            "The API returned no delta link, so the next run could not continue; nothing was stored.",
            "Use a delta function, such as graph:/users/delta.",
        )
    content = replace(state, link=link).encode()
    await port.call(lambda: _write(file, content))


def _read(name: str) -> bytes | None:
    """Return the file's content; None if there is none. Raises UsageError."""
    try:
        with open(os.path.expanduser(name), "rb") as file:  # noqa: PTH123, PTH111 - pathlib takes longer than the rest
            return file.read(_MAX_FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{name!r} cannot be read: {error.strerror}.", "Check its path.") from None


def _write(name: str, content: bytes) -> None:
    """Replace the file (0600): whole, or not at all. Raises UsageError."""
    from pathlib import Path

    path = Path(name).expanduser()
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(file, "wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"{name!r} cannot be written: {error.strerror}; the next run repeats these changes.", "Check its path."
        ) from None
