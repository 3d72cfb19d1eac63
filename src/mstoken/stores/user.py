"""The stores of this user on this machine."""

from __future__ import annotations

from mstoken.flows.store_port import Stores
from mstoken.stores.folder import FolderStore
from mstoken.stores.vault import Vault


def user_stores() -> Stores:
    """Access tokens and refresh tokens shared by all of the user's processes. Does no I/O before the first use.

    `MSTOKEN_CACHE_DIR` moves them; `MSTOKEN_VAULT_KEY` gives the vault's key.
    """
    vault = Vault()
    return Stores(FolderStore(seal=vault.seal), vault)
