"""Device sign-in: the endpoint that issues the codes, and the page where the user enters one (RFC 8628 section 3.3).

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
"""

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.aadsts import EntraError
from entra_emulator.interaction import DeviceSignIn, PendingSignIn, new_user_code
from entra_emulator.pages import device as pages
from entra_emulator.pages import outcome
from entra_emulator.parameters import Parameters

from . import pages_flow, version_one
from .client_auth import find_app
from .exchange import Exchange
from .scopes import check_resource_parameter, parse
from .sign_in_flow import SignInFlow

LIFE_IN = 900
INTERVAL_IN = 5
PAGE = "/common/oauth2/deviceauth"
SHORT_PAGE = "/device"


async def devicecode(request: Request) -> Response:
    """POST or GET /{tenant}/oauth2/v2.0/devicecode; ADAL.NET sends a GET."""
    exchange = Exchange.of(request)
    try:
        await exchange.read_form_or_query(request, "devicecode")
        if exchange.version == 1:
            exchange.form = version_one.translate_authorization(exchange.form)
        request.state.notes.update(exchange.log_fields())
        tenant = exchange.tenant()
        app = find_app(exchange, exchange.required("client_id"), tenant)
        scopes = exchange.required("scope")
        parse(scopes)
        check_resource_parameter(exchange.form)
    except EntraError as problem:
        request.state.notes["aadsts"] = problem.code
        return exchange.response(exchange.error_body(problem), problem.definition.status, problem.code)
    now = exchange.world.clock.now()
    record = DeviceSignIn(app.id, exchange.tenant_name, scopes, new_user_code(), now)
    code = exchange.world.interaction.add_device(record)
    site = exchange.site
    uri = (
        site.cloud.device
        if site.cloud.device and not (site.local_port or site.of_tenant)
        else f"{site.authority}{PAGE}"
    )
    body = {
        "user_code": record.user_code,
        "device_code": code,
        "verification_uri": uri,
        "expires_in": LIFE_IN,
        "interval": INTERVAL_IN,
        "message": f"To sign in, use a web browser to open the page {uri} and enter the code "
        f"{record.user_code} to authenticate.",
    }
    return exchange.response(version_one.device_response(body) if exchange.version == 1 else body)


async def show(request: Request) -> Response:
    """GET /common/oauth2/deviceauth or /device: the page that asks for the code."""
    exchange = Exchange.of(request)
    try:
        exchange.read_query(request, "deviceauth")
    except EntraError as problem:
        return pages_flow.failed(exchange, request, problem)
    return pages_flow.html(exchange, pages.enter_code(PAGE, code=exchange.form.get("otc")))


async def enter(request: Request) -> Response:
    """POST there: the code that the user entered."""
    exchange = Exchange.of(request)
    try:
        await exchange.read_form(request, "page")
    except EntraError as problem:
        return pages_flow.failed(exchange, request, problem)
    interaction = exchange.world.interaction
    typed = exchange.form.get("otc", "")
    code = interaction.device_of(typed)
    record = interaction.devices.get(code)
    if record is None or record.status != "pending" or expired(exchange, record):
        wrong = "That code didn't work. Check the code and try again."
        return pages_flow.html(exchange, pages.enter_code(PAGE, code=typed, wrong=wrong))
    exchange.tenant_name = record.tenant
    pending = PendingSignIn(record.app, record.tenant, Parameters("authorize", {"scope": record.scopes}), device=code)
    token = interaction.add_pending(pending)
    flow, session = SignInFlow(exchange, pending), pages_flow.session_of(exchange, request)
    if session and flow.accepts(session):
        flow.continue_as(session.identity)
    return pages_flow.next_page(flow, request, token, ENDINGS)


def expired(exchange: Exchange, record: DeviceSignIn) -> bool:
    """Return whether the code's 15 minutes are over."""
    return exchange.world.clock.now() >= record.issued_on + LIFE_IN


def _done(flow: SignInFlow, request: Request, token: str) -> Response:
    exchange, interaction = flow.exchange, flow.exchange.world.interaction
    record = interaction.devices[flow.pending.device]
    record.status, record.identity = "approved", flow.identity
    interaction.pending_sign_ins.pop(token, None)
    text = "You may now close this window and go back to your device."
    cookie = pages_flow.signed_in(flow, request)
    return pages_flow.html(exchange, outcome.done(f"You have signed in to {flow.app.name}", text), cookie=cookie)


def _declined(flow: SignInFlow, _request: Request, token: str) -> Response:
    interaction = flow.exchange.world.interaction
    interaction.devices[flow.pending.device].status = "declined"
    interaction.pending_sign_ins.pop(token, None)
    text = "Your device will be notified that you declined. You may close this window."
    return pages_flow.html(flow.exchange, outcome.done("You did not sign in", text))


ENDINGS = {"done": _done, "declined": _declined}
