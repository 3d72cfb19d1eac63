"""`mstoken mcp` as a program: who ends it, and what it survives."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.at_entra import NADIA, sign_in
from tests.support.program import MSTOKEN, Program
from tests.support.running import Running
from tests.support.small_disk import small_disk
from tests.support.token_service import RecordedRequest, Reply, TokenService

from entra_emulator import Emulator

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
ARM = "https://management.azure.com"
ASK = '{"id":1,"jsonrpc":"2.0","method":"tools/list"}\n'


@pytest.fixture
def server() -> Iterator[TokenService]:
    def reply(request: RecordedRequest) -> Reply:
        if not request.body:
            return Reply(405, b"")
        found = json.loads(request.body)
        if "id" not in found:
            return Reply(202, b"")
        kind = {"Content-Type": "application/json", "Mcp-Session-Id": "a-session"}
        return Reply(200, {"jsonrpc": "2.0", "id": found["id"], "result": {"protocolVersion": "2025-06-18"}}, kind)

    made = TokenService()
    made.script = [reply]
    yield made
    made.close()


class Bridge(Running):
    """A running bridge to `server`, with tokens for `scope`."""

    def __init__(self, program: Program, server: TokenService, *more: str, scope: str = ARM) -> None:
        super().__init__(program, "mcp", f"{server.url}/mcp", "--scope", scope, *more, stdin=subprocess.PIPE)

    def ask(self, line: str = ASK) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def code(self) -> int:
        """Wait for its end, and return its exit code."""
        found = self.process.wait(60)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr] # pipes
        return found


def test_it_ends_with_its_input(at_entra: Program, server: TokenService) -> None:
    """A request that has no answer yet still gets it."""
    done = at_entra(
        "mcp", f"{server.url}/mcp", "--scope", ARM, stdin="".join(ASK.replace("1", str(of), 1) for of in (1, 2, 3))
    )
    assert (done.code, done.err) == (0, "")
    assert sorted(json.loads(line)["id"] for line in done.out.splitlines()) == [1, 2, 3]


@posix
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_signals_end_it(at_entra: Program, server: TokenService, number: signal.Signals) -> None:
    """Its session with the server ends too."""
    bridge = Bridge(at_entra, server)
    assert bridge.ask('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n')["id"] == 1
    bridge.process.send_signal(number)
    assert bridge.code() == 0
    assert [one.method for one in server.requests] == ["POST", "DELETE"]
    assert server.requests[-1].headers["Mcp-Session-Id"] == "a-session"


@posix
def test_a_signal_ends_a_request_that_waits(at_entra: Program) -> None:
    """Even if it is the first one."""
    server = TokenService()
    server.script = [Reply(200, {}, delay=30)]
    bridge = Bridge(at_entra, server)
    assert bridge.process.stdin is not None
    bridge.process.stdin.write('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}\n')
    bridge.process.stdin.flush()
    while not server.requests:
        assert bridge.process.poll() is None
    bridge.process.send_signal(signal.SIGHUP)
    assert bridge.code() == 0
    server.close()


def test_it_ends_when_nobody_reads(at_entra: Program, server: TokenService) -> None:
    bridge = Bridge(at_entra, server)
    assert bridge.ask()["id"] == 1
    assert bridge.process.stdin is not None
    assert bridge.process.stdout is not None
    bridge.process.stdout.close()
    bridge.process.stdin.write(ASK)
    bridge.process.stdin.flush()
    assert bridge.code() == 0


def test_a_revoked_sign_in(anonymous: Program, entra: Emulator, server: TokenService) -> None:
    """The client's error says what to do; after `mstoken login` the same bridge goes on."""
    sign_in(anonymous, entra)
    bridge = Bridge(anonymous, server)
    assert "result" in bridge.ask()
    server.script = [Reply(401, b"", {"WWW-Authenticate": "Bearer"}), server.script[0]]
    entra.revoke(NADIA)
    error = bridge.ask()["error"]
    assert "mstoken login" in error["message"]
    assert error["data"]["kind"] == "sign_in_required"
    sign_in(anonymous, entra)
    server.script = [Reply(401, b"", {"WWW-Authenticate": "Bearer"}), server.script[0]]
    assert "result" in bridge.ask()
    bridge.process.terminate()
    assert bridge.end()[0] == 0


def test_a_full_disk(at_entra: Program, server: TokenService, tmp_path: Path) -> None:
    """Neither the cache nor messages can be written; the client gets its answers."""
    with small_disk(tmp_path / "disk") as disk:
        at_entra.environment |= {"MSTOKEN_CACHE_DIR": str(disk.folder / "cache")}
        with (disk.folder / "log").open("wb") as log:
            disk.fill()
            done = subprocess.run(
                [MSTOKEN, "mcp", f"{server.url}/mcp", "--scope", ARM],
                input=ASK.encode() * 2 + b'{"jsonrpc":"2.0","method":"notifications/progress"}\n',
                stdout=subprocess.PIPE,
                stderr=log,
                env=at_entra.environment,
                timeout=60,
                check=False,
            )
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2


def test_what_cannot_be_a_server(at_entra: Program) -> None:
    for url, part in (("http://example.com/mcp", "not https"), ("https://a@b/mcp", "is not a host")):
        done = at_entra("mcp", url)
        assert (done.code, done.out) == (2, "")
        assert part in done.err


def test_without_an_identity(anonymous: Program, server: TokenService) -> None:
    """It starts, as clients show errors of requests better than those of a start; the error says what to do."""
    done = anonymous("mcp", f"{server.url}/mcp", "--scope", ARM, stdin=ASK)
    assert "No identity is available" in json.loads(done.out)["error"]["message"]
