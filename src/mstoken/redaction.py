"""The one place that decides whether a value may be shown.

Settings that name a location, an ID or a reference are quoted in messages and in `mstoken doctor`. A secret given in
their place is not: it is recognized by its form, and the message says what it is. Every error passes through here.
"""

from __future__ import annotations

import re

LONGEST_SHOWN = 1024
"""Characters of a path; a name or an ID is shorter still."""
_LONGEST_NAME = 200

_PEM = r"-----BEGIN ([A-Z0-9 ]{1,40})-----.*?(?:-----END [A-Z0-9 ]{1,40}-----|\Z)"
_DER = r"MI[I-K][A-Za-z0-9+/_\s-]{100,}={0,2}"
_JWT = r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,3}"
_REFRESH_TOKEN = r"(?<![A-Za-z0-9._-])[0-9]\.A[A-Za-z0-9_.-]{60,}"  # as Entra writes them
_CLIENT_SECRET = r"(?<![A-Za-z0-9._~-])[A-Za-z0-9_.-]{3,8}~[A-Za-z0-9_.~-]{24,}"  # as Entra writes them
_LONG = (
    r"(?<![A-Za-z0-9+/_=-])(?!eyJ)[A-Za-z0-9+_-]{100,}={0,2}"  # no slash: paths may be long; eyJ: claims in remedies
)
_FORMS = {
    _DER: "base64 of a certificate or key",
    _JWT: "a token",
    _REFRESH_TOKEN: "a refresh token",
    _CLIENT_SECRET: "a client secret",
    _LONG: "a long secret",
}
_MARKS = ("-----BEGIN ", "eyJ", "~")
_SHORTEST_UNMARKED = 63
"""The least number of characters of a form that has none of these marks, which is that of a refresh token."""


def mistake_in(value: str) -> str:
    """What `value` is where a path, an ID or a name belongs, such as "the private key itself"; '' for nothing known."""
    if _may_have_form(value):
        if found := re.search(_PEM, value, re.DOTALL):
            return "the private key itself" if "PRIVATE KEY" in value else f"the {found[1].lower()} itself"
        for pattern, what in _FORMS.items():
            if re.search(pattern, value):
                return what
    if value.lstrip().startswith("{"):
        return "JSON"
    return "several lines of text" if len(value.splitlines()) > 1 else ""


def redacted(text: str) -> str:
    """A message without what looks like key material, a token or a secret."""
    if not _may_have_form(text):
        return text
    text = re.sub(_PEM, lambda found: f"({found[1].lower()})", text, flags=re.DOTALL)
    for pattern, what in _FORMS.items():
        text = re.sub(pattern, f"({what})", text)
    return text


def _may_have_form(text: str) -> bool:
    """Whether a form can occur in `text`; to compile all of them would cost a command more than its request."""
    return len(text) >= _SHORTEST_UNMARKED or any(mark in text for mark in _MARKS)


def shown(value: str, longest: int = _LONGEST_NAME) -> str:
    """A setting's value for a message; for what may not be shown, what it is and how long."""
    what = mistake_in(value)
    if not what and len(value) <= longest and value.isprintable():
        return value
    return f"({what or 'text'}, {len(value)} characters)"


def shown_path(path: str) -> str:
    """`shown` for the path of a file or folder."""
    return shown(path, LONGEST_SHOWN)
