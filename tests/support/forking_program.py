"""A program that forks: `python forking_program.py URL WHEN RUNNER`. Prints the child's token, then the parent's.

WHEN is what the parent did before: `unused`, `used` a client, or was `midway` in another thread, which holds the turn
at what the child asks for. `another` client of the same kind is made by the child. RUNNER is `blocking` or `asyncio`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from typing import Any

from mstoken import AsyncClient, Client, ClientSecret, Token

CLIENT_ID = "6731de76-14a6-49ae-97bc-6eba6914391e"


def main(url: str, when: str, runner: str) -> None:
    def make() -> Any:
        kind = Client if runner == "blocking" else AsyncClient
        return kind("contoso.onmicrosoft.com", CLIENT_ID, ClientSecret("s3cret"), url)

    def ask(client: Any, tenant: str) -> str:
        asked = client.get_token("graph", tenant_id=f"{tenant}.example.com")
        token: Token = asked if runner == "blocking" else asyncio.run(_awaited(asked))
        return token.token

    client = make()
    if when in {"used", "another"}:
        ask(client, "before")
    if when == "midway":
        threading.Thread(target=ask, args=(client, "child"), daemon=True).start()
        time.sleep(0.5)
    child = os.fork()
    if not child:
        signal.alarm(20)  # less than the patience of a call
        client = make() if when == "another" else client
        sys.stdout.write(f"{ask(client, 'child')}\n")
        if runner == "blocking":
            client.close()
        sys.exit()  # and not `_exit`: the interpreter ends as a worker's does
    os.waitpid(child, 0)
    sys.stdout.write(f"{ask(client, 'parent')}\n")


async def _awaited(asked: Any) -> Any:
    return await asked


if __name__ == "__main__":
    main(*sys.argv[1:])
