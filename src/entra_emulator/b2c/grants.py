"""The grants of a user flow's token endpoint.

Sources: learn.microsoft.com/azure/active-directory-b2c/authorization-code-flow, .../add-ropc-policy and
.../client-credentials-grant-flow. B2C has neither device codes nor on-behalf-of.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from entra_emulator.aadsts import EntraError
from entra_emulator.clock import timestamp
from entra_emulator.ids import base64url
from entra_emulator.interaction import AuthorizationCode
from entra_emulator.login.redirects import registered_as
from entra_emulator.model import App, RefreshToken, User
from entra_emulator.policy.account import check_password

from . import tokens
from .errors import B2CError
from .journey import Journey
from .scopes import granted_to_application, parse

CODE_LIFE_IN = 600


def granted(journey: Journey) -> dict[str, Any]:
    """Return the body of the token response.

    :raises B2CError: the grant's codes; 90083 without a grant type, 90086 for an unknown one.
    """
    grant_type = journey.exchange.form.get("grant_type")
    if not grant_type.strip():
        raise B2CError(90083, parameter="grant_type")
    grant = _GRANTS.get(grant_type.lower())
    if grant is None:
        raise B2CError(90086, grant_type=grant_type)
    return grant(journey)


def _authorization_code(journey: Journey) -> dict[str, Any]:
    """:raises B2CError: 90083, 90085 unknown, 90080 expired or redeemed, 90088 of another flow, 90006 90182 90183."""
    exchange = journey.exchange
    code = _required(journey, "code")
    record = exchange.world.interaction.codes.get(code)
    app = _authenticate(journey, page=record is not None and record.spa)
    if record is None or record.app != app.id or not record.user_flow:
        raise B2CError(90085)
    if record.user_flow != journey.flow.name or record.tenant != journey.tenant.id:
        raise B2CError(90088, actual=record.user_flow, expected=journey.flow.name)
    now, ends = exchange.world.clock.now(), record.issued_on + CODE_LIFE_IN
    if record.redeemed or now >= ends:
        raise _expired(now, record.issued_on, ends)
    if _required(journey, "redirect_uri") != record.redirect_uri:
        raise B2CError(90006, redirect_uri=exchange.form["redirect_uri"], app=app.id)
    _check_verifier(exchange.form.get("code_verifier"), record)
    record.redeemed = True
    user = journey.local_user(record.identity.user)
    scope = parse(exchange.form.get("scope") or record.scopes, app)
    session = _session(journey, app, user, record.identity.signed_in_on, spa=record.spa)
    return tokens.response(journey, tokens.SignedIn(app, user, session.granted_on, record.nonce), scope, session)


def _refresh_token(journey: Journey) -> dict[str, Any]:
    """:raises B2CError: 90083, 90085 not a token of a user flow, 90088 of another flow, 90080, 90128, 90129."""
    exchange = journey.exchange
    session = exchange.world.state.refresh_tokens.parse(_required(journey, "refresh_token"))
    app = _authenticate(journey, page=session is not None and session.spa)
    if session is None or session.app != app.id or not session.user_flow or session.home != journey.tenant.id:
        raise B2CError(90085)
    if session.user_flow != journey.flow.name:
        raise B2CError(90088, actual=session.user_flow, expected=journey.flow.name)
    now, flow = exchange.world.clock.now(), journey.flow
    sliding = session.granted_on + flow.sliding_life_in
    if now >= min(session.issued_on + flow.refresh_life_in, sliding):
        raise _expired(now, session.issued_on, sliding)
    user = journey.local_user(session.user)
    if user.tokens_valid_from > session.granted_on:
        raise B2CError(90129)
    scope = parse(exchange.form.get("scope") or session.scopes, app)
    return tokens.response(journey, tokens.SignedIn(app, user, session.granted_on), scope, session)


def _password(journey: Journey) -> dict[str, Any]:
    """Only flows of kind `ropc` take a password, from public clients.

    :raises B2CError: 90086 in another flow, 90224 for a confidential client, 90083, 90225.
    """
    exchange = journey.exchange
    if journey.flow.kind != "ropc":
        raise B2CError(90086, grant_type="password")
    app = journey.app(exchange.form.get("client_id"))
    if not app.public:
        raise B2CError(90224)
    username, password = _required(journey, "username"), _required(journey, "password")
    user = find_user(journey, username, password)
    scope = parse(exchange.form.get("scope"), app)
    session = _session(journey, app, user, exchange.world.clock.now())
    return tokens.response(journey, tokens.SignedIn(app, user, session.granted_on), scope, session)


def _client_credentials(journey: Journey) -> dict[str, Any]:
    """:raises B2CError: 90058 for a public client, 90079 90081, and the codes of the scope."""
    app = _authenticate(journey, needs_secret=True)
    audience, roles = granted_to_application(journey, app, journey.exchange.form.get("scope"))
    return tokens.application_response(journey, app, audience, roles)


_GRANTS: dict[str, Callable[[Journey], dict[str, Any]]] = {
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
    "password": _password,
    "client_credentials": _client_credentials,
}


def local_account(journey: Journey, username: str) -> User | None:
    """Return the user of the tenant with this name or email address; None for a guest, and without a name."""
    wanted = username.strip().lower()
    users = (user for user in journey.tenant.users if wanted and wanted in (user.upn.lower(), user.mail.lower()))
    user = next(users, None)
    return user if user and not user.home else None


def find_user(journey: Journey, username: str, password: str) -> User:
    """Return the local account with this name or email address, after a check of its password.

    :raises B2CError: 90225, whatever is wrong with them.
    """
    user = local_account(journey, username)
    if user is None:
        raise B2CError(90225)
    try:
        check_password(journey.tenant, user, password, journey.exchange.world.clock.now())
    except EntraError:
        raise B2CError(90225) from None
    return user


def _authenticate(journey: Journey, *, needs_secret: bool = False, page: bool = False) -> App:
    """Return the client, after a check of its secret in the form or a Basic header.

    :raises B2CError: 90008, 90018, 90058, 90079, 90081, 90084.
    """
    form = journey.exchange.form
    header_id, header_secret = _basic(journey.exchange.authorization)
    app = journey.app(header_id or form.get("client_id"))
    secret = header_secret or form.get("client_secret")
    if app.public and needs_secret:
        raise B2CError(90058)
    if app.public or page:
        if secret:
            raise B2CError(90084)
        return app
    if not secret:
        raise B2CError(90079)
    now = journey.exchange.world.clock.now()
    valid = [own for own in app.secrets if own.expires_on is None or own.expires_on > now]
    if not any(hmac.compare_digest(own.value.encode(), secret.encode()) for own in valid):
        raise B2CError(90081)
    return app


def _basic(header: str) -> tuple[str, str]:
    """Return id and secret of a Basic header, each form-encoded (RFC 6749 section 2.3.1)."""
    scheme, _, value = header.partition(" ")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, secret = text.partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _required(journey: Journey, name: str) -> str:
    value = journey.exchange.form.get(name)
    if not value.strip():
        raise B2CError(90083, parameter=name)
    return value


def _session(journey: Journey, app: App, user: User, signed_in_on: float, *, spa: bool = False) -> RefreshToken:
    return RefreshToken(
        app.id, user.id, journey.tenant.id, "", signed_in_on, signed_in_on, spa=spa, user_flow=journey.flow.name
    )


def _expired(now: float, issued: float, ends: float) -> B2CError:
    return B2CError(90080, now=timestamp(now), issued=timestamp(issued), ends=timestamp(ends))


def _check_verifier(verifier: str, record: AuthorizationCode) -> None:
    """Check PKCE (RFC 7636 section 4.6).

    :raises B2CError: 90183 a verifier without a challenge or of an invalid length, 90182 a wrong or missing one.
    """
    if verifier and (not record.challenge or not 43 <= len(verifier) <= 128):
        raise B2CError(90183)
    shown = verifier
    if record.method == "S256":
        shown = base64url(hashlib.sha256(verifier.encode()).digest())
    if record.challenge and not hmac.compare_digest(shown.encode(), record.challenge.encode()):
        raise B2CError(90182)


def is_spa(app: App, redirect_uri: str) -> bool:
    """Whether a single-page application receives the response."""
    return registered_as(app, redirect_uri) == "spa"
