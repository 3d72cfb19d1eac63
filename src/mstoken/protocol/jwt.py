"""Decode a JWT without trusting it (RFC 7519, RFC 7515 section 3.1, RFC 7516 section 3.1).

The result is for display: the signature is not checked, so no decision may depend on it. Microsoft's APIs own the
format of their access tokens, and some are not JWTs: learn.microsoft.com/entra/identity-platform/access-tokens.
"""

from __future__ import annotations

import base64
import binascii
import json

from mstoken.errors import UsageError
from mstoken.protocol.server_text import is_visible
from mstoken.protocol.times import numeric_date
from mstoken.typed import Any
from mstoken.values import field, value

MAX_CHARACTERS = 256 * 1024
"""Maximum length of a token in characters; HTTP servers refuse headers far shorter than this."""

_BASE64URL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_MOST_DIGITS = 30  # of an integer: Python needs quadratic time for long ones
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_NEAR = 512
"""Characters of a payload in which nearly every issuer writes `exp`; a multiple of 4 (RFC 4648 section 4)."""


@value
class Decoded:
    """The contents of a JWT: `header` and `claims` as JSON objects. `encrypted` ones (JWE) show no claims to others.

    Of repeated claims the last one counts (RFC 7519 section 4). The claims name people, so they stay out of the repr.
    """

    header: dict[str, Any]
    claims: dict[str, Any] = field(repr=False)
    encrypted: bool = False


def looks_like_jwt(text: str) -> bool:
    """Return whether `text` has the form of a JWT: three parts, or five if encrypted, the first a JSON object."""
    parts = text.split(".", 5)
    return len(text) <= MAX_CHARACTERS and is_visible(text) and len(parts) in (3, 5) and _object(parts[0]) is not None


def decode(token: str) -> Decoded:
    """Return the header and claims of a compact JWT, with its signature unchecked.

    Raises UsageError for text that is not a JWT: another number of parts, parts that are not base64url of a JSON
    object, or more than LONGEST characters. The message never repeats the token.
    """
    if len(token) > MAX_CHARACTERS:
        raise _not("it is longer than any token")
    parts = token.split(".", 5)
    if len(parts) not in (3, 5):
        raise _not("a JWT has three parts with dots between them (five when encrypted)")
    header = _object(parts[0])
    if header is None:
        raise _not("its first part is not base64url of a JSON object; perhaps the beginning is missing")
    if len(parts) == 5:
        return Decoded(header, {}, encrypted=True)
    claims = _object(parts[1])
    if claims is None:
        raise _not("its second part is not base64url of a JSON object; perhaps it was cut or changed on the way")
    return Decoded(header, claims)


def readable(token: str) -> Decoded | None:
    """Return what `decode` returns; None for a token that only its API can read: an opaque or an encrypted one."""
    try:
        decoded = decode(token)
    except UsageError:
        return None
    return None if decoded.encrypted else decoded


def expires_on(token: str) -> float | None:
    """Return the `exp` of a token in epoch seconds, UTC; None for a token that is opaque, encrypted or without `exp`.

    Every token that arrives passes through here, so it reads no more of the token than necessary.
    """
    start = token.find(".") + 1
    end = token.find(".", start)
    if not token.startswith("ey") or end < 0 or token.find(".", end + 1) >= 0:  # {" in base64url; three parts
        return None
    written = _near_exp(token[start : min(end, start + _NEAR)])
    if written is None:
        written = (_object(token[start:end]) or {}).get("exp")
    try:
        return None if written is None else numeric_date(written)
    except ValueError:
        return None


def _near_exp(start: str) -> int | None:
    """Return the `exp` near the start of a payload; None if it is not there, or may be inside another claim."""
    try:
        raw = binascii.a2b_base64(start.encode().translate(_URL_SAFE) + b"=" * (-len(start) % 4))
    except ValueError:
        return None
    at = raw.find(b'"exp":')
    digits = raw[at + 6 : max(raw.find(b",", at), 0)].strip()
    return int(digits) if at > 0 and digits.isdigit() and len(digits) < 20 and raw.count(b"{", 0, at) == 1 else None


def _not(reason: str) -> UsageError:
    return UsageError(f"This is not a JWT that can be read: {reason}.", "Pipe the token in whole, on one line.")


def _object(part: str) -> dict[str, Any] | None:
    """Decode a base64url part (RFC 7515 section 2; padding is accepted) as a JSON object; None if it is not one."""
    bare = part.rstrip("=")
    if not _BASE64URL.issuperset(bare):
        return None
    try:
        raw = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
        found = json.loads(raw.decode("utf-8"), parse_int=_integer, parse_float=_number, parse_constant=_constant)
    except (binascii.Error, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("an integer too long to mean anything")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number too large to mean anything")
    return value


def _constant(name: str) -> Any:
    """Refuse NaN and Infinity: they are not JSON (RFC 8259 section 6), although Python accepts them."""
    raise ValueError(name)
