"""Key Vault: secrets, by host and on localhost by path.

Source: learn.microsoft.com/rest/api/keyvault/secrets. A vault is at https://NAME.vault.azure.net, on localhost at
/vault/NAME.
"""

from entra_emulator.routing import Route, route

from . import secrets
from .wire import endpoint


def routes() -> list[Route]:
    """Its routes."""
    bases = ("", "/{vault}")
    return [route(method, base + path, endpoint(call)) for base in bases for method, path, call in secrets.CALLS]
