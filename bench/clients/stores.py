"""Stores that processes share, each filled once and then written to by one process after another."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from uuid import uuid4

from bench.parameters import TOKEN_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable

WRITES = 15
_TOKEN = "eyJ0eXAiOiJKV1QifQ." + "x" * (TOKEN_LENGTH - 19)


def folder(folder: str, entries: int) -> dict[str, float]:
    """mstoken's access tokens, a file each."""
    from mstoken import Token
    from mstoken.fingerprints import fingerprint_of_text
    from mstoken.stores.folder_access_tokens import FolderAccessTokens

    place = Path(folder) / "tokens"
    store = FolderAccessTokens(str(place))

    def write(name: str) -> None:
        store.save(fingerprint_of_text(name), Token(_TOKEN, int(time.time()) + 3600))

    _fill(place / "filled", write, entries)
    return _timed(write)


def vault(folder: str, entries: int) -> dict[str, float]:
    """mstoken's refresh tokens, encrypted rows of SQLite; one of them is rotated."""
    import base64
    import os

    os.environ["MSTOKEN_CACHE_DIR"] = folder
    os.environ["MSTOKEN_VAULT_KEY"] = base64.b64encode(b"bench" * 6 + b"!!").decode()
    from mstoken.flows.store_port import TokenInfo
    from mstoken.stores.vault import Vault

    store = Vault()
    _fill(Path(folder) / "vault.filled", lambda name: store.put(name, _TOKEN, TokenInfo()), entries)
    store.put("rotated", "0", TokenInfo())
    current = ["0"]

    def rotate(name: str) -> None:
        store.replace("rotated", current[0], name)
        current[0] = name

    return _timed(rotate)


def msal_extensions(folder: str, entries: int) -> dict[str, float]:
    """MSAL's cache in a file of msal-extensions."""
    import msal
    from msal_extensions import FilePersistence, PersistedTokenCache

    from bench.clients.msal_python import entry, filled

    place = Path(folder) / "msal.json"
    url = "https://login.microsoftonline.com"
    if not place.exists():
        cached = filled(msal.SerializableTokenCache(), url, entries)
        for entry_ in cached._cache["AccessToken"].values():  # noqa: SLF001 - tokens of the same length as the others'
            entry_["secret"] = _TOKEN
        FilePersistence(str(place)).save(cached.serialize())
    cache = PersistedTokenCache(FilePersistence(str(place)))
    return _timed(lambda name: cache.add(entry(url, f"{name}.example")))


def _fill(mark: Path, write: Callable[[str], None], entries: int) -> None:
    if not mark.exists():
        for number in range(entries):
            write(f"filling {number}")
        mark.touch()


def _timed(write: Callable[[str], None]) -> dict[str, float]:
    seconds = []
    for _ in range(WRITES):
        name = f"new-{uuid4().hex}"
        started = time.perf_counter()
        write(name)
        seconds.append(time.perf_counter() - started)
    return {"seconds": median(seconds), "slowest_s": max(seconds)}
