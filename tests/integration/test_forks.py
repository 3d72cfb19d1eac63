"""A client may be carried over a fork, as servers do that load the application before they fork their workers."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import trustme
from tests.support.token_service import RecordedRequest, Reply, TokenService, token_reply

HOLDER = """
import os, signal, sys, threading
{setup}
held = threading.Event()
def hold():
    with {lock}:
        held.set()
        threading.Event().wait()
threading.Thread(target=hold, daemon=True).start()
held.wait()
child = os.fork()
if not child:
    signal.alarm(20)
    {use}
    print("acquired")
else:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""A parent that forks while another of its threads holds `lock`; the child then does `use`."""

LOCKS = {
    "store in memory": (
        "from mstoken.stores.memory import MemoryAccessTokens; owner = MemoryAccessTokens()",
        "owner._lock",
        "owner.try_lock('key')()",
    ),
    "key for proof of possession": (
        "from mstoken.keys.pop_key import PopKey; owner = PopKey()",
        "owner._lock",
        "owner.public()",
    ),
    "session of a PKCS#11 token": (
        "from mstoken.keys import pkcs11",
        "pkcs11._ONE_SESSION.current",
        "pkcs11._ONE_SESSION.current.acquire()",
    ),
    "single flight of a runtime": (
        (
            "from mstoken.runtimes.blocking import BlockingRuntime; from mstoken.stores.memory import memory_stores\n"
            "stores = memory_stores(); owner = BlockingRuntime(None, stores.access_tokens, stores.refresh_tokens)"
        ),
        "owner._lock",
        "owner.leave(owner.join('key')[0])",
    ),
}
FORKER = Path(__file__).parents[1] / "support" / "forking_program.py"


@pytest.mark.parametrize("asking", ["blocking", "asyncio"])
@pytest.mark.parametrize("when", ["unused", "used", "midway", "another"])
def test_a_child_gets_tokens_in_every_state_of_its_parent(token_service: TokenService, when: str, asking: str) -> None:
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


@pytest.mark.parametrize("kind", LOCKS)
def test_a_child_can_acquire_a_lock_that_was_held_at_the_fork(kind: str) -> None:
    """The thread that holds the parent's lock does not exist in the child, so the child has a new lock."""
    setup, lock, use = LOCKS[kind]
    code = HOLDER.format(setup=setup, lock=lock, use=use)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "acquired\n"), done.stderr


FORKED_IN_A_FLIGHT = """
import os, sys
from mstoken.runtimes.blocking import BlockingRuntime, run_blocking
from mstoken.stores.memory import memory_stores
stores = memory_stores()
runtime = BlockingRuntime(None, stores.access_tokens, stores.refresh_tokens)
async def fly():
    async with runtime.single_flight("key", 5):
        child = os.fork()
    return child
child = run_blocking(fly())
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_caller_that_forks_during_a_flight_leaves_it_in_both_processes() -> None:
    """The child leaves a flight that its table does not contain any more."""
    command = [sys.executable, "-c", FORKED_IN_A_FLIGHT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


SOCKETS = """
import os, ssl, sys
from mstoken.protocol.http import HttpRequest
from mstoken.transports.blocking import HttpTransport
transport, request = HttpTransport(), HttpRequest("GET", sys.argv[1])
transport.send(request)
[pool] = transport._pools.values()
[connection] = pool._open
number = connection.link.fileno()
child = os.fork()
if not child:
    assert connection.link.fileno() == -1
    try:
        os.fstat(number)
    except OSError:
        pass
    else:
        raise AssertionError("the child holds its parent's connection")
    transport.send(request)
    [own] = pool._open
    assert own is not connection
    transport.close()
    sys.exit()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
transport.send(request)
assert pool._open == {connection}, "the child ended its parent's connection"
print("both")
"""


def test_a_child_closes_its_parents_connections(tmp_path: Path) -> None:
    """It does not use them or keep them open, and says nothing on them: the TLS session goes on in the parent."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    service = TokenService(context)
    environment = {**os.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem"), "NO_PROXY": "*"}
    command = [sys.executable, "-c", SOCKETS, service.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert (done.stdout, done.returncode) == ("both\n", 0), done.stderr
    assert service.connections == 2
    service.close()
