"""The identifier URIs of Microsoft's first-party applications: find the application that a resource belongs to.

The data is 3,550 identifiers of 620 applications, as registered in Entra's public cloud in January 2026 and published
by the ROADtools project. It is rarely needed, so the text is read on demand, and searched rather than parsed.
"""

from __future__ import annotations

from functools import cache

from mstoken.services.catalogue import Service, by_app_id, by_resource
from mstoken.services.toml_subset import packaged


@cache
def _text() -> str:
    return packaged(__spec__, "first_party.txt")


@cache
def _lowered() -> str:
    return _text().lower()


def registered(resource: str) -> tuple[str, str] | None:
    """Return (identifier exactly as registered, application id) for a resource URI; None if it is not registered.

    The search ignores letter case and a trailing slash. The result keeps both as registered, because a token's audience
    repeats the registered form. If several forms are registered, the form in `resource` takes precedence. A wildcard
    registration (`https://*.blob.core.windows.net`) matches one label; the result then contains the host in `resource`.
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
    """Return all identifier URIs registered for a first-party application; empty if the application is not listed."""
    at = _lowered().find(f"\n@{app_id.lower()}\n") if len(app_id) == 36 else -1
    if at < 0:
        return ()
    text = _text()
    end = text.find("\n@", at + 1)
    return tuple(line.strip() for line in text[at + 38 : end if end >= 0 else None].splitlines() if line.strip())


def service_of(audience: str) -> Service | None:
    """Return the catalogue's service for a token's audience (`aud`: an application id or a resource URI), or None."""
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
