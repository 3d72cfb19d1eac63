"""Key Vault: secrets.

Source: learn.microsoft.com/rest/api/keyvault/secrets. The URL of a vault is https://NAME.vault.azure.net, on localhost
/vault/NAME.
"""

from entra_emulator.routing import Route, route

from . import secrets
from .wire import endpoint


def routes() -> list[Route]:
    """Return the routes."""
    bases = ("", "/{vault}")
    return [route(method, base + path, endpoint(call)) for base in bases for method, path, call in secrets.CALLS]
