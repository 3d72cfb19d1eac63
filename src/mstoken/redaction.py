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
_DER = r"MI[I-K](?:[A-Za-z0-9+/_\s-]|\\+[nr]){100,}={0,2}"  # with line ends, also as repr writes them
_JWT = r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,3}"
_REFRESH_TOKEN = r"(?<![A-Za-z0-9._-])[0-9]\.A[A-Za-z0-9_.-]{60,}"  # as Entra writes them
_PERSONAL_REFRESH_TOKEN = r"(?<![A-Za-z0-9._-])M\.[A-Z][0-9]{1,4}_[A-Z0-9]{2,5}\.[A-Za-z0-9._!*$-]{40,}"
_GITHUB_TOKEN = r"(?<![A-Za-z0-9_])(?:gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})"
_SHARED_KEY = r"(?:AccountKey|SharedAccessKey|\bsig)=[A-Za-z0-9+/%]{20,}={0,2}"  # connection strings and SAS URLs
_KEY_IN_BASE64 = r"(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==)(?![A-Za-z0-9+/=])"  # 256 or 512 bits
_CLIENT_SECRET = r"(?<![A-Za-z0-9._~-])[A-Za-z0-9_.-]{3,8}~[A-Za-z0-9_.~-]{24,}"  # as Entra writes them
_LONG = (
    r"(?<![A-Za-z0-9+/_=-])(?!eyJ)[A-Za-z0-9+_-]{100,}={0,2}"  # no slash: paths may be long; eyJ: claims in remedies
)
_FORMS = {
    _DER: "base64 of a certificate or key",
    _JWT: "a token",
    _REFRESH_TOKEN: "a refresh token",
    _PERSONAL_REFRESH_TOKEN: "a refresh token",
    _GITHUB_TOKEN: "a token of GitHub",
    _SHARED_KEY: "a shared key",
    _KEY_IN_BASE64: "a key in base64",
    _CLIENT_SECRET: "a client secret",
    _LONG: "a long secret",
}
_MARKS = (
    "-----BEGIN ", "eyJ", "~", "AccountKey=", "SharedAccessKey=", "sig=", "gho_", "ghp_", "ghr_", "ghs_", "ghu_",
    "github_pat_",
)  # fmt: skip
_SHORTEST_KEY = 44
"""Characters of the shortest key in base64, which ends in an equals sign."""
_SHORTEST_UNMARKED = 63
"""The least number of characters of a form that has none of these marks, which is that of a refresh token."""


def mistake_in(value: str) -> str:
    """What `value` is where a path, an ID or a name belongs, such as "the private key itself"; '' for nothing known."""
    if _may_have_form(value):
        if found := re.search(_PEM, value, re.DOTALL):
            return "the private key itself" if "PRIVATE KEY" in value else f"the {found[1].lower()} itself"
        for pattern, kind in _FORMS.items():
            if re.search(pattern, value):
                return kind
    if value.lstrip().startswith("{"):
        return "JSON"
    return "several lines of text" if len(value.splitlines()) > 1 else ""


def redacted(text: str) -> str:
    """A message without what looks like key material, a token or a secret."""
    if not _may_have_form(text):
        return text
    text = re.sub(_PEM, lambda found: f"({found[1].lower()})", text, flags=re.DOTALL)
    for pattern, kind in _FORMS.items():
        text = re.sub(pattern, f"({kind})", text)
    return text


def _may_have_form(text: str) -> bool:
    """Whether a form can occur in `text`; to compile all of them would cost a command more than its request."""
    if len(text) >= _SHORTEST_UNMARKED or (len(text) >= _SHORTEST_KEY and "=" in text):
        return True
    return any(mark in text for mark in _MARKS)


def shown(value: str, longest: int = _LONGEST_NAME) -> str:
    """A setting's value for a message; for what may not be shown, what it is and how long."""
    kind = mistake_in(value)
    if not kind and len(value) <= longest and value.isprintable():
        return value
    return f"({kind or 'text'}, {len(value)} characters)"


def shown_path(path: str) -> str:
    """`shown` for the path of a file or folder."""
    return shown(path, LONGEST_SHOWN)
