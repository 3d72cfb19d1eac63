"""How `mstoken get` prints a token. The fast path uses this file too, so it imports nothing at the top."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mstoken.stores.token_file_reader import TokenFields

FAST_PATH_FORMATS = frozenset({"token", "header", "env", "dotenv"})
"""Formats that need no library and nothing but the token."""
VARIABLE = "MSTOKEN_ACCESS_TOKEN"
"""The variable that holds the token, unless --name gives another one."""

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=")
"""The characters of a bearer token (RFC 6750 section 2.1); none of them needs quotes in a .env file."""


def render(form: str, fields: TokenFields, tenant: str = "", name: str = "") -> str:
    """Return the text to print, without the last line end. `tenant` is the configured one, for `az`.

    `name` is the variable that `env` and `dotenv` set.
    """
    token, expires_on, token_type, refresh_on, scope, _ = fields
    match form:
        case "token":
            return token
        case "header":
            # RFC 9110 section 11.1 compares schemes without letter case, but many APIs accept only this spelling.
            scheme = "Bearer" if token_type.lower() == "bearer" else token_type
            return f"Authorization: {scheme} {token}"
        case "env":
            expiry = "" if name else f"\nexport MSTOKEN_EXPIRES_ON={expires_on}"
            return f"export {name or VARIABLE}={_quoted(token)}{expiry}"
        case "dotenv":
            # Docker and systemd take quotes for a part of the value, or not, so there are none without need.
            value = token if _PLAIN.issuperset(token) else _quoted(token)
            return f"{name or VARIABLE}={value}"
        case "az":
            shown: dict[str, object] = {
                "accessToken": token,
                "expiresOn": _local(expires_on),
                "expires_on": expires_on,
                "tenant": tenant,
                "tokenType": token_type,
            }
        case "azd":
            shown = {"token": token, "expiresOn": _utc(expires_on)}
        case _:
            known = {
                "token": token,
                "expires_on": expires_on,
                "expires_at": _utc(expires_on),
                "token_type": token_type,
                "refresh_on": refresh_on,
                "scope": scope,
            }
            shown = {name: value for name, value in known.items() if value not in {None, ""}}
    return _json(shown)


def _quoted(text: str) -> str:
    """Quote for a POSIX shell (XCU section 2.2.2): between single quotes, only a single quote has a meaning."""
    return "'" + text.replace("'", "'\\''") + "'"


def _json(value: object) -> str:
    import json

    return json.dumps(value, indent=2)


def _utc(epoch: int) -> str:
    """RFC 3339, in seconds, with Z: the only form that the Azure SDK for Python accepts from azd."""
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def _local(epoch: int) -> str:
    """Local time without a zone and with microseconds: what az prints and its readers expect."""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(epoch))
