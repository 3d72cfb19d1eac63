"""What all of Graph's calls share: the shape of answers and refusals, permissions, paging, $select and $filter."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.apis.bearer import BadToken, Caller, check
from entra_emulator.apis.continuous_access import encoded
from entra_emulator.clock import timestamp
from entra_emulator.model import new_id
from entra_emulator.resources import GRAPH
from entra_emulator.routing import Handler
from entra_emulator.state import as_guid
from entra_emulator.web import json_answer

Answer = dict[str, Any]
LARGEST_PAGE = 999
_MESSAGES = {
    "missing": "Access token is empty.",
    "malformed": "IDX14100: The token is not a well formed JWT of this authority.",
    "issuer": "Access token validation failure. Invalid issuer.",
    "audience": "Access token validation failure. Invalid audience.",
    "expired": "Lifetime validation failed, the token is expired.",
    "early": "Lifetime validation failed, the token is not yet valid.",
    "revoked": "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: "
    "TokenIssuedBeforeRevocationTimestamp",
}
_FILTER = re.compile(r"^(?:(\w+(?:/\w+)*) eq '((?:[^']|'')*)'|startswith\((\w+), ?'((?:[^']|'')*)'\))$", re.IGNORECASE)


class Refusal(Exception):
    """An error answer of Graph."""

    def __init__(self, status: int, code: str, message: str, headers: list[tuple[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or []


def endpoint(answer: Callable[[Request, Caller], Answer]) -> Handler:
    """A handler that checks the token, answers in Graph's form, and refuses in it."""

    async def handle(request: Request) -> Response:
        request_id = new_id()
        client_id = as_guid(request.headers.get("client-request-id", "")) or request_id
        ids = [("request-id", request_id), ("client-request-id", client_id)]
        world = request.state.world
        try:
            return json_answer(world, answer(request, caller(request)), 200, [("OData-Version", "4.0"), *ids])
        except Refusal as problem:
            return refused(request, problem, ids)

    return handle


def refused(request: Request, problem: Refusal, ids: Sequence[tuple[str, str]]) -> Response:
    """The answer of a refusal; `ids` are the headers that name the request."""
    world = request.state.world
    inner = {"date": timestamp(world.clock.now()).replace(" ", "T").rstrip("Z"), **dict(ids)}
    error = {"code": problem.code, "message": problem.message, "innerError": inner}
    return json_answer(world, {"error": error}, problem.status, [*problem.headers, *ids])


def caller(request: Request) -> Caller:
    """Who calls.

    :raises Refusal: 401, with a claims challenge if the session was revoked.
    """
    try:
        return check(request, GRAPH)
    except BadToken as problem:
        where = f"{request.state.site.authority}/common/oauth2/authorize"
        message = _MESSAGES[problem.fault]
        challenge = f'Bearer realm="", authorization_uri="{where}", client_id="{GRAPH}"'
        if problem.demand:
            challenge += (
                f', errorDescription="{message}", error="insufficient_claims", claims="{encoded(problem.demand)}"'
            )
        headers = [("WWW-Authenticate", challenge)]
        raise Refusal(401, "InvalidAuthenticationToken", message, headers) from None


def require(who: Caller, any_of: frozenset[str]) -> None:
    """A permission, and for a user of another tenant a directory role there: GDAP without roles opens no door.

    :raises Refusal: 403.
    """
    if not who.permissions & any_of:
        raise Refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    foreign = not who.app_only and "idp" in who.claims
    if foreign and len(who.directory_roles) < 2:
        raise Refusal(403, "Authorization_RequestDenied", "Unable to initialize the authorization context.")


def collection(request: Request, path: str, items: Sequence[Answer], usual: int = 100) -> Answer:
    """A page of a collection at `path`, after $filter, with $select, and a link to the next page if there is one."""
    found = filtered(items, request.query_params.get("$filter"))
    size = whole(request.query_params.get("$top"), usual, LARGEST_PAGE)
    start = whole(request.query_params.get("$skiptoken"), 0, len(found))
    body: Answer = {"@odata.context": f"{version(request)}/$metadata#{path}"}
    if request.query_params.get("$count", "").lower() == "true":
        body["@odata.count"] = len(found)
    if size and start + size < len(found):
        kept = "".join(
            f"&{name}={request.query_params[name]}" for name in ("$select", "$filter") if name in request.query_params
        )
        body["@odata.nextLink"] = f"{version(request)}/{path}?$top={size}&$skiptoken={start + size}{kept}"
    return {**body, "value": [selected(request, item) for item in found[start : start + size]]}


def entity(request: Request, path: str, item: Answer) -> Answer:
    """One entry of a collection."""
    return {"@odata.context": f"{version(request)}/$metadata#{path}/$entity", **selected(request, item)}


def selected(request: Request, item: Answer) -> Answer:
    """The members that $select names; all without it."""
    names = request.query_params.get("$select", "")
    wanted = {name.strip().lower() for name in names.split(",") if name.strip()}
    return {name: value for name, value in item.items() if not wanted or name.lower() in wanted}


def filtered(items: Sequence[Answer], text: str | None) -> list[Answer]:
    """What `member eq 'text'` or `startswith(member,'text')` leaves.

    :raises Refusal: 400 for any other filter.
    """
    if not text:
        return list(items)
    match = _FILTER.match(text.strip())
    if match is None:
        raise Refusal(400, "Request_UnsupportedQuery", f"The emulator's Graph does not understand the filter '{text}'.")
    path, exact, member, start = match.groups()
    wanted = (exact if path else start).replace("''", "'").lower()
    found = [(item, str(_member(item, path or member) or "").lower()) for item in items]
    return [item for item, value in found if (value == wanted if path else value.startswith(wanted))]


def _member(item: Answer, path: str) -> object:
    value: object = item
    for step in path.split("/"):
        members = {name.lower(): one for name, one in value.items()} if isinstance(value, dict) else {}
        value = members.get(step.lower())
    return value


def whole(text: str | None, default: int, largest: int) -> int:
    """A whole number of the query.

    :raises Refusal: 400 for anything else.
    """
    if text is None:
        return default
    if not text.isascii() or not text.isdigit():
        raise Refusal(400, "BadRequest", f"Invalid value '{text}' for a number in the query.")
    return min(int(text), largest)


def not_found(name: str) -> Refusal:
    """404 for an entry."""
    return Refusal(404, "Request_ResourceNotFound", f"Resource '{name}' does not exist in this directory.")


def version(request: Request) -> str:
    """Base URL with the version that was asked for."""
    return f"{request.state.site.base}/{request.path_params['version'].lower()}"
