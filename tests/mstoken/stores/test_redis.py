"""Redis: what only it has to show, with a real server of Debian's."""

from __future__ import annotations

import base64
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.locks import locked
from tests.support.redis_server import KEY, PASSWORD, QUOTED, USER, RedisServer

from mstoken import Stores, redis_stores
from mstoken.errors import StoreError, UsageError
from mstoken.flows.store_port import TokenInfo
from mstoken.model import StoredRefreshToken, Token
from mstoken.stores.redis_access_tokens import RedisAccessTokens
from mstoken.stores.redis_connection import RESPONSE_TIMEOUT_IN, UNAVAILABLE_IN, RedisConnection, redis_key
from mstoken.stores.redis_locks import RedisLocks

QUESTION, ACCOUNT = "0" * 40, "account:anna@contoso.example"
INFO = TokenInfo(
    "https://login.microsoftonline.com", "contoso.onmicrosoft.com", "app", "anna", "https://graph/.default"
)
SECRETS = ("hunter2-access", "hunter2-first", "hunter2-second")


def _token(value: str = "hunter2-access", life_in: float = 3600) -> Token:
    return Token(value, int(time.time() + life_in))


@pytest.fixture
def own() -> Iterator[RedisServer]:
    """A server that the test may stop."""
    server = RedisServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def guarded() -> Iterator[RedisServer]:
    """A server that speaks TLS and lets in a user of few rights, by password."""
    server = RedisServer(tls=True)
    yield server
    server.close()


def _fill(stores: Stores) -> None:
    stores.access_tokens.save(QUESTION, _token(), INFO)
    stores.refresh_tokens.put(ACCOUNT, SECRETS[1], INFO)
    stores.refresh_tokens.replace(ACCOUNT, SECRETS[1], SECRETS[2])


