"""A program that gets one token and prints the functions of mstoken that the call enters, one `file function` a line.

Arguments: `blocking` or `asyncio`, then tenant, client ID and authority. The environment has the credential:
AZURE_CLIENT_SECRET, and MSTOKEN_REFRESH_TOKEN, which may be empty. Threads that the call starts are traced too.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import mstoken
from mstoken import AsyncClient, Client, ClientSecret, RefreshToken

PACKAGE = Path(mstoken.__file__).parent
entered: list[str] = []


def record(frame: FrameType, event: str, _: Any) -> None:
    """Note a call of a function of mstoken. The resumption of a coroutine is a call too; it repeats the function."""
    code = frame.f_code
    if event == "call" and code.co_filename.startswith(str(PACKAGE)):
        entered.append(f"{Path(code.co_filename).relative_to(PACKAGE).as_posix()} {code.co_qualname}")


def trace(function: Any) -> None:
    sys.setprofile(function)
    threading.setprofile(function)


def main(kind: str, tenant: str, client_id: str, authority: str) -> None:
    application, refresh_token = ClientSecret(os.environ["AZURE_CLIENT_SECRET"]), os.environ["MSTOKEN_REFRESH_TOKEN"]
    credential = RefreshToken(refresh_token, application) if refresh_token else application
    if kind == "blocking":
        client = Client(tenant, client_id, credential, authority)
        trace(record)
        client.get_token("graph")
    else:

        async def call() -> None:
            async with AsyncClient(tenant, client_id, credential, authority) as client:
                trace(record)
                await client.get_token("graph")

        asyncio.run(call())
    trace(None)
    sys.stdout.write("\n".join(entered))


if __name__ == "__main__":
    main(*sys.argv[1:])
