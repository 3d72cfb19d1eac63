"""Parse a 401's WWW-Authenticate: Bearer challenges (RFC 6750 section 3, RFC 9110 sections 5.6 and 11.6.1)."""

from __future__ import annotations

import base64
import binascii
import re

from mstoken.protocol.server_text import claims_in
from mstoken.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME = re.compile(rf"({_TOKEN})(?:[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$)))?")
"""A scheme, and the token68 that some schemes, such as Negotiate, have in place of parameters."""
_BETWEEN = re.compile(r"[\s,]*")
_LONGEST = 32_768
REFUSED = frozenset({401, 403})
"""Statuses with which an API refuses a token. Graph and others challenge with 403 too, for authentication contexts."""


def bearer_challenge(header: str) -> dict[str, str]:
    """Return the parameters of the first Bearer challenge, names in lower case; empty if there is none."""
    return next(_bearer_challenges(header), {})


def claims_challenge(claims: str, authorization_uri: str = "") -> str:
    """Return the WWW-Authenticate header with which a web API passes a claims challenge to its caller, with status 401.

    `claims` is JSON text, such as that of a refusal of on-behalf-of (`error.claims`). `authorization_uri` is where the
    user signs in; the public cloud's if empty.

    Source: learn.microsoft.com/entra/identity-platform/claims-challenge
    """
    encoded = base64.b64encode(claims.encode()).decode()
    where = authorization_uri or "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"
    return f'Bearer realm="", authorization_uri="{where}", error="insufficient_claims", claims="{encoded}"'


def claims_option(claims: str) -> str:
    """Return claims (JSON text) as the option `--claims` takes them: in base64url, which no shell changes."""
    return base64.urlsafe_b64encode(claims.encode()).decode()


def challenged_claims(header: str) -> str:
    """Return the claims that a resource requests, as JSON text, or '' if it requests none that can be parsed.

    The first Bearer challenge that requests claims counts. Source:
    learn.microsoft.com/entra/identity-platform/claims-challenge. The value is base64 or base64url, with or without
    padding; it counts only beside error="insufficient_claims" or, from older resources, "invalid_token".
    """
    return next(filter(None, map(_claims, _bearer_challenges(header))), "")


def refused_for_claims(status: int, headers: Mapping[str, str]) -> str:
    """Return the claims (JSON text) that a response's refusal requests; '' if it is none, or requests none."""
    challenge = headers.get("www-authenticate", "") if status in REFUSED else ""
    return challenged_claims(challenge) if challenge else ""


def challenged_tenant(header: str) -> str:
    """Return the tenant (a GUID in lower case) whose sign-in service a Bearer challenge names; '' if it names none.

    Azure Resource Manager's `authorization_uri="https://login.windows.net/TENANT"` names the tenant of the subscription
    in the URL. The host does not matter: a token is requested where the client's own authority is.
    """
    uri = bearer_challenge(header).get("authorization_uri", "")
    found = re.match(r"https://[^/?#@]+/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?=[/?]|$)", uri)
    return found[1].lower() if found else ""


def _bearer_challenges(header: str) -> Iterator[dict[str, str]]:
    return (parameters for scheme, parameters in _challenges(header) if scheme == "bearer")


def _challenges(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Return (scheme, parameters) of each challenge, in lower case; of repeated parameters the first counts.

    A comma separates both parameters and challenges, so an item without a value starts a challenge. Parsing stops at
    invalid text.
    """
    text, at = header[:_LONGEST], 0
    scheme, parameters = "", dict[str, str]()
    while (at := _after(_BETWEEN, text, at)) < len(text):
        if found := _PARAMETER.match(text, at):
            name, quoted, plain = found.groups()
            parameters.setdefault(name.lower(), plain or re.sub(r"\\(.)", r"\1", quoted or ""))
        elif found := _SCHEME.match(text, at):
            if scheme:
                yield scheme, parameters
            scheme, parameters = found[1].lower(), {}
        else:
            break
        at = found.end()
    if scheme:
        yield scheme, parameters


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _claims(parameters: dict[str, str]) -> str:
    encoded = parameters.get("claims", "")
    if not encoded or parameters.get("error", "").lower() not in ("insufficient_claims", "invalid_token"):
        return ""
    try:
        text = base64.b64decode(encoded.translate(str.maketrans("-_", "+/")) + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
    return "" if claims_in(text) is None else text
