"""The grants of the token endpoint: one file each, registered here under the value of `grant_type`.

A grant authenticates the client, reads its own parameters and calls login.issuing. It returns the body of the response
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
    saml_bearer,
    user_fic,
)

Grant = Callable[[Exchange], dict[str, Any]]

GRANTS: dict[str, Grant] = {
    "authorization_code": authorization_code.token_response,
    "device_code": device_code.token_response,
    "password": password.token_response,
    "urn:ietf:params:oauth:grant-type:device_code": device_code.token_response,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": on_behalf_of.token_response,
    "urn:ietf:params:oauth:grant-type:saml1_1-bearer": saml_bearer.version_one,
    "urn:ietf:params:oauth:grant-type:saml2-bearer": saml_bearer.version_two,
    "client_credentials": client_credentials.token_response,
    "refresh_token": refresh_token.token_response,
    "user_fic": user_fic.token_response,
}
