"""Convert an application's properties between Graph's JSON and the model.

Source: learn.microsoft.com/graph/api/resources/application. A property that has no effect in the emulator is stored and
returned; docs/emulator-parity.md lists those.
"""

import base64
import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from entra_emulator.config import UNREADABLE
from entra_emulator.model import GROUP_CLAIMS, App, AppRole, Certificate, Secret
from entra_emulator.permissions import permission_id
from entra_emulator.state import State
from entra_emulator.tokens import optional_claims

from .objects import app_object_id, moment
from .principals import role_fields, scope_view
from .query import entity_type
from .wire import JsonObject, Refusal

_AUDIENCES = {
    "single": "AzureADMyOrg",
    "multiple": "AzureADMultipleOrgs",
    "all": "AzureADandPersonalMicrosoftAccount",
    "personal": "PersonalMicrosoftAccount",
}
_READ_ONLY = frozenset({"id", "appId", "createdDateTime", "deletedDateTime", "publisherDomain", "passwordCredentials"})


def application_view(state: State, app: App) -> JsonObject:
    """Return all known properties of an application."""
    home = state.tenants[app.tenant]
    known: JsonObject = {
        "id": app_object_id(app),
        "api": {
            "acceptMappedClaims": None,
            "knownClientApplications": [],
            "preAuthorizedApplications": [],
            **app.properties.get("api", {}),
            "oauth2PermissionScopes": [scope_view(app.id, name) for name in app.scopes],
            "requestedAccessTokenVersion": app.token_version,
        },
        "appId": app.id,
        "appRoles": [role_fields(role) for role in app.app_roles],
        "displayName": app.name,
        "groupMembershipClaims": app.group_claims or None,
        "identifierUris": app.identifier_uris,
        "isFallbackPublicClient": app.public,
        "keyCredentials": [_key(certificate) for certificate in app.certificates],
        "optionalClaims": app.properties.get("optionalClaims") or _optional_claims(app),
        "passwordCredentials": [password_view(secret) for secret in app.secrets],
        "publicClient": {"redirectUris": app.redirect_uris if app.public else []},
        "publisherDomain": home.domain,
        "signInAudience": _AUDIENCES[app.audience],
        "spa": {"redirectUris": app.spa_redirect_uris},
        "web": {
            "homePageUrl": None,
            **app.properties.get("web", {}),
            "logoutUrl": app.logout_url or None,
            "implicitGrantSettings": {
                "enableAccessTokenIssuance": app.access_tokens,
                "enableIdTokenIssuance": app.id_tokens,
            },
            "redirectUris": [] if app.public else app.redirect_uris,
        },
    }
    return {**app.properties, **known}


def password_view(secret: Secret) -> JsonObject:
    """Return a secret as Graph lists it: without its value, which Graph returns only once."""
    return {
        "customKeyIdentifier": None,
        "displayName": secret.name or None,
        "endDateTime": moment(secret.expires_on),
        "hint": secret.value[:3],
        "keyId": secret.id,
        "secretText": None,
        "startDateTime": moment(secret.starts_on),
    }


def read_fields(app: App, body: JsonObject) -> None:
    """Set the application's properties that a body contains; none if one of them is invalid.

    :raises Refusal: 400 for an unknown or read-only property, and for a value of another type.
    """
    kind = entity_type("application")
    changes: list[Callable[[], None]] = []
    try:
        for name, value in body.items():
            if name.startswith("@odata."):
                continue
            own = kind.named(name, "Request_BadRequest")
            if own in _READ_ONLY:
                raise Refusal(400, "Request_BadRequest", f"Property '{own}' is read-only and cannot be set.")
            changes.append(_change(app, own, value))
    except (LookupError, TypeError, AttributeError, *UNREADABLE):
        raise Refusal(
            400, "Request_BadRequest", f"Property '{name}' has a value that an application cannot have."
        ) from None
    for change in changes:
        change()


def _change(app: App, name: str, value: Any) -> Callable[[], None]:
    """Return a function that sets one property. Its value is checked already."""
    reader = _READERS.get(name)
    if reader is None:
        return lambda: app.properties.__setitem__(name, value)
    fields, rest = reader(app, value)

    def change() -> None:
        for field_name, part in fields.items():
            setattr(app, field_name, part)
        if rest is not None:
            app.properties[name] = rest

    return change


Fields = tuple[dict[str, Any], Any]
"""Fields of the class App with their new values, and what Graph keeps beside them (None for nothing)."""


def _api(app: App, value: Any) -> Fields:
    fields: dict[str, Any] = {}
    if value.get("requestedAccessTokenVersion") is not None:
        fields["token_version"] = {1: 1, 2: 2}[value["requestedAccessTokenVersion"]]
    if "oauth2PermissionScopes" in value:
        fields["scopes"] = [
            str(scope["value"]) for scope in value["oauth2PermissionScopes"] if scope.get("isEnabled", True)
        ]
    rest = {
        key: part for key, part in value.items() if key not in ("requestedAccessTokenVersion", "oauth2PermissionScopes")
    }
    return fields, {**app.properties.get("api", {}), **rest}


