"""What an error code of the Microsoft identity platform means, and what to do next.

The entries are data, in `aadsts.toml` and `aadb2c.toml`; this file finds the entry for an error response and fills in
its remedy. Nothing here uses the network, and the data is read when the first error is looked up.

Numbers are the AADSTS codes of Entra's token service and a few of Partner Center; those of B2C begin with AADB2C. Names
are those of RFC 6749 section 5.2, RFC 8628 section 3.5, OpenID Connect Core section 3.1.2.6, Entra's suberrors, Graph
and the metadata services.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from mstoken.messages import reader_is_at_the_shell
from mstoken.python_advice import as_python
from mstoken.redaction import redacted
from mstoken.shells import quoted as quoted_for_reader
from mstoken.typed import Any
from mstoken.values import replace, value

REFERENCE = "https://learn.microsoft.com/entra/identity-platform/reference-error-codes"
B2C_REFERENCE = "https://learn.microsoft.com/azure/active-directory-b2c/error-codes"
KINDS = frozenset(
    {
        "sign_in_required",
        "credential_rejected",
        "consent_required",
        "access_blocked",
        "misconfigured",
        "authorization_pending",
        "throttled",
        "service_unavailable",
    }
)
"""The exception classes of errors.py, in snake case."""

FALLBACKS = {
    "tenant": "TENANT",
    "client_id": "CLIENT_ID",
    "resource": "SERVICE",
    "scope": "SCOPE",
    "profile": "PROFILE",
    "account": "USER",
    "authority": "login.microsoftonline.com",
    "correlation_id": "that the error shows",
    "code": "CODE",
    "claims": "CLAIMS",
}
"""Every plain placeholder, with the word that replaces it, as in `--help`, when the caller does not know the value.

Outside a command, an unknown value is left out together with its parentheses, or with the sentence `Now it is …`.
"""

COMPOSED = frozenset({"login", "get", "consent_url"})
"""Placeholders composed of plain ones: two commands, and the URL of the administrator's consent page."""

_LONGEST_VALUE = 500  # characters; a longer value is not readable in a message
_LONGEST_CLAIMS = 4000  # characters; a command without all of them would not do what the API demands
_MOST_CODES = 100  # a response has one or two; the limit is for hostile text


@value
class Cause:
    """One entry: `code` is the number as text, or an error name; `name` is Entra's short name, or ''.

    `kind` is one of KINDS. `cause` and `remedy` may contain placeholders for `fill`. `retry` means that the same
    request may succeed a little later. `kills_grant` means that the refresh token is no longer valid. `source` is a
    URL. `verified` is False for an entry with a single or weak source.
    """

    code: str
    name: str
    kind: str
    cause: str
    remedy: str
    retry: bool = False
    kills_grant: bool = False
    source: str = REFERENCE
    verified: bool = True


@value
class _Knowledge:
    causes: dict[str, Cause]  # by casefolded key
    phrases: tuple[tuple[str, Cause], ...]  # casefolded text that identifies a cause without a code


@cache
def _knowledge() -> _Knowledge:
    import pkgutil
    import tomllib

    causes: dict[str, Cause] = {}
    for file in ("aadsts.toml", "aadb2c.toml"):
        data = pkgutil.get_data("mstoken", file)
        if data is None:  # pragma: no cover - a package without its data is not an installation
            raise FileNotFoundError(f"mstoken/{file}")
        causes |= {code.casefold(): _cause(code, entry) for code, entry in tomllib.loads(data.decode()).items()}
    return _Knowledge(causes, tuple((key, cause) for key, cause in causes.items() if " " in key))


def _cause(code: str, entry: dict[str, Any]) -> Cause:
    return Cause(code=code, **{"name": "", **entry})


def entries() -> tuple[Cause, ...]:
    """Return every entry, in the order of the data file, with unfilled remedies."""
    return tuple(_knowledge().causes.values())


def lookup(code: int | str) -> Cause | None:
    """Return the entry for a number (`50076`, `"AADSTS50076"`), an error name (`"invalid_grant"`) or an HTTP status."""
    key = str(code).strip().casefold().removeprefix("aadsts").strip(" :")
    causes = _knowledge().causes
    return (
        causes.get(key) or causes.get(f"http_{key}") or (causes["http_5xx"] if re.fullmatch("5[0-9]{2}", key) else None)
    )


