"""Processes that renew one sign-in and are killed: `python killed_renewals.py AUTHORITY TENANT CLIENT_ID KILLS`.

For each kill, a forked child renews repeatedly until SIGKILL ends it; then another child must be able to continue. It
prints one line per kill: how many renewals the child reported, and whether the next renewal worked, or why not.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time

from mstoken import Client, MstokenError, RefreshToken, Stores
from mstoken.stores.redis_access_tokens import RedisAccessTokens
from mstoken.stores.redis_connection import RedisConnection
from mstoken.stores.user_stores import user_stores

ACCOUNT = "anna"


def client(authority: str, tenant: str, client_id: str) -> Client:
    stores = user_stores()
    if url := os.environ.get("MSTOKEN_STORE"):  # at Redis a dead holder's turn ends with its lease: here, soon
        stores = Stores(RedisAccessTokens(RedisConnection(url, b"\x07" * 32), lease_in=0.3), stores.refresh_tokens)
    return Client(tenant, client_id, RefreshToken(account=ACCOUNT, single_use=True), authority, stores)


def main(authority: str, tenant: str, client_id: str, kills: str) -> None:
    for _ in range(int(kills)):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            _renew_for_ever(client(authority, tenant, client_id), writer)
        os.close(writer)
        done = os.read(reader, 1)  # the first renewal is done: now it is at work
        time.sleep(random.random() * 0.06)  # noqa: S311
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while more := os.read(reader, 65536):
            done += more
        os.close(reader)
        sys.stdout.write(f"{len(done)} {_goes_on(client(authority, tenant, client_id))}\n")
        sys.stdout.flush()


def _renew_for_ever(asking: Client, writer: int) -> None:
    while True:
        try:
            asking.renew_sign_in()
        except MstokenError as error:
            sys.stderr.write(f"{error}\n")
            os._exit(1)
        os.write(writer, b".")


def _goes_on(asking: Client) -> str:
    """In a process of its own as well: the parent must not use the network before it forks again."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        said = b"True"
        try:
            asking.renew_sign_in()
        except MstokenError as error:
            said = str(error).replace("\n", " ").encode()
        os.write(writer, said)
        os._exit(0)
    os.close(writer)
    said = os.read(reader, 4096)
    os.waitpid(child, 0)
    os.close(reader)
    return said.decode()


if __name__ == "__main__":
    main(*sys.argv[1:])
