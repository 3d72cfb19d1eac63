"""Find the token in the input: bare, after `Bearer`, in a header or assignment, in JSON, or wrapped over lines."""

from __future__ import annotations

import json
import re

from mstoken.errors import UsageError
from mstoken.protocol.jwt import looks_like_jwt
from mstoken.texts import decode_text
from mstoken.typed import Any

MAX_BYTES = 1024 * 1024
"""Maximum size of the input, in bytes."""

# Field names of tokens in JSON, in order of preference: OAuth, az, mstoken and azd, kubectl, Google. Letter case does
# not matter, because PowerShell writes `Token`.
_FIELDS = ("access_token", "accesstoken", "token", "id_token", "idtoken", "refresh_token", "refreshtoken", "value")

_JWT = re.compile(r"(?<![\w.-])e[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){2,4}")
_ASSIGNED = re.compile(r"^(?:export\s+|set\s+|\$env:)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*(?=\S)", re.IGNORECASE)
_HEADER = re.compile(r"^(?:[A-Za-z-]+:\s*)?bearer\s+(?=\S)", re.IGNORECASE)


def decode_input(raw: bytes) -> str:
    """Return the input as text. Raises UsageError for more than MAX_BYTES bytes."""
    if len(raw) > MAX_BYTES:
        raise UsageError("The input is too long for a token.", "Pipe in one token: mstoken get graph | mstoken inspect")
    return decode_text(raw, "replace")


def find_token(text: str) -> str:
    """Return the token in `text`. Raises UsageError, without repeating the text, if there is no token."""
    stripped = text.strip()
    if not stripped:
        raise UsageError("Standard input is empty.", "Pipe in a token: mstoken get graph | mstoken inspect")
    if stripped[0] in '{["':
        return _in_json(stripped)
    bare = _HEADER.sub("", _ASSIGNED.sub("", stripped)).strip("'\";")
    pieces = bare.split()
    joined = "".join(pieces)  # a terminal or an email may have wrapped it
    whole = len(pieces) == 1 or not (" " in bare or any(looks_like_jwt(piece) for piece in pieces[1:]))
    if whole and (looks_like_jwt(joined) or len(pieces) == 1):
        return joined
    for match in _JWT.finditer(stripped):
        if looks_like_jwt(match[0]):
            return match[0]
    raise _no_token()


def _in_json(text: str) -> str:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError("The input begins like JSON but is invalid.", "Pipe in the complete output.") from None
    if isinstance(document, str):
        return find_token(document) if document[:1] not in '{["' else document
    candidates: dict[str, str] = {}
    _collect(document, candidates, depth=3)
    for name in _FIELDS:
        if name in candidates:
            return candidates[name]
    raise _no_token()


def _collect(node: Any, found: dict[str, str], depth: int) -> None:
    """Collect texts by lower-case field name; the outermost of a name wins."""
    if isinstance(node, list) and depth:
        for item in node:
            _collect(item, found, depth - 1)
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, str) and value:
                found.setdefault(name.lower(), value)
        for value in node.values() if depth else ():
            _collect(value, found, depth - 1)


def _no_token() -> UsageError:
    return UsageError("The input contains no token.", "Pipe in a token: mstoken get graph | mstoken inspect")
