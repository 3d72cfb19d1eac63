"""Optional claims: those an application's registration adds to its ID tokens, and to access tokens for it as an API.

Source: learn.microsoft.com/entra/identity-platform/optional-claims-reference. A registration lists a claim by name, and
its `additionalProperties` after a colon: `upn:include_externally_authenticated_upn`.
"""

import contextlib
import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from entra_emulator.ids import base64url, from_base64url
from entra_emulator.model import User

from .principals import Principal

PROPERTIES = {
    "aud": ("use_guid",),
    "groups": ("cloud_displayname", "dns_domain_and_sam_account_name", "emit_as_roles", "sam_account_name"),
    "idtyp": ("include_user_token",),
    "upn": ("include_externally_authenticated_upn", "include_externally_authenticated_upn_without_hash"),
}
"""The additional properties of a claim that have an effect."""
ELSEWHERE = frozenset({"acrs", "aud", "groups", "idtyp", "xms_cc"})
"""Claims whose value depends on the request or the API; the builders of access tokens write them."""
NO_EFFECT = frozenset({"fwd", "pwd_exp", "pwd_url", "vnet", "ztdid"})
"""Claims about what the emulator has not: virtual networks, passwords that are about to expire, Autopilot devices."""
_EXTENSION = re.compile(r"extension_[0-9a-f]{32}_(\w+)", re.IGNORECASE)
_HINT = "O."
_WITH_PROFILE = frozenset({"family_name", "given_name", "upn"})


@dataclass(frozen=True)
class Wanted:
    """The optional claims of one kind of token, with their additional properties."""

    names: frozenset[str] = frozenset()
    properties: frozenset[str] = frozenset()

    def has(self, name: str, prop: str) -> bool:
        """Return whether a claim is wanted with an additional property."""
        return f"{name}:{prop}" in self.properties


@functools.lru_cache(maxsize=256)
def parse(declared: tuple[str, ...]) -> Wanted:
    """Parse the list of a registration."""
    parts = [claim.split(":") for claim in declared]
    properties = {f"{name}:{prop}" for name, *props in parts for prop in props}
    return Wanted(frozenset(name for name, *_ in parts), frozenset(properties))


def problem(declared: Iterable[str]) -> str:
    """Return the error in a list of optional claims, '' for none."""
    for claim in declared:
        name, *props = claim.split(":")
        if name not in _CLAIMS and name not in ELSEWHERE | NO_EFFECT and not _EXTENSION.fullmatch(name):
            return f"'{name}' is not an optional claim"
        for prop in props:
            if prop not in PROPERTIES.get(name, ()):
                return f"the claim '{name}' has no property '{prop}' with an effect"
    return ""


def values(wanted: Wanted, principal: Principal, oidc: frozenset[str] | None = None) -> dict[str, Any]:
    """Return the claims by name, without those that have no value for this user.

    :param oidc: the OpenID scopes requested, for an ID token: names and UPN need `profile`.
    """
    found: dict[str, Any] = {}
    for name in wanted.names:
        if oidc is not None and name in _WITH_PROFILE and "profile" not in oidc:
            continue
        if make := _CLAIMS.get(name):
            found[name] = make(principal)
        elif extension := _EXTENSION.fullmatch(name):
            found[f"extn.{extension[1]}"] = principal.user.properties.get(name) if principal.user else None
    if "upn" in found and principal.user and principal.foreign:
        found["upn"] = _guest_upn(wanted, principal, principal.user)
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _of_user(make: Callable[[Principal, User], Any]) -> Callable[[Principal], Any]:
    """Return a function for a claim that an application's own token does not have."""
    return lambda principal: make(principal, principal.user) if principal.user else None


def _property(name: str) -> Callable[[Principal], Any]:
    return _of_user(lambda _, user: user.properties.get(name))


def _country(value: object) -> str | None:
    """Return a country in the claim's form, a standard code of two letters; None for any other text."""
    text = str(value or "")
    return text.upper() if len(text) == 2 and text.isalpha() else None


def login_hint(user: User) -> str:
    """Return an opaque value that names the user as `login_hint` and `logout_hint`."""
    return f"{_HINT}{base64url(user.id.encode())}"


def user_of_hint(hint: str) -> str:
    """Return the id or name of the user that a hint means: the claim's value, or a user name."""
    if hint.startswith(_HINT):
        with contextlib.suppress(ValueError):
            return from_base64url(hint.removeprefix(_HINT)).decode()
    return hint


def _in_corp(principal: Principal, _: User) -> str | None:
    trusted = (
        any(location.trusted and location.holds(principal.address) for location in principal.tenant.locations)
        if principal.address
        else False
    )
    return "true" if trusted else None


def _guest_upn(wanted: Wanted, principal: Principal, user: User) -> str | None:
    if wanted.has("upn", "include_externally_authenticated_upn_without_hash"):
        return f"{user.upn.replace('@', '_')}_EXT_@{principal.tenant.domain}"
    if wanted.has("upn", "include_externally_authenticated_upn"):
        return f"{user.upn.replace('@', '_')}#EXT#@{principal.tenant.domain}"
    return None


def _verified(principal: Principal, address: str) -> bool:
    domains = {domain.lower() for domain in (principal.home or principal.tenant).domains}
    return address.rpartition("@")[2].lower() in domains


def _secondary(principal: Principal, user: User) -> list[str]:
    return [address for address in user.properties.get("otherMails", []) if _verified(principal, str(address))]


_CLAIMS: dict[str, Callable[[Principal], Any]] = {
    "acct": _of_user(lambda principal, _: 1 if principal.foreign else 0),
    "auth_time": _of_user(lambda principal, _: int(principal.signed_in_on) or None),
    "ctry": _of_user(lambda _, user: _country(user.properties.get("country"))),
    "email": _of_user(lambda _, user: user.mail),
    "family_name": _of_user(lambda _, user: user.family_name),
    "given_name": _of_user(lambda _, user: user.given_name),
    "in_corp": _of_user(_in_corp),
    "ipaddr": _of_user(lambda principal, _: principal.address),
    "login_hint": _of_user(lambda _, user: login_hint(user)),
    "onprem_sid": _property("onPremisesSecurityIdentifier"),
    "preferred_username": _of_user(lambda _, user: user.upn),
    "sid": _of_user(lambda principal, _: principal.sid),
    "tenant_ctry": lambda principal: _country(principal.tenant.country),
    "tenant_region_scope": lambda principal: principal.tenant.region,
    "upn": _of_user(lambda _, user: user.upn),
    "verified_primary_email": _of_user(lambda principal, user: [user.mail] if _verified(principal, user.mail) else []),
    "verified_secondary_email": _of_user(_secondary),
    "xms_edov": _of_user(lambda principal, user: _verified(principal, user.mail) if user.mail else None),
    "xms_pdl": _property("preferredDataLocation"),
    "xms_pl": _property("preferredLanguage"),
    "xms_tpl": lambda principal: principal.tenant.language,
}
