"""The grants of the token endpoint: one file each, registered here under the value of `grant_type`.

A grant authenticates the client, reads its own parameters and ends in login.issuing. It returns the body of the answer
and raises EntraError to refuse.
"""

from collections.abc import Callable
from typing import Any

from entra_emulator.login.exchange import Exchange

from . import client_credentials, refresh_token, user_fic

Grant = Callable[[Exchange], dict[str, Any]]

GRANTS: dict[str, Grant] = {
    "client_credentials": client_credentials.answer,
    "refresh_token": refresh_token.answer,
    "user_fic": user_fic.answer,
}
