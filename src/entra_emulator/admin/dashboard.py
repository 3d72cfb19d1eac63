"""The dashboard: pages for people at /_admin, rendered here, and the forms on them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.control import Control
from entra_emulator.routing import Handler, Route, route
from entra_emulator.web import dated, read_body

from . import collections, log_views, views
from .guard import COOKIE, for_browser, open_to_people, same
from .layout import headers

Show = Callable[[Control, Request], str]
Again = Callable[[Control, str], str]
Change = Callable[[Control, Request, dict[str, str]], str]
_NUMBERS = {"code": int, "status": int, "retry_after_in": int, "delay_in": float, "skew_in": float, "times": int}

# Updates the request log while its box is checked. The page polls; the server pushes nothing.
_LIVE = """
const log = document.getElementById("log"), live = document.getElementById("live");
const count = document.getElementById("count");
let seen = parseInt(count.textContent, 10);
setInterval(async () => {
  if (!live.checked || document.hidden) return;
  const answer = await fetch("/_admin/requests/rows?after=" + seen).catch(() => null);
  if (!answer || !answer.ok) return;
  const total = Number(answer.headers.get("x-total")), rows = await answer.text();
  if (total === seen) return;
  if (total < seen) log.replaceChildren();
  log.insertAdjacentHTML("afterbegin", rows);
  seen = total;
  count.textContent = total + " requests";
}, 1000);
"""


def routes(control: Control) -> list[Route]:
    """Return the routes of pages and forms. A browser without the key sees the page that asks for it."""
    key_page = _key_page(control)
    made: list[Route] = [
        route("POST", "/key", open_to_people(_take_key(control))),
        route("GET", "/live.js", for_browser(control, _script, key_page)),
        route("GET", "/requests/rows", for_browser(control, _rows(control), key_page)),
    ]
    made += [route("GET", path, for_browser(control, _page(control, show), key_page)) for path, show in _PAGES.items()]
    for path, (act, again) in _FORMS.items():
        made.append(route("POST", path, for_browser(control, _form(control, act, again), key_page)))
    return made


def _html(request: Request, text: str, status: int = 200) -> Response:
    return dated(request.state.world, text.encode(), status, headers())


def _see_other(request: Request, path: str, *more: tuple[str, str]) -> Response:
    """Return a redirect to a page, after a form (RFC 9110 section 15.4.4)."""
    return dated(request.state.world, b"", 303, [("Location", f"/_admin/{path}"), ("Cache-Control", "no-store"), *more])


def _page(control: Control, show: Show) -> Handler:
    async def handle(request: Request) -> Response:
        if request.query_params.get("key"):  # the link that the emulator printed, in a browser with the cookie
            return _see_other(request, "")
        try:
            return _html(request, show(control, request))
        except LookupError:
            return _see_other(request, "")

    return handle


def _form(control: Control, act: Change, again: Again) -> Handler:
    """Return a handler that applies a form and redirects to a page; on an error it shows the form's page `again`."""

    async def handle(request: Request) -> Response:
        try:
            return _see_other(request, act(control, request, await _values(request)))
        except (LookupError, ValueError) as problem:
            return _html(request, again(control, str(problem.args[0]) if problem.args else "It cannot be done."), 400)

    return handle


async def _values(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await read_body(request)).decode("utf-8", "replace")))


def _key_page(control: Control) -> Handler:
    async def handle(request: Request) -> Response:
        if same(control.admin_key, request.query_params.get("key", "")):
            return _see_other(request, "", _cookie(control))
        return _html(request, views.key_page(), 401)

    return handle


def _take_key(control: Control) -> Handler:
    async def handle(request: Request) -> Response:
        values = await _values(request)
        if same(control.admin_key, values.get("key", "").strip()):
            return _see_other(request, "", _cookie(control))
        return _html(request, views.key_page("That is not the key of this emulator."), 401)

    return handle


def _cookie(control: Control) -> tuple[str, str]:
    return "Set-Cookie", f"{COOKIE}={control.admin_key}; Path=/_admin; Secure; HttpOnly; SameSite=Strict"


async def _script(request: Request) -> Response:
    kind = [("Content-Type", "text/javascript; charset=utf-8"), ("X-Content-Type-Options", "nosniff")]
    return dated(request.state.world, _LIVE.encode(), 200, kind)