def classify(codes: tuple[int, ...], error: str, suberror: str, status: int, description: str = "") -> Cause:
    """Return the best explanation of an error response, always with kind and remedy.

    Order: the first known of `codes`, a code of B2C in `description`, a known phrase there, `suberror`, the statuses
    429 and 5xx, `error`, any other status. The statuses that mean "later" come before the error name because the
    instance metadata service returns `invalid_request` when it throttles. An unknown number stays the `code` of the
    result.
    """
    of_b2c = [code for code in codes_in(description) if not code.isdigit()]
    for code in [*map(str, codes), *of_b2c]:
        known = lookup(f"{code}+{error}") or lookup(code)
        if known:
            return known
    generic = (
        _phrase_in(description)
        or (suberror and lookup(suberror))
        or (lookup(status) if status == 429 or 500 <= status <= 599 else None)
        or (error and lookup(error))
        or lookup(status)
        or _knowledge().causes["_unknown"]
    )
    return _numbered(generic, str(codes[0])) if codes else generic


def _numbered(generic: Cause, code: str) -> Cause:
    """Return `generic` for an unknown number, with the page where Microsoft explains it."""
    page = f"Microsoft's page about this code: {page_of(code)}"
    return replace(generic, code=code, name="", remedy=f"{generic.remedy} {page}")


def page_of(code: str) -> str:
    """Return the page on which Microsoft explains a code."""
    return f"https://login.microsoftonline.com/error?code={code}" if code.isdigit() else B2C_REFERENCE


def _phrase_in(text: str) -> Cause | None:
    folded = " ".join(text[:100_000].casefold().split())
    return next((cause for phrase, cause in _knowledge().phrases if phrase in folded), None)


# Patterns are compiled at first use (`re` caches them), because most programs never see an error.
_ENTITY = r"(?i)&(?:#([0-9]{1,5})|#x([0-9a-f]{1,5})|(nbsp|quot|colon|amp));"
_NAMED_ENTITIES = {"nbsp": " ", "quot": '"', "colon": ":", "amp": "&"}
# All repeats are bounded: each match attempt looks at a fixed number of characters, so the search takes linear time.
_CODE = r"""(?ix)
        AADSTS[\s:#-]{0,3}([0-9]{5,9})(?![0-9])
      | (AADB2C[0-9]{5,6})(?![0-9])
      | error_codes[\\"'\s:=]{1,9}\[([0-9,\s\\"']{1,400})\]
      | (?<![a-z])(?:error_?)?code[\\"'\s:=]{1,9}([0-9]{5,9})(?![\w-])"""
_ALONE = r"[\s,;]*[0-9]{3,9}(?:[\s,;]+[0-9]{3,9})*[\s,;]*"


def codes_in(text: str) -> tuple[str, ...]:
    """Return every code in `text`, in order, each once, as digits or as AADB2C and digits; at most 100.

    It finds `AADSTS50076` and `AADB2C90118` in prose, HTML or a URL; `error_codes` and `code` in a JSON body, also in
    one quoted inside another; and numbers without any other text. It takes linear time in the length of `text`.
    """
    if len(text) <= 1000 and re.fullmatch(_ALONE, text):
        return tuple(dict.fromkeys(re.findall("[0-9]+", text)))[:_MOST_CODES]
    found: dict[str, None] = {}
    for match in re.finditer(_CODE, re.sub(_ENTITY, _unescape, text) if "&" in text else text):
        said, b2c, listed, labelled = match.groups()
        for code in re.findall("[0-9]{5,9}", listed) if listed else [said or labelled or b2c.upper()]:
            found[code] = None
        if len(found) >= _MOST_CODES:
            break
    return tuple(found)[:_MOST_CODES]


