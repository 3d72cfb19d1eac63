"""The connection to one Redis: its client, key names and encryption. The only file that imports redis.

Every failure becomes a StoreError. After a failure, calls fail at once for a moment instead of waiting for the server.
"""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

from mstoken.errors import MstokenError, StoreError, UsageError
from mstoken.foreign import class_name_of, text_of, without_frames
from mstoken.forks import ForkSafe
from mstoken.hidden import HiddenBytes, HiddenText
from mstoken.stores.digests import digest_of
from mstoken.typed import TYPE_CHECKING, Any, TypeVar
from mstoken.urls import check_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis import Redis

    from mstoken.stores.cipher import Cipher

T = TypeVar("T")

SCHEMES = ("redis", "rediss", "unix")
PREFIX = "mstoken:1:"
"""Of every name; for the server's access list: `~mstoken:*`."""
CONNECT_TIMEOUT_IN, RESPONSE_TIMEOUT_IN = 1.0, 2.0
"""Seconds a connection and an answer may take: a token from the service itself takes less than a slow Redis."""
UNAVAILABLE_IN = 2.0
"""Seconds after a failure in which the server counts as away and is not asked."""
_FAILED = "Redis at {} cannot be used: {}."

_SWAP = """
local held = redis.call('GET', KEYS[1])
if (held or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
return 1
"""
_EXTEND = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"


class RedisConnection(ForkSafe):
    """One server, by URL: `redis://[[user]:password@]host[:port][/db]`, `rediss://` for TLS, `unix://path`.

    It connects at the first use. Threads and forked children may share it. `key` (32 bytes) encrypts the entries. Its
    repr shows neither URL nor key. Raises UsageError for an invalid URL.
    """

    def __init__(self, url: str, key: bytes) -> None:
        self._url = url = HiddenText(url)
        self._key = key = HiddenBytes(key)
        self.address = _address_of(url)
        self._redis: Redis | None = None
        self._cipher: Cipher | None = None
        super().__init__()
        self._unavailable_until = float("-inf")
        self._last_error = ""

    def __repr__(self) -> str:
        return f"RedisConnection({getattr(self, 'address', '')!r})"

    def cipher(self) -> Cipher:
        if self._cipher is None:
            from mstoken.stores.cipher import Cipher

            self._cipher = Cipher(self._key)
        return self._cipher

    def get(self, name: str) -> bytes | None:
        return _bytes(self._run(lambda redis: redis.get(name)))

    def put(self, name: str, value: bytes, life_in: int) -> None:
        """Store `value` for this many seconds."""
        self._run(lambda redis: redis.set(name, value, ex=life_in))

    def delete(self, *names: str) -> int:
        """Delete the entries and return how many there were."""
        return int(self._run(lambda redis: redis.unlink(*names))) if names else 0

    def swap(self, name: str, old: bytes, new: bytes) -> bool:
        """Store `new` if the entry is `old` (b"" for no entry), atomically. The entry does not expire."""
        return bool(self._run(lambda redis: redis.eval(_SWAP, 1, name, old, new)))

    def set_if_absent(self, name: str, owner: str, life_in: float) -> bool:
        """Write `mark` for this many seconds if there is no entry; return False if there is one."""
        return bool(self._run(lambda redis: redis.set(name, owner, px=int(life_in * 1000), nx=True)))

    def extend(self, name: str, owner: str, life_in: float) -> bool:
        """Extend the expiry of `mark` by this many seconds, if it is still there."""
        return bool(self._run(lambda redis: redis.eval(_EXTEND, 1, name, owner, str(int(life_in * 1000)))))

    def list_keys(self, kind: str) -> list[str]:
        """Return the names of all entries of one kind. Scans the whole database in parts."""

        def scan(redis: Redis) -> list[str]:
            found: Iterator[bytes] = redis.scan_iter(match=f"{PREFIX}{kind}:*", count=1000)
            return sorted({name.decode("ascii", "replace") for name in found})

        found: list[str] = self._run(scan)
        return found

    def _run(self, call: Callable[[Redis], Any]) -> Any:
        if time.monotonic() < self._unavailable_until:
            raise StoreError(self._last_error, "The server is tried again in a moment.")
        redis = self._connected()
        from redis.exceptions import ConnectionError as RedisConnectionError
        from redis.exceptions import TimeoutError as RedisTimeoutError

        try:
            return call(redis)
        except Exception as error:
            if isinstance(error, MstokenError):
                raise
            # Without the frames of redis, which hold the password.
            message, cause = _FAILED.format(self.address, text_of(error) or class_name_of(error)), without_frames(error)
            # If it answered with another error, it is there and may well do something else.
            if isinstance(error, RedisConnectionError | RedisTimeoutError):
                self._last_error, self._unavailable_until = message, time.monotonic() + UNAVAILABLE_IN
        raise StoreError(message, "Check that the server runs, its address, user, password, rights and TLS.") from cause

    def _connected(self) -> Redis:
        with self._lock:
            if self._redis is None:
                self._redis = _client(self._url)
            return self._redis


def redis_key(kind: str, key: str) -> str:
    """Return the name of an entry of one kind: a digest, because keys may contain user names."""
    return f"{PREFIX}{kind}:{digest_of(key)}"


def _client(url: str) -> Redis:
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise UsageError("Storing tokens in Redis needs the package redis.", "pip install 'mstoken[redis]'") from None
    try:
        # One retry: a server that was restarted has closed the connection we still hold.
        client: Redis = Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_TIMEOUT_IN,
            socket_timeout=RESPONSE_TIMEOUT_IN,
            retry=Retry(NoBackoff(), 1),
        )
        pool = client.connection_pool
        pool.connection_kwargs |= {"decode_responses": False, "encoding": "utf-8"}  # what is sealed is no text
        pool.connection_class(**pool.connection_kwargs)  # knows every parameter?
    except Exception as error:
        if isinstance(error, MstokenError):
            raise
        cause = without_frames(error)
    else:
        return client
    # Not within `except`: the frames of redis, which hold the password, would hang on to the error.
    raise _bad_url() from cause


def _address_of(url: str) -> str:
    """Return host, port and database of the URL, without user and password. Raises UsageError."""
    check_url(url, "The URL of the store")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad_url() from None
    host = parts.hostname or ""
    if parts.scheme not in SCHEMES or not (host or (parts.scheme == "unix" and parts.path)):
        raise _bad_url()
    if parts.scheme != "unix" and ("@" in parts.query or not re.fullmatch(r"/?|/[0-9]{1,5}", parts.path)):
        raise UsageError(
            "The URL of the store has a path that is not the number of a database.",
            "Write redis://host:6379/0. In a password, write %2F for / and %3F for ?.",
        )
    return (f"{host}:{port}" if port else host) + parts.path.rstrip("/")


def _bad_url() -> UsageError:
    return UsageError(
        "The store is not the URL of a Redis server.",
        "Write redis://host:6379, rediss://user:password@host:6380/0 for TLS, or unix:///path/of/socket.",
    )


def _bytes(value: object) -> bytes | None:
    return value if isinstance(value, bytes) else None
