"""The user's stores: on this machine, or shared with other machines."""

from __future__ import annotations

import os

from mstoken.flows.store_port import Stores

VARIABLE = "MSTOKEN_STORE"


def user_stores(store: str = "") -> Stores:
    """Access tokens and refresh tokens shared by all of the user's processes. Does no I/O before the first use.

    `store`, else the variable MSTOKEN_STORE, is the URL of a Redis that machines share; by default the stores are this
    machine's own. `MSTOKEN_CACHE_DIR` moves those. `MSTOKEN_VAULT_KEY` is the key, which Redis requires. Raises
    UsageError for an invalid URL or key.
    """
    if url := store or os.environ.get(VARIABLE, "").strip():
        from mstoken.stores.redis_stores import redis_stores

        return redis_stores(url)
    from mstoken.stores.folder_access_tokens import FolderAccessTokens
    from mstoken.stores.vault import Vault

    vault = Vault()
    return Stores(FolderAccessTokens(cipher=vault.cipher), vault)
