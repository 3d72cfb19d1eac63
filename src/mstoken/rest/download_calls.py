"""Download a file: stream it to the disk, and request only the rest after an interruption."""

from __future__ import annotations

from mstoken.errors import TransportError
from mstoken.hidden import HiddenDict
from mstoken.messages import warn
from mstoken.rest.call import call
from mstoken.rest.partial_file import PartialFile
from mstoken.rest.retry import FIRST_PAUSE_IN
from mstoken.typed import TYPE_CHECKING
from mstoken.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.flows.port import Port
    from mstoken.model import TokenRequest
    from mstoken.rest.api_request import ApiRequest
    from mstoken.rest.partial_file import OnBytes
    from mstoken.rest.response import ApiResponse

_ENOUGH = 1024 * 1024
"""An attempt that brought so many bytes was no failure, so that a large file may be interrupted often."""
_RANGE_NOT_SATISFIABLE = 416


async def download(
    api: ApiRequest,
    token_request: TokenRequest,
    port: Port,
    context: Mapping[str, str],
    path: str,
    on_progress: OnBytes | None = None,
) -> ApiResponse:
    """Write the body of a success (2xx) to the file `path`: whole, or not at all. Return the response without it.

    Any other response is returned with its body, and writes nothing. A GET that is interrupted continues where it was,
    also one of an earlier call, if the server can tell that the file is the same. It is the same request if `api.line`
    is, or the URL where that is ''. Raises what `call` raises, and UsageError for a file that cannot be written.
    """
    own = api.method.upper() == "GET" and "range" not in [str(name).lower() for name in api.headers]
    part = await port.call(lambda: PartialFile(path, api.line or api.url, on_progress, resumable=own))
    try:
        response = await _received(replace(api, receiver=part), token_request, port, context, part, repeats=own)
        if 200 <= response.status < 300:
            if response.body or not part.started:  # a transport that knows no receivers
                part.accepts(response.status, response.headers)
                await port.call(lambda: part.write(response.body))
                response = replace(response, body=b"")
            await port.call(part.finish)
        return response
    finally:
        part.close()


async def _received(
    api: ApiRequest,
    token_request: TokenRequest,
    port: Port,
    context: Mapping[str, str],
    part: PartialFile,
    *,
    repeats: bool,
) -> ApiResponse:
    """Send the request until the file is complete, or a response is no success."""
    failures = 0
    while True:
        before, more = part.offset, part.headers()
        try:
            request = replace(api, headers=HiddenDict({**api.headers, **more}))
            response = await call(request, token_request, port, context)
        except TransportError as error:
            if not part.started or not repeats:
                raise
            failures = 0 if part.offset - before >= _ENOUGH else failures + 1
            if failures > api.retry.retries:
                raise
            warn(f"{error.message} {'The rest' if part.can_continue else 'The whole file'} is requested again.")
            await port.sleep(FIRST_PAUSE_IN * 2.0**failures * (0.5 + port.random()))
            continue
        if response.status == _RANGE_NOT_SATISFIABLE and more:
            part.forget()
        elif not (part.started and part.total is not None and before < part.offset < part.total):
            return response
