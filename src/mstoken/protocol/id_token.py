"""Check an ID token that came directly from the token endpoint (OpenID Connect Core section 3.1.3.7).

Over TLS from that server, the signature need not be checked (item 6 there). The checks bind the response to this
request: audience, nonce, time. The issuer is not compared with the authority: one sign-in page serves many issuers
(each tenant has its own, and hosts have aliases), and the token endpoint that redeemed the code was chosen here.
"""

from __future__ import annotations

import hmac
import re

from mstoken.errors import UnreadableAnswer, UsageError
from mstoken.protocol.jwt import decode, expires_on
from mstoken.protocol.server_text import one_line
from mstoken.protocol.times import CLOCK_SKEW_IN
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mstoken.model import TokenRequest


_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,254}")
"""The form of a `tid` that can name a tenant in a profile or a URL."""


@value
class SignedInUser:
    """The person who signed in, for people to read. `tenant` is the one that signed them in; empty if unknown."""

    username: str = ""
    name: str = ""
    tenant: str = ""


def parse_id_token(id_token: str, request: TokenRequest, nonce: str, now: float) -> SignedInUser:
    """Return the person in the ID token of the response to `request`; an empty one without ID token and nonce.

    `nonce` is the one in the request, '' if it had none; the response to a nonce must have it. Raises UnreadableAnswer
    if the ID token is missing then, and for one that is meant for another client or request or has expired: an attacker
    may have injected a different sign-in.
    """
    if not id_token and nonce:
        raise UnreadableAnswer(
            "The sign-in returned no ID token, so its user is unknown. Nothing was stored.",
            "Sign in again, and check the authority.",
        )
    if not id_token:
        return SignedInUser()
    try:
        claims = decode(id_token).claims
    except UsageError:
        raise _wrong("is no JWT") from None
    audience, normalized = claims.get("aud"), request.authority.normalized
    named = {normalized(str(client_id)) for client_id in (audience if isinstance(audience, list) else [audience])}
    if normalized(request.client_id) not in named:
        raise _wrong("is for another application")
    returned = str(claims.get("nonce", "")).encode(errors="surrogatepass")
    if nonce and not hmac.compare_digest(returned, nonce.encode()):
        raise _wrong("answers another request")
    expires = expires_on(id_token)
    if expires is None or expires + CLOCK_SKEW_IN < now:
        raise _wrong("has expired; perhaps this machine's clock is wrong")
    username = claims.get("preferred_username") or claims.get("upn") or claims.get("email") or _first_email(claims)
    tenant = claims.get("tid")
    return SignedInUser(
        one_line(username),
        one_line(claims.get("name")),
        tenant if isinstance(tenant, str) and _TENANT.fullmatch(tenant) else "",
    )


def _first_email(claims: Mapping[str, object]) -> object:
    """Return the first address in `emails`, the claim of Azure AD B2C; None without one."""
    emails = claims.get("emails")
    return emails[0] if isinstance(emails, list) and emails else None


def _wrong(problem: str) -> UnreadableAnswer:
    return UnreadableAnswer(
        f"The ID token of the sign-in {problem}. Nothing was stored.", "Sign in again, and check the authority."
    )
