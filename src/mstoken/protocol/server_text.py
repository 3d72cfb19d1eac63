"""Strings that a server sends, checked for their use.

    tokens, codes        visible ASCII: RFC 6749 appendices A.11, A.12 and A.17; they go into headers and forms
    token_type, foci     visible ASCII and short: RFC 6749 appendix A.13; the type goes into headers
    scope                visible ASCII and spaces: RFC 6749 appendix A.4
    claims               JSON text of an object that every encoder can write: RFC 8259 section 8.2
    words for people     one line without control characters and characters that change the text direction

An invalid required string makes the response unreadable. An invalid optional string is left out and named: an invalid
refresh token or scope never costs a valid access token.
"""

from __future__ import annotations

import json

from mstoken.messages import printable
from mstoken.texts import is_encodable
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeGuard

LONGEST_WORD = 100
"""Maximum number of characters of a token type or a family's name."""


def is_visible(text: object) -> TypeGuard[str]:
    """Return whether it is non-empty text of visible ASCII characters, as tokens and codes are."""
    return isinstance(text, str) and text.isascii() and text.isprintable() and " " not in text and text != ""


def is_word(text: object) -> TypeGuard[str]:
    """Return whether it is a short text of visible ASCII characters."""
    return is_visible(text) and len(text) <= LONGEST_WORD


def is_spaced(text: object) -> TypeGuard[str]:
    """Return whether it is text of visible ASCII characters and spaces, as scopes and refresh tokens are."""
    return isinstance(text, str) and text.isascii() and text.isprintable()


def claims_in(text: object) -> dict[str, Any] | None:
    """Return the JSON object of a claims challenge; None for anything else."""
    if not isinstance(text, str) or not is_encodable(text):
        return None
    try:
        found = json.loads(text)
        whole = isinstance(found, dict) and is_encodable(json.dumps(found, ensure_ascii=False))
    except (ValueError, RecursionError):
        return None
    return found if whole else None


def one_line(text: object, longest: int = 500) -> str:
    """Return at most the given number of characters of a server's text, as one printable line; '' if it is not text."""
    return printable(" ".join(text[:longest].split())) if isinstance(text, str) else ""
