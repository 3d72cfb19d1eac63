"""A process that keeps sign-ins: `python sign_in_writer.py REDIS SECONDS WORKER`; REDIS empty for the user's vault.

Prints how many it kept, and how often one that it had kept was not there or not the last.
"""

from __future__ import annotations

import random
import sys
import time

from mstoken import redis_stores
from mstoken.flows.store_port import TokenInfo
from mstoken.stores.user_stores import user_stores


def main(redis: str, seconds: str, worker: str) -> None:
    refresh_tokens = (redis_stores(redis, b"\x07" * 32) if redis else user_stores()).refresh_tokens
    refresh_tokens.list_sign_ins()  # imports everything before the time starts
    until, number, missed = time.monotonic() + float(seconds), 0, 0
    while time.monotonic() < until or number < 3:  # however little time a loaded machine gives
        key = f"account:{worker}-{number}"
        refresh_tokens.put(key, "new", TokenInfo(tenant=worker))
        refresh_tokens.replace(key, "new", "renewed")
        number += 1
        earlier = refresh_tokens.load(f"account:{worker}-{random.randrange(number)}")  # noqa: S311
        missed += earlier is None or earlier.current != "renewed"
    sys.stdout.write(f"{number} {missed}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