def _unescape(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name:
        return _NAMED_ENTITIES[name.lower()]
    return chr(int(decimal) if decimal else int(hexadecimal, 16))


def explain(text: str, **context: str | None) -> tuple[Cause, ...]:
    """Return what `text` means: a code, an error name, a log line or a whole response. Remedies are filled; empty if
    unknown.

    `context` is as for `fill`. Numbers take precedence over names: a text with a known number is explained by that
    alone.
    """
    named = [known] if (known := _phrase_in(text)) else _named_in(text)
    generic = named[0] if named else _knowledge().causes["_unknown"]
    numbered = [
        lookup(f"{code}+{generic.code}") or lookup(code) or _numbered(generic, code)
        for code in codes_in(text)
        if lookup(code) or len(code) >= 5  # Entra has no shorter codes
    ]
    return tuple(_filled(cause, context) for cause in numbered or named)


def _filled(cause: Cause, context: dict[str, str | None]) -> Cause:
    values = {**context, "code": cause.code}
    return replace(cause, cause=fill(cause.cause, **values), remedy=fill(cause.remedy, **values))


_WORD = r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*"


def _named_in(text: str) -> list[Cause]:
    causes = _knowledge().causes
    found = {word.casefold(): None for word in re.findall(_WORD, text[:100_000])}
    return [causes[word] for word in found if word in causes][:_MOST_CODES]


_PLACEHOLDER = r"\{([a-z_]+)\}"
_ESCAPE = "(?:\x1b\\[|\x9b)[0-?]*+[ -/]*+[@-~]?|(?:\x1b\\]|\x9d)[^\x07\x1b\x9c]*+(?:\x07|\x1b\\\\|\x9c)?"


def fill(template: str, **context: str | None) -> str:
    """Return `template` with its placeholders replaced by the caller's values, or by readable stand-ins.

    Values are inserted once and never read as templates. Between backticks, in commands, each value is quoted for the
    reader's shell; for a Python program, options become arguments and `mstoken get` a call (`as_python`). Terminal
    escapes, control characters and invisible characters are removed. A value of more than 500 characters (claims:
    4,000), or with nothing left, counts as unknown. Braces without a placeholder stay as they are.
    """
    known = {name: value for name in FALLBACKS if (value := _plain(context.get(name) or "", _longest(name)))}
    unknown = "|".join(FALLBACKS.keys() - known.keys() - {"authority"})
    template = re.sub(rf" \(\{{(?:{unknown})\}}\)| Now it is \{{(?:{unknown})\}}\.", "", template)
    parts = template.split("`")  # every second part is a command
    filled = [_put(part, _values(known, command=index % 2 == 1)) for index, part in enumerate(parts)]
    if not reader_is_at_the_shell():
        filled[1::2] = map(as_python, filled[1::2])
    return "`".join(filled)


def _put(part: str, values: dict[str, str]) -> str:
    return re.sub(_PLACEHOLDER, lambda found: values.get(found[1], found[0]), part)


def _longest(name: str) -> int:
    return _LONGEST_CLAIMS if name == "claims" else _LONGEST_VALUE


def _plain(value: str, longest: int) -> str:
    """Return `value` on one line, without terminal escapes and invisible characters; '' if it is too long to read."""
    if len(value) > longest or redacted(value) != value:
        return ""
    visible = "".join(
        " " if char.isspace() else char
        for char in re.sub(_ESCAPE, "", value)
        if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    return " ".join(visible.split())


def _values(known: dict[str, str], *, command: bool) -> dict[str, str]:
    quoted = {name: quoted_for_reader(value) for name, value in known.items()}
    inside = FALLBACKS | quoted
    owner = f" --profile {quoted['profile']}" if "profile" in quoted else ""
    tenant = f" --tenant {inside['tenant']}" if "tenant" in quoted or not owner else ""
    if not owner and _names_tenant(known.get("authority", "")):
        tenant = " --authority " + quoted_for_reader(_url_of(known["authority"]))
    claims = f" --claims {quoted['claims']}" if "claims" in quoted else ""
    composed = {
        "login": "mstoken login" + (owner or f"{tenant} --client-id {inside['client_id']}") + claims,
        "get": f"mstoken get {inside['resource']}{owner}{tenant}",
        "consent_url": _consent_url(known),
    }
    return (inside if command else FALLBACKS | known) | composed


def _names_tenant(authority: str) -> bool:
    """Return whether the authority is a user flow of Azure AD B2C or the host of an External ID tenant."""
    return "/" in authority.removeprefix("http://") or authority.endswith(".ciamlogin.com")


def _url_of(authority: str) -> str:
    """Return the URL of an authority; one of this machine, such as an emulator's, may have `http://` already."""
    return authority if authority.startswith("http://") else f"https://{authority}"


def _consent_url(known: dict[str, str]) -> str:
    from urllib.parse import quote

    tenant, client_id = (quote(known[k], safe="") if k in known else FALLBACKS[k] for k in ("tenant", "client_id"))
    host = known.get("authority", FALLBACKS["authority"])
    # Consent to applications of a user flow is given at Entra's host, which has the endpoint.
    authority = quote(FALLBACKS["authority"] if _names_tenant(host) and "/" in host else host, safe=":./")
    return f"{_url_of(authority)}/{tenant}/adminconsent?client_id={client_id}"
