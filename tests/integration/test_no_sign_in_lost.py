"""A refresh token that took a person to obtain is never lost: not by kills, not by crowds, not where there is no home.

With MSTOKEN_LONG_TESTS=1 these run at the length that was promised: 300 kills, 30 seconds.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.program import Program
from tests.support.redis_server import KEY, RedisServer

from entra_emulator import Emulator
from mstoken import redis_stores
from mstoken.flows.store_port import RefreshTokenStore, TokenInfo
from mstoken.stores.user_stores import user_stores

LONG = bool(os.environ.get("MSTOKEN_LONG_TESTS"))
KILLS = 300 if LONG else 24
SECONDS = 30.0 if LONG else 2.5
PUBLIC_APP = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b02"
NADIA = "nadia@northwind-partner.example"
SUPPORT = Path(__file__).parents[1] / "support"


@pytest.fixture(scope="module")
def entra() -> Iterator[Emulator]:
    """A local Entra ID where the public application's refresh tokens may be used once."""
    with Emulator() as emulator:
        emulator.state.apps[PUBLIC_APP].single_use_refresh_tokens = True
        yield emulator


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Places of the test's own; child processes inherit them."""
    own = {
        "MSTOKEN_CACHE_DIR": str(tmp_path / "cache"),
        "MSTOKEN_VAULT_KEY": base64.b64encode(KEY).decode(),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MSTOKEN_STORE", raising=False)
    return own


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A Redis server for this module."""
    server = RedisServer()
    yield server
    server.close()


@pytest.mark.parametrize("store", ["vault", "redis"])
def test_a_kill_around_a_rotation_leaves_a_refresh_token_that_works(
    entra: Emulator, home: dict[str, str], redis: RedisServer, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    """SIGKILL at random moments, each refresh token good for one use: the next process always goes on."""
    redis.say("FLUSHALL")
    if store == "redis":
        monkeypatch.setenv("MSTOKEN_STORE", redis.url)
    tenant = entra.state.default_tenant.id
    user_stores().refresh_tokens.put(
        "account:anna", entra.sign_in(NADIA, PUBLIC_APP), TokenInfo(entra.authority, tenant, PUBLIC_APP)
    )
    environment = {**os.environ, **entra.environment(), **home}
    kills = KILLS if store == "vault" else KILLS // 4
    done = subprocess.run(
        [sys.executable, SUPPORT / "killed_renewals.py", entra.authority, tenant, PUBLIC_APP, str(kills)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    trials = [line.split(" ", 1) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert len(trials) == kills
    assert [said for _, said in trials if said != "True"] == []
    assert all(int(renewals) for renewals, _ in trials), "a process was killed before it was at work"
    assert not done.stderr


def test_machines_renew_one_sign_in_one_at_a_time(entra: Emulator, home: dict[str, str], redis: RedisServer) -> None:
    """Four machines on one Redis, each refresh token good for one use: none ever spends what another has spent."""
    redis.say("FLUSHALL")
    tenant, refresh_tokens = entra.state.default_tenant.id, redis_stores(redis.url, KEY).refresh_tokens
    refresh_tokens.put("account:anna", entra.sign_in(NADIA, PUBLIC_APP), TokenInfo(entra.authority, tenant, PUBLIC_APP))
    command = [
        sys.executable,
        str(SUPPORT / "renewal_loop.py"),
        redis.url,
        entra.authority,
        tenant,
        PUBLIC_APP,
        str(SECONDS),
    ]
    environment = {**os.environ, **entra.environment(), **home}
    machines = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    results = [machine.communicate(timeout=300)[0].split(" ", 1) for machine in machines]
    assert [failures.strip() for _, failures in results] == ["[]"] * 4
    assert all(int(renewals) > 1 for renewals, _ in results)
    assert refresh_tokens.list_sign_ins()["account:anna"].ended_by == 0


def _refresh_tokens(store: str, redis: RedisServer) -> RefreshTokenStore:
    return redis_stores(redis.url, KEY).refresh_tokens if store == "redis" else user_stores().refresh_tokens


@pytest.mark.parametrize("store", ["vault", "redis"])
def test_eight_processes_lose_no_sign_in_of_each_other(home: dict[str, str], redis: RedisServer, store: str) -> None:
    """Each keeps new sign-ins and renews old ones; whoever looks never sees fewer than there were, and none is lost."""
    redis.say("FLUSHALL")
    place = redis.url if store == "redis" else ""
    command, pipe = [sys.executable, str(SUPPORT / "sign_in_writer.py"), place, str(SECONDS)], subprocess.PIPE
    busy = [subprocess.Popen([*command, str(number)], stdout=pipe, text=True) for number in range(8)]
    reading, seen = _refresh_tokens(store, redis), 0
    while any(process.poll() is None for process in busy):
        count = len(reading.list_sign_ins())
        assert count >= seen
        seen = count
    results = [process.communicate(timeout=120)[0].split() for process in busy]
    assert [missed for _, missed in results] == ["0"] * 8
    kept = reading.list_sign_ins()
    assert len(kept) == sum(int(count) for count, _ in results) > 8
    for worker, (made, _) in enumerate(results):
        last = reading.load(f"account:{worker}-{int(made) - 1}")
        assert last is not None
        assert last.current == "renewed"


def test_without_a_home_an_application_gets_its_token(tmp_path: Path, entra: Emulator) -> None:
    """No home, no cache folder, no writable place: the token is printed, and a note says that it is not kept."""
    program = Program(tmp_path)
    program.environment |= entra.environment() | {"HOME": "/proc/nobody", "MSTOKEN_CACHE_DIR": "/proc/nobody/cache"}
    result = program("get", "graph")
    assert (result.code, result.out.count(".")) == (0, 2), result.err
    assert "stay in this process" in result.err
    assert "Traceback" not in result.err


def test_without_a_home_a_sign_in_is_an_error_with_a_remedy(tmp_path: Path, entra: Emulator) -> None:
    """A new refresh token that cannot be kept is an error that names the place and the remedy, and no traceback."""
    program = Program(tmp_path)
    program.environment |= entra.environment() | {"HOME": "/proc/nobody", "MSTOKEN_CACHE_DIR": "/proc/nobody/cache"}
    program.environment |= {"AZURE_CLIENT_ID": PUBLIC_APP, "MSTOKEN_REFRESH_TOKEN": entra.sign_in(NADIA, PUBLIC_APP)}
    del program.environment["AZURE_CLIENT_SECRET"]
    result = program("get", "graph")
    assert (result.code, result.out) == (1, "")
    assert "/proc/nobody" in result.err
    assert "MSTOKEN_CACHE_DIR" in result.err
    assert "Traceback" not in result.err
