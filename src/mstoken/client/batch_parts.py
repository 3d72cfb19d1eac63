"""The requests of `Client.batch`, checked and complete: nothing is sent yet."""

from __future__ import annotations

from mstoken.client.api_calls import api_call
from mstoken.errors import MstokenError, UsageError
from mstoken.hidden import HiddenDict
from mstoken.redaction import shown
from mstoken.rest.batch import BatchPart, BatchResult, batch_part
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mstoken.client.base import ClientBase

_FIELDS = ("url", "method", "headers", "json", "body", "params", "id", "depends_on")


def batch_parts(
    client: ClientBase, requests: Iterable[Any], options: Mapping[str, Any], new_id: Callable[[], str]
) -> Iterator[BatchPart | BatchResult]:
    """Yield the part for each request; for one that cannot be sent, a result with the error.

    `options` are those of `Client.request` for all of them. A MstokenError in place of a request is its error.
    """
    for request in requests:
        try:
            if isinstance(request, MstokenError):
                raise request
            yield _part(client, request, options, new_id)
        except MstokenError as error:
            yield BatchResult(request, error=error)


def _part(client: ClientBase, request: Any, options: Mapping[str, Any], new_id: Callable[[], str]) -> BatchPart:
    fields: Mapping[str, Any] = {"url": request} if isinstance(request, str) else request
    for name in fields:
        if name not in _FIELDS:
            raise UsageError(f"A request of a batch has no field {shown(str(name), 100)!r}.", f"{', '.join(_FIELDS)}.")
    url = fields.get("url")
    if not isinstance(url, str) or not url:
        raise UsageError("The request has no url.", 'Write {"url": "graph:/users"}.')
    own = fields.get("headers") or {}
    replaced = {str(name).lower() for name in own}
    shared = {name: text for name, text in (options["headers"] or {}).items() if name.lower() not in replaced}
    given: dict[str, Any] = {
        **options,
        "headers": HiddenDict({**shared, **own}),
        "json": fields.get("json"),
        "body": fields.get("body", b""),
        "params": fields.get("params"),
    }
    body = given["json"] is not None or bool(given["body"])
    method = fields.get("method") or ("POST" if body else "GET")
    # Here a path alone is Microsoft Graph's, which has /subscriptions too.
    made = api_call(client, method, f"graph:{url}" if url.startswith("/") else url, given)
    names = (_name(fields.get("id", "")), tuple(map(_name, _listed(fields.get("depends_on")))))
    return batch_part(request, made.api, made.token_request, made.context, new_id, names)


def _name(name: Any) -> str:
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise UsageError("The id of a request is a text or a whole number.", 'Write "id": "first".')
    return str(name)


def _listed(names: Any) -> Iterable[Any]:
    if names is None:
        return ()
    if not isinstance(names, list | tuple):
        raise UsageError("What a request depends on is a list of ids.", 'Write ["first"].')
    return names
