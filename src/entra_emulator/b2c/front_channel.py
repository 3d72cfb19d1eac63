"""What the authorization endpoint of a user flow sends to the application: a code, tokens, or both.

Source: learn.microsoft.com/azure/active-directory-b2c/implicit-flow-single-page-application
"""

from entra_emulator.interaction import AuthorizationCode, Identity
from entra_emulator.login.front_channel import CODE, ID_TOKEN, TOKEN, response_types
from entra_emulator.model import App
from entra_emulator.parameters import Parameters

from . import tokens
from .grants import is_spa
from .journey import Journey
from .scopes import granted, parse
from .tokens import SignedIn


def fields_of(journey: Journey, app: App, parameters: Parameters, identity: Identity) -> dict[str, str]:
    """Return the fields of the response.

    :raises B2CError: 90117 or 90205 for the scope, 90128 if the user no longer exists.
    """
    journey.exchange.form = parameters
    requested, scope = response_types(parameters), parse(parameters.get("scope"), app)
    user = journey.local_user(identity.user)
    signed_in = SignedIn(app, user, identity.signed_in_on, parameters.get("nonce"))
    audience, names = granted(journey, app, user, scope) if scope.wants_access else ("", ())
    fields: dict[str, str] = {}
    if CODE in requested:
        fields["code"] = journey.exchange.world.interaction.add_code(_code(journey, app, parameters, identity))
    if TOKEN in requested:
        life_in = str(int(journey.flow.token_life_in))
        token = tokens.sign(journey, tokens.access_claims(journey, signed_in, audience, names))
        fields |= {"access_token": token, "token_type": "Bearer", "expires_in": life_in, "scope": scope.text}
    if ID_TOKEN in requested:
        beside = {"code": fields.get("code", ""), "token": fields.get("access_token", "")}
        fields["id_token"] = tokens.sign(journey, tokens.id_claims(journey, signed_in, beside))
    if parameters.get("client_info") == "1":
        fields["client_info"] = tokens.client_info(journey, user)
    return fields


def _code(journey: Journey, app: App, parameters: Parameters, identity: Identity) -> AuthorizationCode:
    return AuthorizationCode(
        app=app.id,
        identity=identity,
        tenant=journey.tenant.id,
        scopes=parameters["scope"],
        redirect_uri=parameters["redirect_uri"],
        challenge=parameters.get("code_challenge"),
        method=parameters.get("code_challenge_method", "plain"),
        nonce=parameters.get("nonce"),
        issued_on=journey.exchange.world.clock.now(),
        spa=is_spa(app, parameters["redirect_uri"]),
        user_flow=journey.flow.name,
    )
