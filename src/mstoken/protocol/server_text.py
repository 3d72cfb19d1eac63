"""Strings that a server sends, checked by the use that is made of them.

    tokens, codes        visible ASCII: RFC 6749 appendices A.11, A.12 and A.17; they go into headers and forms
    token_type, foci     visible ASCII and short: RFC 6749 appendix A.13; the type goes into headers
    scope                visible ASCII and spaces: RFC 6749 appendix A.4
    claims               JSON text of an object that every encoder can write: RFC 8259 section 8.2
    words for people     one line without anything that would steer a terminal or turn the text around

What cannot be used and is needed makes the answer unreadable. What can be left out is left out by name: a refresh token
or a scope that makes no sense never costs a good access token.
"""

from __future__ import annotations

import json

from mstoken.messages import printable
from mstoken.texts import is_encodable
from mstoken.typed import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeGuard

LONGEST_WORD = 100
"""Characters of a token type or of the name of a family; a longer one is neither."""


def is_visible(text: object) -> TypeGuard[str]:
    """Whether it is text of visible ASCII characters, one at least, as tokens and codes are."""
    return isinstance(text, str) and text.isascii() and text.isprintable() and " " not in text and text != ""


def is_word(text: object) -> TypeGuard[str]:
    """Whether it is a short text of visible ASCII characters."""
    return is_visible(text) and len(text) <= LONGEST_WORD


def is_spaced(text: object) -> TypeGuard[str]:
    """Whether it is text of visible ASCII characters and spaces, as scopes and refresh tokens are."""
    return isinstance(text, str) and text.isascii() and text.isprintable()


def claims_in(text: object) -> dict[str, Any] | None:
    """The JSON object that a claims challenge is; None for anything else."""
    if not isinstance(text, str) or not is_encodable(text):
        return None
    try:
        found = json.loads(text)
        whole = isinstance(found, dict) and is_encodable(json.dumps(found, ensure_ascii=False))
    except (ValueError, RecursionError):
        return None
    return found if whole else None


def one_line(text: object, longest: int = 500) -> str:
    """At most so many characters of a server's words, on one line that can be shown; '' for what is not text."""
    return printable(" ".join(text[:longest].split())) if isinstance(text, str) else ""
