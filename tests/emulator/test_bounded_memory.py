"""An emulator that runs for days: what it keeps of past requests is limited."""

from __future__ import annotations

import gc
import types
from collections import deque
from collections.abc import Callable
from typing import Any

import httpx

from entra_emulator import Emulator
from entra_emulator.recent import Recent

Get = Callable[..., httpx.Response]
MOST = 20


def reachable(root: object) -> list[Any]:
    """Return the objects that `root` keeps alive, other than code."""
    found, rest = {id(root): root}, [root]
    while rest:
        new = [one for one in gc.get_referents(rest.pop()) if not isinstance(one, type | types.ModuleType)]
        for one in new:
            if id(one) not in found and not isinstance(one, types.FunctionType | types.BuiltinFunctionType):
                found[id(one)] = one
                rest.append(one)
    return list(found.values())


def size(root: object) -> int:
    """Return how many objects and entries of collections `root` keeps alive. The collector does not visit text keys."""
    return sum(1 + (len(one) if isinstance(one, dict | list | set | deque) else 0) for one in reachable(root))


def test_past_requests_leave_nothing_behind(entra: Emulator, app_token: Get, user_token: Get) -> None:
    """With every limit reached, further refreshes and errors need no more memory.

    Each store has a limit of its own, which is lowered here; a dictionary without one would grow by an entry each time.
    """
    entra.state.default_app.single_use_refresh_tokens = True
    for store in reachable(entra._world):  # nothing public leads to all of it
        if isinstance(store, Recent):
            store._most = MOST
    token = entra.sign_in(entra.state.settings.user)

    def work(rounds: int) -> int:
        nonlocal token
        for number in range(rounds):
            token = user_token(refresh_token=token).json()["refresh_token"]
            app_token(f"https://unknown-{number}.example/.default")
        entra.requests.clear()  # its limit has a test of its own
        return size(entra._world)

    before = work(205)  # the 200 last refresh tokens are remembered for the sign-in service's own view
    after = work(40)
    assert after <= before + 20
