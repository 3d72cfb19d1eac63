"""A process that asks for one token: `python asker.py URL STORE LEASE`. Says "ready", waits for a line, then asks.

STORE is `folder` (MSTOKEN_CACHE_DIR says where) or the URL of a Redis; LEASE is for the latter, in seconds.
"""

from __future__ import annotations

import sys

from mstoken import Client, ClientSecret, MstokenError, Stores
from mstoken.stores.memory import MemoryGrants
from mstoken.stores.redis_link import Link
from mstoken.stores.redis_tokens import RedisTokens
from mstoken.stores.user import user_stores
from mstoken.transports.pyreqwest import PyreqwestTransport

TENANT, CLIENT_ID = "contoso.onmicrosoft.com", "6731de76-14a6-49ae-97bc-6eba6914391e"


def main(url: str, store: str, lease: str) -> None:
    stores = (
        user_stores()
        if store == "folder"
        else Stores(RedisTokens(Link(store, b"\x07" * 32), float(lease)), MemoryGrants())
    )
    client = Client(TENANT, CLIENT_ID, ClientSecret("s3cret"), url, stores, PyreqwestTransport())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    try:
        sys.stdout.write(f"{client.get_token('graph').token}\n")
    except MstokenError as error:
        sys.stdout.write(f"{type(error).__name__}: {error.message}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
