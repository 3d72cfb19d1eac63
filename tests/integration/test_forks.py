"""A client may be carried over a fork, as servers do that load the application before they fork their workers."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.support.token_service import RecordedRequest, Reply, TokenService, token_reply

HOLDER = """
import os, signal, threading
from mstoken import Token
from mstoken.stores.memory import MemoryAccessTokens
store, held = MemoryAccessTokens(), threading.Event()
def hold():
    with store._lock:
        held.set()
        threading.Event().wait()
threading.Thread(target=hold, daemon=True).start()
held.wait()
child = os.fork()
if not child:
    signal.alarm(20)
    store.try_lock("key")()
    print("had")
else:
    os.waitpid(child, 0)
"""
FORKER = Path(__file__).parents[1] / "support" / "forking_program.py"


@pytest.mark.parametrize("asking", ["blocking", "asyncio"])
@pytest.mark.parametrize("when", ["unused", "used", "midway", "another"])
def test_a_child_gets_tokens_whatever_its_parent_did(token_service: TokenService, when: str, asking: str) -> None:
    """With the parent's client or its own, while another thread of the parent holds the turn at that very token.

    The HTTP client's threads and whoever held a turn are not in the child.
    """
    first = threading.Event()

    def answer(request: RecordedRequest) -> Reply:
        if when == "midway" and not first.is_set():
            first.set()
            return Reply(200, token_reply().body, delay=40)
        return token_reply(request.path.split("/")[1])

    token_service.script = [answer]
    command = [sys.executable, str(FORKER), token_service.url, when, asking]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["child.example.com", "parent.example.com"]), done.stderr


def test_a_lock_that_was_held_at_the_fork_is_free_in_the_child() -> None:
    """The thread that would let it go is not there."""
    done = subprocess.run([sys.executable, "-c", HOLDER], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "had\n", done.stderr