def test_tls_and_an_access_control_list_are_supported(guarded: RedisServer) -> None:
    """With rights to its own names and no administration, everything works, over TLS and with a password."""
    _fill(redis_stores(guarded.url, KEY))
    other = redis_stores(guarded.url, base64.b64encode(KEY).decode())
    kept = other.access_tokens.load(QUESTION)
    assert kept is not None
    assert kept.token == SECRETS[0]
    assert other.refresh_tokens.load(ACCOUNT) == StoredRefreshToken(SECRETS[2], SECRETS[1])
    assert list(other.refresh_tokens.list_sign_ins()) == [ACCOUNT]
    with locked(other.access_tokens, QUESTION):
        assert other.access_tokens.clear() == 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ((QUOTED, f"{USER}:wrong"), "username-password"),
        ((f"{QUOTED}@", ""), "uthenti"),
        (("?ssl_ca_certs=", "?x509="), "not the URL of a Redis"),
        (("rediss://", "redis://"), "not the URL of a Redis"),
    ],
)
def test_a_refused_login_names_the_server_without_the_password(
    guarded: RedisServer, change: tuple[str, str], what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong password, none, parameters that are none or need TLS: an error without a secret."""
    url = guarded.url.replace(*change)
    with pytest.raises((StoreError, UsageError), match=what) as caught:
        redis_stores(url, KEY).refresh_tokens.load(ACCOUNT)
    assert PASSWORD not in str(caught.value) + caplog.text
    assert "s3cret" not in str(caught.value) + caplog.text


def test_an_unknown_certificate_authority_is_not_trusted(guarded: RedisServer) -> None:
    """A server's certificate is checked against the system's authorities unless the URL names one."""
    with pytest.raises(StoreError, match="certificate"):
        redis_stores(guarded.url.partition("?")[0], KEY).refresh_tokens.list_sign_ins()


def test_entries_cannot_be_read_without_the_key(redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """Names are digests, values sealed: no token, account, tenant or client is seen in a dump, a log or a repr."""
    caplog.set_level(logging.DEBUG)
    stores = redis_stores(redis.url, KEY)
    _fill(stores)
    with locked(stores.access_tokens, QUESTION):
        names = redis.say("KEYS", "*").split()
        seen = b"".join(redis.say("--raw", "GET", name.decode()) for name in names) + b" ".join(names)
    assert len(names) == 3
    assert all(name.startswith(b"mstoken:1:") for name in names)
    for word in (*SECRETS, "anna", "contoso", "account"):
        assert word.encode() not in seen
        assert word not in caplog.text + repr(stores)


def test_tokens_expire_in_redis_and_sign_ins_do_not(redis: RedisServer) -> None:
    """A token's life on the server is its own; a refresh token has none, so that it is the last to be dropped."""
    stores = redis_stores(redis.url, KEY)
    _fill(stores)
    lives = {name: int(redis.say("TTL", redis_key(*name))) for name in (("token", QUESTION), ("grant", ACCOUNT))}
    assert 3000 < lives["token", QUESTION] <= 3600
    assert lives["grant", ACCOUNT] == -1
    stores.access_tokens.save(QUESTION, _token(life_in=-5))
    assert stores.access_tokens.load(QUESTION) is None
    with locked(stores.access_tokens, QUESTION):
        assert 0 < int(redis.say("PTTL", redis_key("turn", QUESTION))) <= 10_000
    assert redis.say("EXISTS", redis_key("turn", QUESTION)) == b"0\n"


def test_another_key_decrypts_nothing_and_overwrites_nothing(redis: RedisServer) -> None:
    """With a wrong key a token is a miss, a sign-in an error that says what to do; it stays as it is."""
    _fill(redis_stores(redis.url, KEY))
    wrong = redis_stores(redis.url, b"\x08" * 32)
    assert wrong.access_tokens.load(QUESTION) is None
    calls: list[Callable[[], object]] = [
        lambda: wrong.refresh_tokens.load(ACCOUNT),
        wrong.refresh_tokens.list_sign_ins,
        lambda: wrong.refresh_tokens.replace(ACCOUNT, SECRETS[2], "x"),
        lambda: wrong.refresh_tokens.put(ACCOUNT, "x", INFO),
    ]
    for call in calls:
        with pytest.raises(StoreError, match="another key") as caught:
            call()
        assert "MSTOKEN_VAULT_KEY" in caught.value.remedy
    assert redis_stores(redis.url, KEY).refresh_tokens.load(ACCOUNT) == StoredRefreshToken(SECRETS[2], SECRETS[1])


@pytest.mark.parametrize("key", ["", "short", base64.b64encode(b"x" * 16).decode(), b"x" * 31])
def test_a_key_is_needed(redis: RedisServer, key: str | bytes) -> None:
    """Without a key that all machines share there is nothing to seal with; the error says how to make one."""
    with pytest.raises(UsageError, match="key") as caught:
        redis_stores(redis.url, key)
    assert "openssl rand -base64 32" in caught.value.remedy


@pytest.mark.parametrize("url", ["http://host", "redis://", "redis://:hunter2@host:port", "unix://", "host:6379", ""])
def test_an_invalid_redis_url_is_refused_without_repeating_it(url: str) -> None:
    """A URL may hold a password, so the error does not show it."""
    with pytest.raises(UsageError) as caught:
        redis_stores(url, KEY)
    assert "hunter2" not in str(caught.value)


def test_while_redis_is_unavailable_tokens_stay_in_memory_with_one_warning(
    own: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Saves, loads and turns go on from memory; sign-ins are errors, never lost silently; then all is as before."""
    stores = redis_stores(own.url, KEY)
    _fill(stores)
    own.stop()
    began = time.monotonic()
    stores.access_tokens.save("1" * 40, _token("while away"), INFO)
    for _ in range(50):
        kept = stores.access_tokens.load("1" * 40)
        assert kept is not None
        assert kept.token == "while away"
        with locked(stores.access_tokens, QUESTION):
            pass
    assert stores.access_tokens.load(QUESTION) is None
    assert time.monotonic() - began < 20  # and not a second for each call
    assert [record.getMessage().count("stay in this process") for record in caplog.records] == [1]
    calls: list[Callable[[], object]] = [
        lambda: stores.refresh_tokens.load(ACCOUNT),
        lambda: stores.refresh_tokens.replace(ACCOUNT, SECRETS[2], "x"),
        stores.access_tokens.tokens,
        lambda: stores.access_tokens.forget(TokenInfo(account="ben")),
        redis_stores(own.url, KEY).access_tokens.clear,
    ]
    for call in calls:
        with pytest.raises(StoreError, match="cannot be used"):
            call()
    own.start()
    time.sleep(UNAVAILABLE_IN)
    assert stores.refresh_tokens.load(ACCOUNT) == StoredRefreshToken(SECRETS[2], SECRETS[1])
    assert stores.access_tokens.load("1" * 40) == kept
    stores.access_tokens.save("1" * 40, _token("back"))
    found = redis_stores(own.url, KEY).access_tokens.load("1" * 40)
    assert found is not None
    assert found.token == "back"


def test_a_full_server_still_serves_its_tokens(own: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """Full, with `noeviction`: it is there, so what it keeps is used; what is new stays with the process."""
    stores = redis_stores(own.url, KEY)
    _fill(stores)
    own.say("CONFIG", "SET", "maxmemory", "1")
    stores.access_tokens.save("1" * 40, _token("no room"))
    found = [stores.access_tokens.load(QUESTION), stores.access_tokens.load("1" * 40)]
    assert [one.token if one else None for one in found] == [SECRETS[0], "no room"]
    assert stores.refresh_tokens.load(ACCOUNT) == StoredRefreshToken(SECRETS[2], SECRETS[1])
    with pytest.raises(StoreError, match="maxmemory"):
        stores.refresh_tokens.replace(ACCOUNT, SECRETS[2], "x")
    assert stores.refresh_tokens.load(ACCOUNT) == StoredRefreshToken(SECRETS[2], SECRETS[1])
    assert [record.getMessage().count("stay in this process") for record in caplog.records] == [1]


@pytest.mark.parametrize("parameter", ["decode_responses=true", "encoding=utf-16", "protocol=3", "db=2"])
def test_url_parameters_do_not_change_the_entries(redis: RedisServer, parameter: str) -> None:
    """What is sealed is no text, whatever the URL says about text."""
    stores = redis_stores(f"{redis.url}?{parameter}", KEY)
    _fill(stores)
    kept = stores.access_tokens.load(QUESTION)
    assert kept is not None
    assert kept.token == SECRETS[0]
    assert stores.refresh_tokens.load(ACCOUNT) == StoredRefreshToken(SECRETS[2], SECRETS[1])
    assert list(stores.refresh_tokens.list_sign_ins()) == [ACCOUNT]


def test_a_sign_in_of_another_version_is_not_changed(redis: RedisServer) -> None:
    """What opens with the key and says other things than we know is an error, and stays."""
    connection, name = RedisConnection(redis.url, KEY), redis_key("grant", ACCOUNT)
    connection.swap(name, b"", connection.cipher().encrypt(b'{"version": 2}', name))
    before, refresh_tokens = connection.get(name), redis_stores(redis.url, KEY).refresh_tokens
    calls: list[Callable[[], object]] = [
        lambda: refresh_tokens.load(ACCOUNT),
        refresh_tokens.list_sign_ins,
        lambda: refresh_tokens.replace(ACCOUNT, "a", "b"),
        lambda: refresh_tokens.put(ACCOUNT, "a", INFO),
        lambda: refresh_tokens.end(ACCOUNT, "a", 50173),
    ]
    for call in calls:
        with pytest.raises(StoreError, match="another version") as caught:
            call()
        assert "Upgrade" in caught.value.remedy
    assert connection.get(name) == before


def test_an_entry_that_changes_all_the_time_is_an_error(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever compares and swaps in vain does not go on for ever."""
    monkeypatch.setattr(RedisConnection, "swap", lambda *_: False)
    with pytest.raises(StoreError, match="all the time"):
        redis_stores(redis.url, KEY).refresh_tokens.put(ACCOUNT, "a", INFO)


def test_only_the_first_call_waits_for_a_server_that_hangs(own: RedisServer) -> None:
    """It answers nobody: the first call waits for the time-out and the next ones do not."""
    stores = redis_stores(own.url, KEY)
    stores.access_tokens.save(QUESTION, _token())
    own.freeze()
    try:
        began = time.monotonic()
        assert stores.access_tokens.load(QUESTION) is None
        assert time.monotonic() - began < 20
        began = time.monotonic()
        assert stores.access_tokens.load(QUESTION) is None
        assert time.monotonic() - began < RESPONSE_TIMEOUT_IN
    finally:
        own.thaw()


def test_a_restarted_server_is_used_again_at_once(own: RedisServer) -> None:
    """The old connection is dead; that alone is no failure."""
    stores = redis_stores(own.url, KEY)
    _fill(stores)
    own.stop()
    own.start()
    assert stores.refresh_tokens.load(ACCOUNT) == StoredRefreshToken(SECRETS[2], SECRETS[1])


def _free(connection: RedisConnection, name: str) -> bool:
    taken = connection.set_if_absent(name, "probe", 5)
    if taken:
        connection.swap(name, b"probe", b"")
    return taken


def test_a_lock_outlives_its_lease_while_its_owner_runs(redis: RedisServer) -> None:
    """The mark is renewed in the background; when the turn ends, it is gone at once."""
    connection, name = RedisConnection(redis.url, KEY), redis_key("turn", QUESTION)
    with locked(RedisAccessTokens(connection, lease_in=2), QUESTION):
        until = time.monotonic() + 4.5
        while time.monotonic() < until:
            assert not _free(connection, name)
            time.sleep(0.05)
    assert _free(connection, name)


def test_the_lock_of_a_dead_owner_is_acquired_by_another(redis: RedisServer, workers: Any) -> None:
    """SIGKILL leaves the mark; it lives out its lease and no longer, and the next one waits for just that."""
    worker = workers.start("hold_on_redis", redis.url, QUESTION, 3)
    assert worker.stdout.readline() == "held\n"
    connection = RedisConnection(redis.url, KEY)
    assert not _free(connection, redis_key("turn", QUESTION))
    worker.kill()
    worker.wait()
    began = time.monotonic()
    with locked(RedisAccessTokens(connection), QUESTION):
        assert time.monotonic() - began < 9  # and not the ten seconds that this one's own lease has
        assert not _free(connection, redis_key("turn", QUESTION))


def test_a_holder_whose_lock_expired_does_not_release_the_new_lock(redis: RedisServer) -> None:
    """A holder that was paused beyond its lease comes back and leaves the new holder's mark alone."""
    connection, name = RedisConnection(redis.url, KEY), redis_key("turn", QUESTION)
    slept = RedisLocks(connection, lease_in=60).try_lock(name)
    redis.say("DEL", name)
    other = RedisLocks(connection).try_lock(name)
    assert slept is not None
    assert other is not None
    slept()
    assert not _free(connection, name)
    other()
    assert _free(connection, name)


def test_releasing_an_expired_lock_keeps_the_process_new_lock(redis: RedisServer) -> None:
    """Two turns of one process at one name, the first lost: the second is renewed on, after the first has ended."""
    connection, name = RedisConnection(redis.url, KEY), redis_key("turn", QUESTION)
    turns = RedisLocks(connection, lease_in=2)
    lost = turns.try_lock(name)
    redis.say("DEL", name)
    ours = turns.try_lock(name)
    assert lost is not None
    assert ours is not None
    lost()
    time.sleep(3)
    assert not _free(connection, name)
    ours()


def test_sixteen_processes_hold_the_redis_lock_one_at_a_time(redis: RedisServer, workers: Any, tmp_path: Any) -> None:
    """Never two at once, and no mark is left."""
    busy = workers.start_together(16, "take_turns_on_redis", redis.url, QUESTION, tmp_path / "mark", 5)
    for process in busy:
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, output) == (0, "0\n"), errors
    assert redis.say("KEYS", "*") == b"\n"


def test_redis_is_needed_only_when_it_is_used() -> None:
    """Without the package the rest works, and the error says how to get it."""
    script = (
        "import sys; sys.modules['redis'] = None\n"
        "import mstoken\n"
        "stores = mstoken.redis_stores('redis://localhost', b'k' * 32)\n"
        "try: stores.refresh_tokens.load('a')\n"
        "except mstoken.UsageError as error: print(error.remedy)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "pip install 'mstoken[redis]'\n"
