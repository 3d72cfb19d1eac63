"""A server of MCP that takes Entra ID's tokens, made with `mcp` or with `fastmcp`.

It prints its URL, and runs until it is killed.

Arguments: mcp or fastmcp, the issuer, the address of its keys, the audience, a scope for the metadata.
"""

import socket
import ssl
import sys
import warnings

import httpx2
import uvicorn
from fastmcp import Context as FastContext
from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import Context, MCPServer
from pydantic import AnyHttpUrl, BaseModel

warnings.simplefilter("ignore")
kind, issuer, keys, audience, scope = sys.argv[1:]
listening = socket.create_server(("127.0.0.1", 0))
url = f"http://127.0.0.1:{listening.getsockname()[1]}"
verifier = JWTVerifier(
    jwks_uri=keys,
    issuer=issuer,
    audience=audience,
    http_client=httpx2.AsyncClient(verify=ssl.create_default_context()),
)


class Reply(BaseModel):
    name: str


def whoami() -> str:
    """The application whose token this request has."""
    token = get_access_token()
    claims = (token.claims if token else None) or {}
    return str(claims.get("azp") or claims.get("appid"))


async def count(to: int, context: Context) -> int:
    """Report progress `to` times."""
    for number in range(1, to + 1):
        await context.report_progress(number, to)
    return to


async def greet(context: Context) -> str:
    """Ask the client for a name."""
    answer = await context.elicit("Your name?", Reply)
    return f"Hello {answer.data.name}" if answer.action == "accept" else "no name"


async def fast_count(to: int, context: FastContext) -> int:
    """Report progress `to` times."""
    for number in range(1, to + 1):
        await context.report_progress(number, to)
    return to


async def fast_greet(context: FastContext) -> str:
    """Ask the client for a name."""
    answer = await context.elicit("Your name?", Reply)
    return f"Hello {answer.data.name}" if answer.action == "accept" else "no name"


if kind == "mcp":
    settings = AuthSettings(issuer_url=AnyHttpUrl(issuer), resource_server_url=AnyHttpUrl(f"{url}/mcp"))
    settings.required_scopes, settings.validate_token_resource = [], False
    server = MCPServer("tools", token_verifier=verifier, auth=settings)
    for tool in (whoami, count, greet):
        server.tool()(tool)
    application = server.streamable_http_app()
else:
    auth = RemoteAuthProvider(verifier, [AnyHttpUrl(issuer)], base_url=url, scopes_supported=[scope])
    fast = FastMCP("tools", auth=auth)
    for function, name in ((whoami, "whoami"), (fast_count, "count"), (fast_greet, "greet")):
        fast.tool(function, name=name)
    application = fast.http_app()

sys.stdout.write(f"{url}/mcp\n")
sys.stdout.flush()
uvicorn.Server(uvicorn.Config(application, log_level="warning")).run(sockets=[listening])
