"""The tokens of user flows, and the token response.

Sources: learn.microsoft.com/azure/active-directory-b2c/tokens-overview and .../access-tokens (claims and response);
panva/openid-client#717 (a response without an access token).
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from entra_emulator.ids import base64url
from entra_emulator.model import App, RefreshToken, User
from entra_emulator.tokens.id_tokens import hashes

from .journey import Journey
from .scopes import Scope, granted

_SUB_MISSING = "Not supported currently. Use oid claim."


@dataclass(frozen=True)
class SignedIn:
    """A user who signed in with a user flow, through `app`, at `auth_time` (epoch seconds)."""

    app: App
    user: User
    auth_time: float
    nonce: str = ""


def response(
    journey: Journey, signed_in: SignedIn, scope: Scope, session: RefreshToken, *, id_token: bool = True
) -> dict[str, Any]:
    """Return the body of a token response for a user.

    :param session: the sign-in, for the refresh token.
    :param id_token: whether the request's response type allows an ID token.
    :raises B2CError: 90117 or 90205.
    """
    now, life_in = int(journey.exchange.world.clock.now()), int(journey.flow.token_life_in)
    body: dict[str, Any] = {}
    if scope.wants_access:
        audience, names = granted(journey, signed_in.app, signed_in.user, scope)
        body["access_token"] = sign(journey, access_claims(journey, signed_in, audience, names))
    if id_token and "openid" in scope.oidc:
        body["id_token"] = sign(journey, id_claims(journey, signed_in, {}))
    body |= {"token_type": "Bearer", "not_before": now}
    if "access_token" in body:
        body |= {"expires_in": life_in, "expires_on": now + life_in, "resource": audience}
    if "id_token" in body:
        body["id_token_expires_in"] = life_in
    body |= {"profile_info": _profile(journey, signed_in), "scope": _echo(scope)}
    if "offline_access" in scope.oidc:
        body["refresh_token"] = _next(journey, session, scope)
        body["refresh_token_expires_in"] = int(journey.flow.refresh_life_in)
    if journey.exchange.form.get("client_info") == "1":
        body["client_info"] = client_info(journey, signed_in.user)
    return body


def application_response(journey: Journey, app: App, audience: str, roles: tuple[str, ...]) -> dict[str, Any]:
    """Return the body of a token response for an application itself; its roles are in `scp`."""
    now, life_in = int(journey.exchange.world.clock.now()), int(journey.flow.token_life_in)
    principal = journey.tenant.principal(app.id)
    claims = {
        **_times(journey),
        "aud": audience,
        "sub": principal.id if principal else app.id,
        **_policy(journey),
        "scp": " ".join(roles) or None,
        "azp": app.id,
        "ver": "1.0",
        "iat": now,
    }
    times = {"not_before": now, "expires_in": life_in, "expires_on": now + life_in}
    return {"access_token": sign(journey, claims), "token_type": "Bearer", **times, "resource": audience}


def access_claims(journey: Journey, signed_in: SignedIn, audience: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the claims of a user's access token."""
    return {
        **_times(journey),
        "aud": audience,
        **_user_claims(journey, signed_in.user),
        **_policy(journey),
        "nonce": signed_in.nonce or None,
        "scp": " ".join(names) or None,
        "azp": signed_in.app.id,
        "ver": "1.0",
        "iat": int(journey.exchange.world.clock.now()),
    }


def id_claims(journey: Journey, signed_in: SignedIn, beside: Mapping[str, str]) -> dict[str, Any]:
    """Return the claims of an ID token. `beside`: the code and access token in the same response."""
    return {
        "ver": "1.0",
        **_times(journey),
        "aud": signed_in.app.id,
        "nonce": signed_in.nonce or None,
        "iat": int(journey.exchange.world.clock.now()),
        "auth_time": int(signed_in.auth_time),
        **_user_claims(journey, signed_in.user),
        **_policy(journey),
        **hashes(**beside),
    }


def sign(journey: Journey, claims: Mapping[str, Any]) -> str:
    """Return a token with those of the claims that have a value."""
    found = {name: value for name, value in claims.items() if value is not None}
    return journey.exchange.world.keys.sign(found, with_thumbprint=False)


def client_info(journey: Journey, user: User) -> str:
    """MSAL's account identity: the user's id with the user flow, and the tenant."""
    uid = {"uid": f"{user.id}-{journey.flow.name.lower()}", "utid": journey.tenant.id}
    return base64url(json.dumps(uid, separators=(",", ":")).encode())


def _times(journey: Journey) -> dict[str, Any]:
    now = int(journey.exchange.world.clock.now())
    return {"iss": journey.issuer, "exp": now + int(journey.flow.token_life_in), "nbf": now}


def _policy(journey: Journey) -> dict[str, str]:
    """Return the claim that names the user flow. `acr` has the name in lower case, as older flows write it."""
    name, claim = journey.flow.name, journey.flow.policy_claim
    return {claim: name.lower() if claim == "acr" else name}


def _user_claims(journey: Journey, user: User) -> dict[str, Any]:
    known: dict[str, Any] = {
        "oid": user.id,
        "name": user.name,
        "given_name": user.given_name or None,
        "family_name": user.family_name or None,
        "emails": [user.mail or user.upn],
    }
    sub = user.id if journey.flow.sub_supported else _SUB_MISSING
    return {"sub": sub, **{name: value for name, value in known.items() if name in journey.flow.claims}}


def _profile(journey: Journey, signed_in: SignedIn) -> str:
    name = signed_in.user.name if "name" in journey.flow.claims else None
    fields = {
        "ver": "1.0",
        "tid": journey.tenant.id,
        "sub": None,
        "name": name,
        "preferred_username": None,
        "idp": None,
    }
    return base64url(json.dumps(fields, separators=(",", ":")).encode())


def _echo(scope: Scope) -> str:
    """Return the `scope` member: the words of the request, without those that B2C does not know."""
    return " ".join(word for word in scope.text.split() if word.lower() not in ("profile", "email"))


def _next(journey: Journey, session: RefreshToken, scope: Scope) -> str:
    record = replace(session, scopes=scope.text, issued_on=journey.exchange.world.clock.now(), id=secrets.token_hex(12))
    return journey.exchange.world.state.refresh_tokens.issue(record)
