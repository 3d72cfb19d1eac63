"""The stores of this user: on this machine, or shared with other machines."""

from __future__ import annotations

import os

from mstoken.flows.store_port import Stores

VARIABLE = "MSTOKEN_STORE"


def user_stores(store: str = "") -> Stores:
    """Access tokens and refresh tokens shared by all of the user's processes. Does no I/O before the first use.

    `store`, else the variable MSTOKEN_STORE, is the URL of a Redis that machines share; without one they are this
    machine's own. `MSTOKEN_CACHE_DIR` moves those; `MSTOKEN_VAULT_KEY` gives the key, which Redis needs. Raises
    UsageError for a URL or a key that cannot be used.
    """
    if url := store or os.environ.get(VARIABLE, "").strip():
        from mstoken.stores.redis_stores import redis_stores

        return redis_stores(url)
    from mstoken.stores.folder_access_tokens import FolderAccessTokens
    from mstoken.stores.vault import Vault

    vault = Vault()
    return Stores(FolderAccessTokens(cipher=vault.cipher), vault)
