"""What the authorization endpoint hands out by itself: the implicit and hybrid flows.

Sources: OAuth 2.0 Multiple Response Type Encoding Practices; OpenID Connect Core sections 3.2 and 3.3;
learn.microsoft.com/entra/identity-platform/v2-oauth2-implicit-grant-flow and .../v2-protocols-oidc. An application has
to have it enabled, for ID tokens and access tokens apart.
"""

from entra_emulator.aadsts import EntraError
from entra_emulator.model import App
from entra_emulator.parameters import Parameters
from entra_emulator.tokens.id_tokens import hashes

from .exchange import Client
from .issuing import access_part, allow, sign_id
from .scopes import parse
from .sign_in_flow import SignInFlow

CODE, TOKEN, ID_TOKEN = "code", "token", "id_token"
_MODES = ("query", "fragment", "form_post")


def response_types(parameters: Parameters) -> list[str]:
    """What is asked for."""
    return parameters.get("response_type", "").split()


def response_mode(parameters: Parameters) -> str:
    """How the answer goes back: as asked, else in the query, and tokens in the fragment."""
    with_tokens, requested = (
        bool({TOKEN, ID_TOKEN} & set(response_types(parameters))),
        parameters.get("response_mode", ""),
    )
    if requested in _MODES and not (with_tokens and requested == "query"):
        return requested
    return "fragment" if with_tokens else "query"


def check(app: App, parameters: Parameters) -> None:
    """Whether the application may have what it asks for, in the way it asks for it.

    :raises EntraError: 900144 nothing asked for, 70005 no such thing or an ID token without openid, 700051 700054 not
        enabled, 70007 no such mode or tokens in a query, 90014 an ID token without nonce.
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
    if ID_TOKEN in requested and "openid" not in parse(parameters["scope"]).oidc:
        raise EntraError(70005, reason="response type 'id_token' requires the 'openid' scope.")
    if ID_TOKEN in requested and not parameters.get("nonce"):
        raise EntraError(90014, parameter="nonce")


def front_channel_tokens(flow: SignInFlow, code: str) -> dict[str, str]:
    """The tokens of the answer, with the hashes by which the ID token vouches for what is beside it.

    :param code: the code in the same answer, '' for none.
    :raises EntraError: whatever the rules have against it.
    """
    exchange, parameters = flow.exchange, flow.pending.parameters
    requested = response_types(parameters)
    if not {TOKEN, ID_TOKEN} & set(requested):
        return {}
    exchange.form, exchange.nonce = parameters, parameters.get("nonce", "")
    allowed = allow(exchange, Client(flow.app, "0"), flow.session, flow.tenant, flow.requested)
    answer: dict[str, str] = {}
    if TOKEN in requested:
        part = access_part(exchange, allowed, flow.requested)
        answer = {name: str(part[name]) for name in ("access_token", "token_type", "expires_in", "scope")}
    if ID_TOKEN in requested:
        beside = hashes(code=code, token=answer.get("access_token", ""))
        answer["id_token"] = sign_id(exchange, allowed.who, flow.requested, beside)
    return answer
