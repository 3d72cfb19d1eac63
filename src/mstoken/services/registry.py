"""Microsoft's registered identifier URIs: which first-party application a resource belongs to.

3,550 identifiers of 620 applications as registered in Entra's public cloud in January 2026 (published by the ROADtools
project). Needed seldom, so the text is read only when asked for and searched rather than parsed.
"""

from __future__ import annotations

from functools import cache

from mstoken.services.catalogue import Service, by_app_id, by_resource, packaged


@cache
def _text() -> str:
    return packaged("first_party.txt")


@cache
def _lowered() -> str:
    return _text().lower()


def registered(resource: str) -> tuple[str, str] | None:
    """(identifier exactly as registered, application id) of a resource URI; None when no first party registered it.

    Upper and lower case and a trailing slash make no difference in the question; they do in the answer, because
    a token's audience repeats the registered form. The form asked for wins where both are registered. A wildcard
    registration (`https://*.blob.core.windows.net`) covers one label, and then the answer names the host asked for.
    """
    bare = resource.rstrip("/")
    scheme, mark, rest = bare.partition("://")
    label, dot, parent = rest.partition(".")
    forms = [resource, bare, bare + "/"]
    for form in dict.fromkeys(forms):
        found = _line(form)
        if found:
            return found
    if mark and dot and label and "*" not in label:
        for slash in ("", "/"):
            found = _line(f"{scheme}://*.{parent}{slash}")
            if found:
                return bare + slash, found[1]
    return None


def identifiers_of(app_id: str) -> tuple[str, ...]:
    """All identifier URIs registered for a first-party application; empty for one that is not in the list."""
    at = _lowered().find(f"\n@{app_id.lower()}\n") if len(app_id) == 36 else -1
    if at < 0:
        return ()
    text = _text()
    end = text.find("\n@", at + 1)
    return tuple(line.strip() for line in text[at + 38 : end if end >= 0 else None].splitlines() if line.strip())


def service_of(audience: str) -> Service | None:
    """The catalogue's service a token's audience (`aud`: an application id or a resource URI) belongs to, or None."""
    known = by_resource(audience)
    if known:
        return known[0][0]
    found = registered(audience)
    return by_app_id(found[1] if found else audience)


def _line(identifier: str) -> tuple[str, str] | None:
    if "\n" in identifier or not identifier:
        return None
    at = _lowered().find(f"\n {identifier.lower()}\n")
    if at < 0:
        return None
    text = _text()
    head = text.rindex("\n@", 0, at + 1)
    return text[at + 2 : at + 2 + len(identifier)], text[head + 2 : head + 38]
