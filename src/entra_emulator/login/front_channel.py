"""Tokens from the authorization endpoint: the implicit and hybrid flows.

Sources: OAuth 2.0 Multiple Response Type Encoding Practices; OpenID Connect Core sections 3.2 and 3.3;
learn.microsoft.com/entra/identity-platform/v2-oauth2-implicit-grant-flow and .../v2-protocols-oidc. An application
enables ID tokens and access tokens separately.
"""

from entra_emulator.aadsts import EntraError
from entra_emulator.model import App
from entra_emulator.parameters import Parameters
from entra_emulator.tokens.id_tokens import hashes

from .exchange import Client
from .issuing import access_part, allow, sign_id
from .scopes import parse, parse_all
from .sign_in_flow import SignInFlow

CODE, TOKEN, ID_TOKEN = "code", "token", "id_token"
_MODES = ("query", "fragment", "form_post")


def response_types(parameters: Parameters) -> list[str]:
    """Return the requested response types."""
    return parameters.get("response_type", "").split()


def response_mode(parameters: Parameters) -> str:
    """How the response goes back: as requested, by default in the query, or in the fragment with tokens."""
    with_tokens, requested = (
        bool({TOKEN, ID_TOKEN} & set(response_types(parameters))),
        parameters.get("response_mode", ""),
    )
    if requested in _MODES and not (with_tokens and requested == "query"):
        return requested
    return "fragment" if with_tokens else "query"


def check(app: App, parameters: Parameters) -> None:
    """Check response type and response mode.

    :raises EntraError: 900144 no response type, 70005 an unknown one or an ID token without openid, 700051 700054 not
        enabled, 70007 an unknown mode or tokens in a query, 90014 an ID token without nonce, 28000 an access token for
        several APIs.
    """
    requested = response_types(parameters)
    if not requested:
        raise EntraError(900144, parameter="response_type")
    if strange := [kind for kind in requested if kind not in (CODE, TOKEN, ID_TOKEN)]:
        raise EntraError(70005, reason=f"'{strange[0]}' is none.")
    if TOKEN in requested and not app.access_tokens:
        raise EntraError(700051)
    if ID_TOKEN in requested and not app.id_tokens:
        raise EntraError(700054)
    wanted = parameters.get("response_mode", "")
    if wanted and (wanted not in _MODES or (wanted == "query" and requested != [CODE])):
        raise EntraError(70007, mode=wanted)
    if TOKEN in requested:
        parse(parameters["scope"])
    if ID_TOKEN in requested and "openid" not in parse_all(parameters["scope"])[0].oidc:
        raise EntraError(70005, reason="response type 'id_token' requires the 'openid' scope.")
    if ID_TOKEN in requested and not parameters.get("nonce"):
        raise EntraError(90014, parameter="nonce")


def front_channel_tokens(flow: SignInFlow, code: str) -> dict[str, str]:
    """Return the tokens of the response; the ID token has the hashes of the code and access token beside it.

    :param code: the code in the same response, "" for none.
    :raises EntraError: the codes of `permit`.
    """
    exchange, parameters = flow.exchange, flow.pending.parameters
    requested = response_types(parameters)
    if not {TOKEN, ID_TOKEN} & set(requested):
        return {}
    exchange.form, exchange.nonce = parameters, parameters.get("nonce", "")
    request = flow.requests[0]
    allowed = allow(exchange, Client(flow.app, "0"), flow.session, flow.tenant, request)
    tokens: dict[str, str] = {}
    if TOKEN in requested:
        part = access_part(exchange, allowed, request)
        tokens = {name: str(part[name]) for name in ("access_token", "token_type", "expires_in", "scope")}
    if ID_TOKEN in requested:
        beside = hashes(code=code, token=tokens.get("access_token", ""))
        tokens["id_token"] = sign_id(exchange, allowed.principal, request, beside)
    return tokens