def _web(app: App, value: Any) -> Fields:
    fields: dict[str, Any] = {}
    if "redirectUris" in value:
        fields["redirect_uris"] = _texts(value["redirectUris"])
    if "logoutUrl" in value:
        fields["logout_url"] = str(value["logoutUrl"] or "")
    implicit = value.get("implicitGrantSettings") or {}
    for key, name in (("enableIdTokenIssuance", "id_tokens"), ("enableAccessTokenIssuance", "access_tokens")):
        if key in implicit:
            fields[name] = _flag(implicit[key])
    rest = {
        key: part for key, part in value.items() if key not in ("redirectUris", "implicitGrantSettings", "logoutUrl")
    }
    return fields, {**app.properties.get("web", {}), **rest}


def _public_client(_: App, value: Any) -> Fields:
    """Read the redirect URIs of a native application, which make it a public client here."""
    uris = _texts(value["redirectUris"])
    return ({"redirect_uris": uris, "public": True} if uris else {}), None


def _required(_: App, value: Any) -> Fields:
    """Read the APIs that the application may request; the permissions are stored unchanged."""
    return {"resources": [str(resource["resourceAppId"]).lower() for resource in value]}, value


def _keys(_: App, value: Any) -> Fields:
    return {"certificates": [_certificate(certificate) for certificate in value]}, None


def _certificate(value: Mapping[str, Any]) -> Certificate:
    certificate = x509.load_der_x509_certificate(base64.b64decode(value["key"], validate=True))
    pem = certificate.public_bytes(Encoding.PEM).decode()
    return Certificate(pem, str(value.get("displayName") or ""))


def _roles(app: App, value: Any) -> Fields:
    return {"app_roles": [_role(app, role) for role in value]}, None


def _role(app: App, value: Mapping[str, Any]) -> AppRole:
    name = str(value["value"])
    return AppRole(
        name,
        str(value.get("displayName") or name),
        str(value.get("description") or name),
        _texts(value.get("allowedMemberTypes", ["Application"])),
        _flag(value.get("isEnabled", True)),
        str(value.get("id") or permission_id(app.id, "roles", name)),
    )


def _claims(_: App, value: Any) -> Fields:
    """Read optional claims. Those of access and ID tokens have an effect; those of SAML tokens are only stored."""
    fields = {
        field: [_declared(claim) for claim in (value or {}).get(kind, [])]
        for field, kind in (("optional_claims", "accessToken"), ("id_token_claims", "idToken"))
    }
    for declared in fields.values():
        if wrong := optional_claims.problem(declared):
            raise ValueError(wrong)
    return fields, value


def _declared(claim: Mapping[str, Any]) -> str:
    return ":".join([str(claim["name"]), *_texts(claim.get("additionalProperties") or [])])


def _optional_claims(app: App) -> JsonObject | None:
    if not app.optional_claims and not app.id_token_claims:
        return None
    shown = [[_claim_view(claim) for claim in declared] for declared in (app.id_token_claims, app.optional_claims)]
    return {"idToken": shown[0], "accessToken": shown[1], "saml2Token": []}


def _claim_view(declared: str) -> JsonObject:
    name, *properties = declared.split(":")
    return {"name": name, "source": None, "essential": False, "additionalProperties": properties}


def _group_claims(_: App, value: Any) -> Fields:
    setting = "" if value in (None, "None") else value
    if setting not in GROUP_CLAIMS:
        raise ValueError(f"'{value}' is not a value of groupMembershipClaims")
    return {"group_claims": setting}, None


_READERS: Mapping[str, Callable[[App, Any], Fields]] = {
    "api": _api,
    "appRoles": _roles,
    "displayName": lambda _, value: ({"name": str(value)}, None),
    "groupMembershipClaims": _group_claims,
    "identifierUris": lambda _, value: ({"identifier_uris": _texts(value)}, None),
    "isFallbackPublicClient": lambda _, value: ({"public": _flag(value)}, None),
    "keyCredentials": _keys,
    "optionalClaims": _claims,
    "publicClient": _public_client,
    "requiredResourceAccess": _required,
    "signInAudience": lambda _, value: ({"audience": {shown: own for own, shown in _AUDIENCES.items()}[value]}, None),
    "spa": lambda _, value: ({"spa_redirect_uris": _texts(value["redirectUris"])}, None),
    "web": _web,
}


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError("expected a list of texts")
    return list(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def _key(certificate: Certificate) -> JsonObject:
    loaded = x509.load_pem_x509_certificate(certificate.pem.encode())
    der = loaded.public_bytes(Encoding.DER)
    names = loaded.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {
        "customKeyIdentifier": hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
        "displayName": certificate.name or (f"CN={names[0].value!s}" if names else None),
        "endDateTime": moment(loaded.not_valid_after_utc.timestamp()),
        "hasExtendedValue": None,
        "key": None,
        "keyId": str(uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(der).hexdigest())),
        "startDateTime": moment(loaded.not_valid_before_utc.timestamp()),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    }
