"""Unsigned tokens, for code that only reads them."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

TENANT = "3c1b7b9e-5f0a-4d5c-9a52-000000000001"
APP = "8d3f6a52-1c7e-4b09-b6d4-000000000002"
OBJECT = "b7c2d1e0-4a3f-4e5d-9c8b-000000000003"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"


def base64url_json(value: object) -> str:
    """A JSON value as base64url without padding."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def jwt(claims: object, header: object = None) -> str:
    """Return a compact JWT with an invalid signature."""
    usual = {"typ": "JWT", "alg": "RS256", "kid": "key"}
    return f"{base64url_json(header or usual)}.{base64url_json(claims)}.c2lnbmF0dXJl"


def lifetime(starts_in: int = -300, life_in: int = 3900) -> dict[str, int]:
    """iat, nbf and exp around now."""
    begins = int(time.time()) + starts_in
    return {"iat": begins, "nbf": begins, "exp": begins + life_in}


def app_v1(**more: Any) -> dict[str, Any]:
    """Claims of an application's v1.0 token for Graph."""
    issuer = f"https://sts.windows.net/{TENANT}/"
    return {
        "aud": "https://graph.microsoft.com/",
        "iss": issuer,
        **lifetime(),
        "app_displayname": "Night job",
        "appid": APP,
        "appidacr": "1",
        "idp": issuer,
        "idtyp": "app",
        "oid": OBJECT,
        "roles": ["User.Read.All", "Mail.Send"],
        "sub": OBJECT,
        "tid": TENANT,
        "ver": "1.0",
        "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
    } | more


def user_v1(**more: Any) -> dict[str, Any]:
    """Claims of a user's v1.0 token for Azure Resource Manager, got with Azure CLI."""
    return {
        "aud": "https://management.azure.com/",
        "iss": f"https://sts.windows.net/{TENANT}/",
        **lifetime(),
        "acr": "1",
        "amr": ["pwd", "mfa"],
        "appid": AZURE_CLI,
        "appidacr": "0",
        "name": "Ana Silva",
        "oid": OBJECT,
        "scp": "user_impersonation",
        "sub": "pairwise",
        "tid": TENANT,
        "unique_name": "ana@contoso.example",
        "upn": "ana@contoso.example",
        "ver": "1.0",
        "wids": ["62e90394-69f5-4237-9190-012177145e10"],
        "xms_cc": ["CP1"],
    } | more


def user_v2(**more: Any) -> dict[str, Any]:
    """Claims of a user's v2.0 token for an API of the customer's own."""
    return {
        "aud": "11111111-2222-3333-4444-555555555555",
        "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        **lifetime(),
        "azp": AZURE_CLI,
        "azpacr": "0",
        "name": "Ana Silva",
        "oid": OBJECT,
        "preferred_username": "ana@contoso.example",
        "scp": "Orders.Read Orders.Write",
        "sub": "pairwise",
        "tid": TENANT,
        "ver": "2.0",
    } | more


def id_token(**more: Any) -> dict[str, Any]:
    """Claims of an ID token, as recorded from the device code flow."""
    return {
        "aud": AZURE_CLI,
        "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        **lifetime(),
        "name": "Ana Silva",
        "oid": OBJECT,
        "preferred_username": "ana@contoso.example",
        "sub": "pairwise",
        "tid": TENANT,
        "ver": "2.0",
    } | more
