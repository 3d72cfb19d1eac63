"""Sign-in in a browser by WS-Federation: the page at /adfs/ls/, and the assertion that it sends back to Entra ID.

Source: WS-Federation 1.2 section 13.1. Entra ID is the only relying party.
"""

from html import escape
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.clouds import served
from entra_emulator.login import federated_domains
from entra_emulator.pages import layout, outcome
from entra_emulator.tokens import saml
from entra_emulator.web import dated, read_body
from entra_emulator.world import World

from . import trust

_ENTRA_ID, _RETURN = "https://login.microsoftonline.com/login.srf", "/login.srf"
_WRONG = "Incorrect user ID or password. Type the correct user ID and password, and try again."


async def show(request: Request) -> Response:
    """GET /ls/: the page that asks for the password."""
    world, query = _read_query(request)
    if problem := _problem(query):
        return _page(world, outcome.error(problem, {}), 400)
    return _page(world, _form(request, query.get("username", "")))


async def submit(request: Request) -> Response:
    """POST /ls/: user name and password; the right ones go on to Entra ID with an assertion."""
    world, query = _read_query(request)
    if problem := _problem(query):
        return _page(world, outcome.error(problem, {}), 400)
    form = _lower(parse_qsl((await read_body(request)).decode("utf-8", "replace"), keep_blank_values=True))
    username = form.get("username", "").strip()
    user = trust.authenticated(world, username, form.get("password", ""))
    if user is None:
        return _page(world, _form(request, username, _WRONG))
    assertion = federated_domains.assertion(world, user)
    signed = saml.version_one(assertion, federated_domains.signing_key())
    result = trust.token_response(signed, saml.ONE, assertion, trust.VERSIONS["2005"])
    fields = {"wa": "wsignin1.0", "wresult": result, "wctx": query.get("wctx", "")}
    nonce = layout.new_nonce()
    return _page(world, outcome.form_post(_reply_url(world, query), fields, nonce), script=nonce)


def _read_query(request: Request) -> tuple[World, dict[str, str]]:
    world: World = request.state.world
    return world, _lower(parse_qsl(request.url.query, keep_blank_values=True))


def _lower(pairs: list[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in pairs}


def _problem(query: dict[str, str]) -> str:
    """Return why the request is refused, '' if it is not."""
    if (action := query.get("wa", "")) != "wsignin1.0":
        return f"MSIS7000: The action '{action}' is not supported."
    if (realm := query.get("wtrealm", "")) != federated_domains.AUDIENCE:
        return f"MSIS3020: There is no relying party with the identifier '{realm}'."
    return ""


def _reply_url(world: World, query: dict[str, str]) -> str:
    """Return where the assertion goes: to a sign-in host of this emulator, and nowhere else."""
    wanted = urlsplit(query.get("wreply", ""))
    host = served(wanted.hostname or "")
    local = wanted.netloc == f"localhost:{world.port}"
    known = wanted.scheme == "https" and wanted.path == _RETURN and (local or (host and host[1] == "login"))
    return wanted._replace(query="", fragment="").geturl() if known else _ENTRA_ID


def _form(request: Request, username: str, wrong: str = "") -> str:
    content = f"""{layout.problem(wrong)}<label for="username">User account</label>
<input type="email" id="username" name="UserName" value="{escape(username)}" autocomplete="username" required>
<label for="password">Password</label>
<input type="password" id="password" name="Password" autocomplete="current-password" required autofocus>
<div class="buttons">
{layout.button("Sign in")}
</div>"""
    action = f"{request.scope['path']}?{request.url.query}"
    body = f"<h1>Sign in</h1>\n<p>with your organization's AD FS</p>\n{layout.form(action, {}, content)}"
    return layout.page("Sign in", body)


def _page(world: World, text: str, status: int = 200, script: str = "") -> Response:
    return dated(world, text.encode(), status, layout.headers(script))
