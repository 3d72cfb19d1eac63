"""Convert an error response of the token endpoint into the matching exception (RFC 6749 section 5.2)."""

from __future__ import annotations

import json
import re
from math import ceil

from mstoken import aadsts, errors
from mstoken.credentials import ClientSecret
from mstoken.errors import MstokenError, Refusal
from mstoken.protocol.challenge import claims_option
from mstoken.protocol.http import REDIRECTS
from mstoken.protocol.retry_after import requested_wait
from mstoken.protocol.server_text import claims_in, one_line
from mstoken.redaction import shown
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import replace

if TYPE_CHECKING:
    from mstoken.model import TokenRequest
    from mstoken.protocol.http import HttpResponse

_LONGEST_TEXT = 2000
_LONGEST_CLAIMS = 50_000
_LOST_CLAIMS = " The claims of the response are not a JSON object; they were left out."
_NO_CODE = 10**10
"""The lowest number that cannot be an AADSTS code."""
_VAGUE_TIMES = ("Wait a minute, then try again", "Ask again in a moment")
"""How remedies in aadsts.toml say when to try again, if the service does not."""
_TRAILER = re.compile(r"[\s\u00a0]*(?:Trace ID|Correlation ID|Timestamp):.*", re.DOTALL)
_TRACE = re.compile(r"Trace ID:\s*([0-9A-Za-z-]+)")
_CORRELATION = re.compile(r"Correlation ID:\s*([0-9A-Za-z-]+)")

_KINDS: dict[str, type[errors.TokenRefused]] = {
    "sign_in_required": errors.SignInRequired,
    "credential_rejected": errors.CredentialRejected,
    "consent_required": errors.ConsentRequired,
    "access_blocked": errors.AccessBlocked,
    "misconfigured": errors.Misconfigured,
    "authorization_pending": errors.AuthorizationPending,
}
_LATER: dict[str, type[errors.TryLater]] = {
    "throttled": errors.Throttled,
    "service_unavailable": errors.ServiceUnavailable,
}


def refusal_of(response: HttpResponse, now: float, request: TokenRequest | None = None) -> MstokenError:
    """Return the exception for a response without a token.

    `now` (epoch seconds, UTC) turns a Retry-After date into seconds; `request` fills tenant, client, scope and profile
    into the remedy's commands.
    """
    refusal = parse_refusal(response)
    wait = requested_wait(response.headers, now)
    if not refusal.error and response.status in REDIRECTS:
        return errors.UnreadableAnswer(
            f"The token endpoint answered with a redirect (HTTP {response.status}); secrets never follow one.",
            "Check the authority: a token endpoint never redirects.",
        )
    if not refusal.error and response.status != 429 and response.status < 500:
        return errors.UnreadableAnswer(
            f"The response (HTTP {response.status}) was neither a token nor an OAuth error.",
            "Check the authority and any proxy in between.",
        )
    cause = aadsts.classify(refusal.codes, refusal.error, refusal.suberror, response.status, refusal.description)
    if request and not refusal.claims and cause.kind == "sign_in_required":
        refusal = replace(refusal, claims=request.claims)  # what an API has demanded is still to be met
    context = _context(request, refusal)
    message = _message(refusal, aadsts.fill(cause.cause, **context), cause.code)
    remedy = aadsts.fill(cause.remedy, **context)
    if cause.kind == "credential_rejected" and (mistake := _mistake_in_secret(request)):
        remedy = f"{mistake}\n{remedy}"
    if later := _LATER.get(cause.kind):
        if wait is not None:
            remedy = _timed(remedy, f"Try again in {ceil(wait)} seconds")
        return later(message, remedy, wait, refusal)
    return _KINDS[cause.kind](message, remedy, refusal)


def _timed(remedy: str, when: str) -> str:
    """Return the remedy with the time that the service named in place of a vague one."""
    for vague in _VAGUE_TIMES:
        if vague in remedy:
            return remedy.replace(vague, when, 1)
    return f"{when}. {remedy}"


def ends_refresh_token(refusal: errors.TokenRefused) -> bool:
    """Return whether a code of the refusal says that the refresh token will never work again."""
    return bool(refusal.codes) and any(cause.kills_grant for code in refusal.codes if (cause := aadsts.lookup(code)))


def ended(code: int, request: TokenRequest) -> errors.SignInRequired:
    """Return the refusal of a refresh token that the service already ended with this AADSTS code. Sends nothing."""
    refusal = Refusal(error="invalid_grant", codes=(code,))
    cause = aadsts.classify(refusal.codes, refusal.error, "", 400)
    context = _context(request, refusal)
    message = f"{_message(refusal, aadsts.fill(cause.cause, **context))} The service reported this before."
    return errors.SignInRequired(message, aadsts.fill(cause.remedy, **context), refusal)


