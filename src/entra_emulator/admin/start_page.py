"""The page at `/` on localhost: where everything is."""

from html import escape

from starlette.requests import Request
from starlette.responses import Response

from entra_emulator.login import device
from entra_emulator.pages import layout
from entra_emulator.routing import NoRoute, Route, route
from entra_emulator.web import dated

_PLACES = (
    ("/_admin", "Dashboard: tenants, applications, users, requests, tokens, faults. The emulator printed its key."),
    (device.SHORT_PAGE, "Where users enter the code of a device"),
    ("/organizations/v2.0/.well-known/openid-configuration", "OpenID configuration"),
    ("/common/discovery/v2.0/keys", "Signing keys"),
)
_APIS = ("/graph/v1.0", "/arm", "/partner/v1", "/vault/NAME", "/acr/NAME")


def routes() -> list[Route]:
    """Return the route of the page."""
    return [route("GET", "/", show)]


async def show(request: Request) -> Response:
    """GET /

    :raises NoRoute: by a name of Microsoft's, where there is no such page.
    """
    site = request.state.site
    if site.host:
        raise NoRoute(404)
    places = "".join(f'<li><a href="{path}">{path}</a><br>{escape(text)}</li>' for path, text in _PLACES)
    apis = "".join(f"<li>{site.authority}{path}</li>" for path in _APIS)
    body = f"""<h1>Local Entra ID</h1>
<p>Authority: {site.authority}</p>
<ul>{places}</ul>
<p>APIs, which require a token:</p>
<ul>{apis}</ul>
<p>Settings for a program or a shell: <b>mstoken emulator env</b></p>
<p>Every user has the password “{escape(request.state.world.state.settings.password)}”, unless the configuration gives
them another.</p>"""
    return dated(request.state.world, layout.page("Local Entra ID", body).encode(), 200, layout.headers())
