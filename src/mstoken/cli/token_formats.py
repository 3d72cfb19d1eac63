"""How `mstoken get` prints a token. The fast path uses it too, so it imports nothing at the top."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mstoken.stores.token_file_reader import TokenFields

FAST_PATH_FORMATS = frozenset({"token", "header", "env", "dotenv", "powershell"})
"""Formats that need no library and nothing but the token."""
VARIABLE = "MSTOKEN_ACCESS_TOKEN"
"""The variable that holds the token, unless --name gives another one."""


def render(form: str, fields: TokenFields, tenant: str = "", name: str = "") -> str:
    """Return the text to print, without the last line end. `tenant` is the configured one, for `az`.

    `name` is the variable that `env`, `powershell` and `dotenv` set.
    """
    token, expires_on, token_type, refresh_on, scope, _ = fields
    match form:
        case "token":
            return token
        case "header" | "headers-json":
            # RFC 9110 section 11.1 compares schemes without letter case, but many APIs accept only this spelling.
            scheme = "Bearer" if token_type.lower() == "bearer" else token_type
            return f"Authorization: {scheme} {token}" if form == "header" else _headers(scheme, token)
        case "env":
            from mstoken.shell_quoting import posix

            expiry = "" if name else f"\nexport MSTOKEN_EXPIRES_ON={expires_on}"
            return f"export {name or VARIABLE}={posix(token)}{expiry}"
        case "powershell":
            from mstoken.shell_quoting import powershell

            expiry = "" if name else f"\n$env:MSTOKEN_EXPIRES_ON = '{expires_on}'"
            return f"$env:{name or VARIABLE} = {powershell(token)}{expiry}"
        case "dotenv":
            from mstoken.shell_quoting import dotenv

            return f"{name or VARIABLE}={dotenv(token)}"
        case "az":
            shown: dict[str, object] = {
                "accessToken": token,
                "expiresOn": _local(expires_on),
                "expires_on": expires_on,
                "tenant": tenant,
                "tokenType": token_type,
            }
        case "azd":
            from mstoken.texts import rfc3339

            shown = {"token": token, "expiresOn": rfc3339(expires_on)}
        case _:
            from mstoken.texts import rfc3339

            known = {
                "token": token,
                "expires_on": expires_on,
                "expires_at": rfc3339(expires_on),
                "token_type": token_type,
                "refresh_on": refresh_on,
                "scope": scope,
            }
            shown = {name: value for name, value in known.items() if value not in {None, ""}}
    return _json(shown)


def _headers(scheme: str, token: str) -> str:
    import json

    return json.dumps({"Authorization": f"{scheme} {token}"})


def _json(value: object) -> str:
    import json

    return json.dumps(value, indent=2)


def _local(epoch: int) -> str:
    """Return local time without a zone and with microseconds, as az prints it and its readers expect it."""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S.000000", time.localtime(epoch))
