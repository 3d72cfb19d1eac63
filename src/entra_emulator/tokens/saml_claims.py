"""The attributes of a user in a SAML assertion for an application.

Source: learn.microsoft.com/entra/identity-platform/reference-saml-tokens; for groups and their overage (150) .../
saml-claims-customization and learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-group-claims
"""

from collections.abc import Sequence
from typing import Any

from entra_emulator.ids import new_id

from . import optional_claims
from .claims import pairwise
from .memberships import membership_claims, user_roles
from .principals import Principal

_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_IDENTITY, _MICROSOFT = "http://schemas.microsoft.com/identity/claims", "http://schemas.microsoft.com/claims"
_ROLE, _GROUPS = (f"http://schemas.microsoft.com/ws/2008/06/identity/claims/{name}" for name in ("role", "groups"))
_GROUPS_LINK = f"{_MICROSOFT}/groups.link"
_MOST_GROUPS = 150
_PASSWORD = "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password"
_MULTIPLE = f"{_MICROSOFT}/multipleauthn"

EMAIL_ADDRESS = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PERSISTENT, TRANSIENT = (f"urn:oasis:names:tc:SAML:2.0:nameid-format:{name}" for name in ("persistent", "transient"))


def attributes(principal: Principal, identity_provider: str) -> dict[str, Sequence[str]]:
    """Return the attributes by their URIs, in Entra's order."""
    user = principal.user
    if user is None:
        raise ValueError("an assertion is about a user")
    found: dict[str, Sequence[str]] = {
        f"{_IDENTITY}/tenantid": [principal.tenant.id],
        f"{_IDENTITY}/objectidentifier": [principal.object_id],
        f"{_IDENTITY}/displayname": [user.name],
        **_memberships(principal),
        f"{_IDENTITY}/identityprovider": [identity_provider],
        f"{_MICROSOFT}/authnmethodsreferences": [_PASSWORD, *([_MULTIPLE] if "mfa" in principal.amr else [])],
        f"{_CLAIMS}/givenname": [user.given_name],
        f"{_CLAIMS}/surname": [user.family_name],
        f"{_CLAIMS}/emailaddress": [user.mail],
        f"{_CLAIMS}/name": [user.upn],
    }
    return {uri: values for uri, values in found.items() if any(values)}


def _memberships(principal: Principal) -> dict[str, Sequence[str]]:
    """Return roles and groups; too many groups are replaced by the link to them."""
    app = principal.app
    wanted = optional_claims.parse(tuple(app.id_token_claims))
    claims: dict[str, Any] = membership_claims(principal, app.id, app.group_claims, wanted, _MOST_GROUPS)
    roles = [*user_roles(principal, app.id), *claims.get("roles", [])]
    link = claims.get("_claim_sources", {}).get("src1", {}).get("endpoint", "")
    return {_GROUPS: claims.get("groups", []), _GROUPS_LINK: [link], _ROLE: roles}


def name_id(principal: Principal, name_format: str) -> tuple[str, str]:
    """Return the format and value of the NameID. Without a request for another one it is the user name.

    :param name_format: the format that the request asks for, empty for any.
    """
    user = principal.user
    if user is None:
        raise ValueError("an assertion is about a user")
    if name_format == PERSISTENT:
        return PERSISTENT, pairwise(user, principal.app.id)
    if name_format == TRANSIENT:
        return TRANSIENT, f"_{new_id()}"
    return EMAIL_ADDRESS, user.upn
