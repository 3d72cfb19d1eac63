"""The admin API: JSON, for tests in any language. docs/emulator-admin.md lists its calls."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from entra_emulator import config
from entra_emulator.checks import check_fault, check_throttle
from entra_emulator.control import Control
from entra_emulator.faults import Fault
from entra_emulator.routing import Handler, Route, route
from entra_emulator.saved import plain
from entra_emulator.state import State
from entra_emulator.throttling import Throttle
from entra_emulator.web import json_response, read_body

from . import collections
from .guard import for_programs

Result = tuple[int, Any]
Call = Callable[[Control, Request, Any], Result]
Find = Callable[[Control, str], Any]


class BadCall(ValueError):
    """The request cannot be fulfilled; the message says why."""


def routes(control: Control) -> list[Route]:
    """Return the routes of all calls, under /_admin/api."""
    return [
        route(method, f"/api{path}", for_programs(control, _handler(control, call))) for method, path, call in CALLS
    ]


def _handler(control: Control, call: Call) -> Handler:
    async def handle(request: Request) -> Response:
        world = request.state.world
        try:
            raw = await read_body(request)
            if call is _complete_sign_in:  # which sends requests to this server
                status, body = await run_in_threadpool(call, control, request, _json(raw))
            else:
                status, body = call(control, request, _json(raw))
        except LookupError as problem:
            return json_response(world, _error("NotFound", str(problem.args[0] if problem.args else problem)), 404)
        except ValueError as problem:
            return json_response(world, _error("BadRequest", str(problem)), 400)
        return json_response(world, body, status, [("Cache-Control", "no-store")])

    return handle


def _json(raw: bytes) -> Any:
    if not raw:
        return {}
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise BadCall("The body is no JSON.") from None


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _member(body: Any, name: str, kind: type[Any], default: Any = None) -> Any:
    """Return a member of the body.

    :raises BadCall: it is missing and has no default, or has another type.
    """
    value = body.get(name, default) if isinstance(body, dict) else None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind):
        raise BadCall(f"The body needs '{name}' ({kind.__name__}).")
    return value


def _get_state(control: Control, _: Request, __: Any) -> Result:
    return 200, control.snapshot()


def _put_state(control: Control, _: Request, body: Any) -> Result:
    if not isinstance(body, dict) or not body:
        raise BadCall("The body has to be a configuration or a saved state.")
    control.restore(body)
    return 204, None


def _reset(control: Control, _: Request, __: Any) -> Result:
    control.reset()
    return 204, None


def _crud(
    path: str, noun: str, entries: Callable[[State], dict[str, Any]], add: Callable[[State, Any], Any], find: Find
) -> list[tuple[str, str, Call]]:
    """Return the calls on a top-level collection, tenants or applications; `one` names an entry in the path."""

    def found(control: Control, request: Request) -> Any:
        return find(control, request.path_params[noun])

    def listed(control: Control, _: Request, __: Any) -> Result:
        return 200, {"value": [plain(entry) for entry in entries(control.state).values()]}

    def added(control: Control, _: Request, body: Any) -> Result:
        return 201, plain(add(control.state, body))

    def shown(control: Control, request: Request, _: Any) -> Result:
        return 200, plain(found(control, request))

    def changed(control: Control, request: Request, body: Any) -> Result:
        entry = found(control, request)
        collections.change(control.state, entry, body)
        return 200, plain(entry)

    def removed(control: Control, request: Request, _: Any) -> Result:
        del entries(control.state)[found(control, request).id]
        return 204, None

    single = f"{path}/{{{noun}}}"
    return [
        ("GET", path, listed),
        ("POST", path, added),
        ("GET", single, shown),
        ("PATCH", single, changed),
        ("DELETE", single, removed),
    ]


def _collection(control: Control, request: Request) -> collections.Collection:
    tenant = control.find_tenant(request.path_params["tenant"])
    return collections.of_tenant(control.state, tenant, request.path_params["collection"])


def _entries(control: Control, request: Request, _: Any) -> Result:
    return 200, {"value": [plain(entry) for entry in _collection(control, request).entries]}


def _add_entry(control: Control, request: Request, body: Any) -> Result:
    entries = _collection(control, request)
    if request.path_params["collection"] == "users" and isinstance(body, dict):
        body = {"password": control.state.settings.password, **body}
    return 201, plain(entries.add(body))


def _entry(control: Control, request: Request, _: Any) -> Result:
    return 200, plain(_collection(control, request).find(request.path_params["entry"]))


def _change_entry(control: Control, request: Request, body: Any) -> Result:
    return 200, plain(_collection(control, request).change(request.path_params["entry"], body))


def _remove_entry(control: Control, request: Request, _: Any) -> Result:
    _collection(control, request).remove(request.path_params["entry"])
    return 204, None


def _entries_of(
    path: str, name: str, kind: type[Any], entries: Callable[[Control], list[Any]], check: Callable[[Any], None]
) -> list[tuple[str, str, Call]]:
    """Return the calls for a list of `kind` (faults, limits): read and empty it, add and remove an entry."""

    def get(control: Control, _: Request, __: Any) -> Result:
        return 200, {"value": [asdict(entry) for entry in entries(control)]}

    def add(control: Control, _: Request, body: Any) -> Result:
        entry = config.parse(body, kind)
        check(entry)
        entries(control).append(entry)
        return 201, asdict(entry)

    def remove(control: Control, request: Request, _: Any) -> Result:
        for entry in entries(control):
            if entry.id == request.path_params[name]:
                entries(control).remove(entry)
                return 204, None
        raise LookupError(f"There is no such {name}; perhaps it is used up.")

    def clear(control: Control, _: Request, __: Any) -> Result:
        entries(control).clear()
        return 204, None

    return [("GET", path, get), ("POST", path, add), ("DELETE", path, clear), ("DELETE", f"{path}/{{{name}}}", remove)]


def _requests(control: Control, request: Request, _: Any) -> Result:
    """Return the logged requests after the `after`th, so that a test can read only the new ones."""
    text = request.query_params.get("after", "0")
    if not text.isascii() or not text.isdigit():
        raise BadCall("after has to be a number of requests.")
    log = control.requests
    return 200, {"count": log.total, "value": [asdict(logged) for logged in log.after(int(text))]}


def _clear_requests(control: Control, _: Request, __: Any) -> Result:
    control.requests.clear()
    return 204, None


def _tokens(control: Control, _: Request, __: Any) -> Result:
    return 200, {"value": [asdict(token) for token in control.issued]}


def _clock(control: Control, _: Request, __: Any) -> Result:
    return 200, {"now": control.clock.now(), "offset_in": control.clock.offset_in}


def _move_clock(control: Control, request: Request, body: Any) -> Result:
    control.clock.advance(_member(body, "advance_in", float))
    return _clock(control, request, body)


def _rotate(control: Control, _: Request, body: Any) -> Result:
    kept_keys = _member(body, "keep", int, 1)
    emergency = _member(body, "emergency", bool, default=False)
    return 201, {"kid": control.rotate_keys(keep=max(kept_keys, 0), emergency=emergency)}


def _sign_in(control: Control, _: Request, body: Any) -> Result:
    session: dict[str, Any] = {}
    if "amr" in body:
        session["amr"] = tuple(str(method) for method in _member(body, "amr", list))
    if "device" in body:
        session["device"] = _member(body, "device", str)
    app = _member(body, "app", str, "")
    mfa = _member(body, "mfa", bool) if "mfa" in body else None
    return 201, {"refresh_token": control.sign_in(_member(body, "user", str), app or None, mfa=mfa, **session)}


def _approve_device(control: Control, _: Request, body: Any) -> Result:
    mfa = _member(body, "mfa", bool) if "mfa" in body else None
    control.approve_device(_member(body, "user", str), _member(body, "user_code", str, ""), mfa=mfa)
    return 204, None


def _complete_sign_in(control: Control, _: Request, body: Any) -> Result:
    url, user = _member(body, "url", str), _member(body, "user", str)
    end = control.complete_sign_in(url, user, cancel=_member(body, "cancel", bool, default=False))
    if _member(body, "send", bool, default=False):
        end.send_later()
        return 202, None
    return 200, {"url": end.url, "fields": end.fields, "by_form": end.by_form}


def _revoke(control: Control, _: Request, body: Any) -> Result:
    if "app" in body:
        control.revoke_app(_member(body, "app", str), _member(body, "tenant", str, ""))
    else:
        control.revoke(_member(body, "user", str))
    return 204, None


_COLLECTION = "/tenants/{tenant}/{collection}"
CALLS: list[tuple[str, str, Call]] = [
    ("GET", "/state", _get_state),
    ("PUT", "/state", _put_state),
    ("POST", "/reset", _reset),
    *_crud("/tenants", "tenant", lambda state: state.tenants, collections.add_tenant, Control.find_tenant),
    *_crud("/apps", "app", lambda state: state.apps, collections.add_app, Control.find_app),
    ("GET", _COLLECTION, _entries),
    ("POST", _COLLECTION, _add_entry),
    ("GET", f"{_COLLECTION}/{{entry}}", _entry),
    ("PATCH", f"{_COLLECTION}/{{entry}}", _change_entry),
    ("DELETE", f"{_COLLECTION}/{{entry}}", _remove_entry),
    *_entries_of("/faults", "fault", Fault, lambda control: control.faults, check_fault),
    *_entries_of("/throttles", "throttle", Throttle, lambda control: control.throttles, check_throttle),
    ("GET", "/requests", _requests),
    ("DELETE", "/requests", _clear_requests),
    ("GET", "/tokens", _tokens),
    ("GET", "/clock", _clock),
    ("POST", "/clock", _move_clock),
    ("POST", "/keys/rotate", _rotate),
    ("POST", "/sign-ins", _sign_in),
    ("POST", "/browser-sign-ins", _complete_sign_in),
    ("POST", "/device-codes", _approve_device),
    ("POST", "/revocations", _revoke),
]
