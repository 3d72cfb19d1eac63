"""The grants of the token endpoint: one file each, registered here under the value of `grant_type`.

A grant authenticates the client, reads its own parameters and ends in login.issuing. It returns the body of the answer
and raises EntraError to refuse.
"""

from collections.abc import Callable
from typing import Any

from entra_emulator.login.exchange import Exchange

from . import (
    authorization_code,
    client_credentials,
    device_code,
    on_behalf_of,
    password,
    refresh_token,
    user_fic,
)

Grant = Callable[[Exchange], dict[str, Any]]

GRANTS: dict[str, Grant] = {
    "authorization_code": authorization_code.answer,
    "device_code": device_code.answer,
    "password": password.answer,
    "urn:ietf:params:oauth:grant-type:device_code": device_code.answer,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": on_behalf_of.answer,
    "client_credentials": client_credentials.answer,
    "refresh_token": refresh_token.answer,
    "user_fic": user_fic.answer,
}