def _rows(control: Control) -> Handler:
    async def handle(request: Request) -> Response:
        text, log = request.query_params.get("after", "0"), control.requests
        last_seen = int(text) if text.isascii() and text.isdigit() else 0
        fresh = log.after(last_seen if last_seen <= log.total else 0)
        more = [("X-Total", str(log.total))]
        return dated(request.state.world, log_views.log_rows(control, fresh).encode(), 200, [*headers(), *more])

    return handle


def _tenant_page(control: Control, request: Request) -> str:
    return views.tenant(control, control.find_tenant(request.path_params["tenant"]))


def _change_app(control: Control, request: Request, values: dict[str, str]) -> str:
    collections.change(control.state, control.find_app(request.path_params["app"]), _switched(values))
    return ""


def _change_tenant(control: Control, request: Request, values: dict[str, str]) -> str:
    collections.change(control.state, control.find_tenant(request.path_params["tenant"]), _switched(values))
    return "policies"


def _change_entry(control: Control, request: Request, values: dict[str, str]) -> str:
    tenant, name = control.find_tenant(request.path_params["tenant"]), request.path_params["collection"]
    collections.of_tenant(control.state, tenant, name).change(request.path_params["entry"], _switched(values))
    return "policies" if name == "policies" else f"tenants/{tenant.id}"


def _switched(values: dict[str, str]) -> dict[str, bool]:
    """Return the field that a switch on a page sets to true or false."""
    return {values.get("field", ""): values.get("value") == "yes"}


def _revoke(control: Control, request: Request, _: dict[str, str]) -> str:
    tenant = control.find_tenant(request.path_params["tenant"])
    control.revoke(request.path_params["entry"])
    return f"tenants/{tenant.id}"


def _move_clock(control: Control, _: Request, values: dict[str, str]) -> str:
    control.clock.advance(float(values.get("advance_in", "0")))
    return ""


def _rotate(control: Control, _: Request, __: dict[str, str]) -> str:
    control.rotate_keys()
    return ""


def _reset(control: Control, _: Request, __: dict[str, str]) -> str:
    control.reset()
    return ""


def _clear_requests(control: Control, _: Request, __: dict[str, str]) -> str:
    control.requests.clear()
    return "requests"


def _add_policy(control: Control, _: Request, values: dict[str, str]) -> str:
    require = values.get("require", "")
    policy: dict[str, Any] = {"require": require, "name": values.get("name") or f"Require {require}"}
    if resource := values.get("resource", "").strip():
        policy["resources"] = [control.find_resource(resource)]
    if user := values.get("user", "").strip():
        policy["users"] = [control.find_user(user)[1].upn]
    tenant = control.find_tenant(values.get("tenant", ""))
    collections.of_tenant(control.state, tenant, "policies").add(policy)
    return "policies"


def _add_fault(control: Control, _: Request, values: dict[str, str]) -> str:
    fault: dict[str, Any] = {}
    for name, text in values.items():
        if text.strip():
            fault[name] = _NUMBERS[name](text) if name in _NUMBERS else text.strip()
    try:
        control.inject(times=fault.pop("times", None), **fault)
    except TypeError:
        raise ValueError("The form has a field that faults do not have.") from None
    return "faults"


def _remove_fault(control: Control, request: Request, _: dict[str, str]) -> str:
    control.faults[:] = [fault for fault in control.faults if fault.id != request.path_params["fault"]]
    return "faults"


_PAGES: dict[str, Show] = {
    "/": lambda control, _: views.overview(control),
    "/requests": lambda control, _: log_views.requests(control),
    "/tokens": lambda control, _: log_views.tokens(control),
    "/policies": lambda control, _: views.policies(control),
    "/faults": lambda control, _: views.faults(control),
    "/tenants/{tenant}": _tenant_page,
}
_FORMS: dict[str, tuple[Change, Again]] = {
    "/apps/{app}": (_change_app, views.overview),
    "/clock": (_move_clock, views.overview),
    "/rotate": (_rotate, views.overview),
    "/reset": (_reset, views.overview),
    "/requests/clear": (_clear_requests, views.overview),
    "/policies": (_add_policy, views.policies),
    "/faults": (_add_fault, views.faults),
    "/faults/{fault}/remove": (_remove_fault, views.faults),
    "/tenants/{tenant}": (_change_tenant, views.policies),
    "/tenants/{tenant}/{collection}/{entry}": (_change_entry, views.overview),
    "/tenants/{tenant}/users/{entry}/revoke": (_revoke, views.overview),
}