def no_stored_sign_in(account: str, profile: str) -> errors.SignInRequired:
    """Return the error for an account that the vault does not contain: no sign-in here, or it was deleted.

    No request was made.
    """
    return errors.SignInRequired(
        f"There is no stored sign-in for the account {shown(account)!r}.",
        aadsts.fill("Sign in: `{login}`", profile=profile or account),
    )


def _mistake_in_secret(request: TokenRequest | None) -> str:
    """Return what looks like a mistake in the secret, which was sent unchanged, byte for byte."""
    credential: Any = request.credential if request else None
    client = credential if isinstance(credential, ClientSecret) else getattr(credential, "client", None)
    secret = client.secret if isinstance(client, ClientSecret) else ""
    if secret != secret.strip():
        return "The secret begins or ends with a space or a line break, which was sent as part of it. Set it without."
    if len(secret) > 1 and secret[0] == secret[-1] and secret[0] in "'\"":
        return "The secret is in quotation marks, which were sent as part of it. Set it without them."
    return ""


def _context(request: TokenRequest | None, refusal: Refusal) -> dict[str, str]:
    """Return the values for the remedy's commands: only what is known."""
    if request is None:
        return {}
    scope = next((scope for scope in request.scopes if "://" in scope), request.scopes[0] if request.scopes else "")
    known = {
        "tenant": request.authority.tenant,
        "client_id": request.client_id,
        "profile": request.profile,
        "authority": (request.authority.url if request.authority.policy else request.authority.origin).removeprefix(
            "https://"
        ),
        "scope": scope,
        "resource": scope.removesuffix("/.default"),
        "correlation_id": refusal.correlation_id,
        "claims": claims_option(refusal.claims),
    }
    return {name: value for name, value in known.items() if value}


def parse_refusal(response: HttpResponse) -> Refusal:
    """Return the fields of the error response. For text and HTML, `error` is empty."""
    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("error"), str):
        return Refusal(status=response.status)
    description = body.get("error_description")
    raw = description[:_LONGEST_TEXT] if isinstance(description, str) else ""
    claims = body.get("claims")
    return Refusal(
        error=one_line(body["error"], _LONGEST_TEXT),
        description=one_line(_TRAILER.sub("", raw, count=1), _LONGEST_TEXT) + ("" if _usable(claims) else _LOST_CLAIMS),
        codes=_codes(body, raw),
        suberror=one_line(body.get("suberror"), _LONGEST_TEXT),
        claims=claims if isinstance(claims, str) and _usable(claims) else "",
        trace_id=one_line(body.get("trace_id")) or _found(_TRACE, raw),
        correlation_id=one_line(body.get("correlation_id")) or _found(_CORRELATION, raw),
        timestamp=one_line(body.get("timestamp")),
        status=response.status,
    )


def _usable(claims: object) -> bool:
    """Return whether there is no claims challenge, or one that can be forwarded."""
    return not claims or (isinstance(claims, str) and len(claims) <= _LONGEST_CLAIMS and claims_in(claims) is not None)


def _message(refusal: Refusal, cause: str, code: str = "") -> str:
    """Return one line: the code, its meaning in mstoken's words, and the ids that support needs.

    For an unknown code, the service's own description replaces mstoken's words. `code` is that of B2C, which has no
    numbers in `error_codes`.
    """
    name = f"AADSTS{refusal.codes[0]}" if refusal.codes else refusal.error or f"HTTP {refusal.status}"
    b2c = code.startswith("AADB2C")
    name = code if b2c else name
    known = b2c or any(map(aadsts.lookup, refusal.codes))
    text = cause if known else refusal.description.removeprefix(f"{name}: ") or cause
    ids = [
        f"{label} {value}"
        for label, value in (("trace id", refusal.trace_id), ("correlation id", refusal.correlation_id))
        if value
    ]
    return f"{name}: {text}" + (f" ({', '.join(ids)})" if ids else "")


def _codes(body: dict[str, Any], description: str) -> tuple[int, ...]:
    listed = body.get("error_codes")
    codes = [code for code in listed if type(code) is int and 0 < code < _NO_CODE] if isinstance(listed, list) else []
    named = [int(code) for code in aadsts.codes_in(description) if code.isdigit() and f"AADSTS{code}" in description]
    return tuple(dict.fromkeys([*named, *codes]))


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""
