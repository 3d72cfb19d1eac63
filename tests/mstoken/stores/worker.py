"""What the processes of these tests do: `python worker.py TASK ARGUMENT…`. Answers on standard output."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.locks import locked

from mstoken.config.folder import config_file
from mstoken.errors import StoreError
from mstoken.flows.store_port import TokenInfo
from mstoken.model import StoredRefreshToken, Token
from mstoken.stores import user_folders
from mstoken.stores.cipher import Cipher
from mstoken.stores.folder_access_tokens import FolderAccessTokens
from mstoken.stores.locks import try_lock
from mstoken.stores.redis_access_tokens import RedisAccessTokens
from mstoken.stores.redis_connection import RedisConnection
from mstoken.stores.user_stores import user_stores
from mstoken.stores.vault import Vault

FAR = 4_000_000_000
ACCOUNT = "account:anna"
NOBODY = 65534
REDIS_KEY = b"\x07" * 32
LEAST = 12
"""How often a thing is done however little time a loaded machine gives."""


def key_of(worker: int, number: int) -> str:
    return f"{worker:08x}{number:032x}"


def _wait_for_the_others() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def write_and_read(folder: str, seconds: str, worker: str) -> None:
    """Keep tokens of one's own, look for earlier ones after each, and print how many were kept and how many missed."""
    _wait_for_the_others()
    store, until, number, missed = FolderAccessTokens(folder), time.monotonic() + float(seconds), 0, 0
    while time.monotonic() < until or number < LEAST:
        store.save(key_of(int(worker), number), Token(f"t{number}", FAR))
        number += 1
        for earlier in [random.randrange(number), number - 1]:  # noqa: S311
            kept = store.load(key_of(int(worker), earlier))
            missed += kept is None or kept.token != f"t{earlier}"
    sys.stdout.write(f"{number} {missed}\n")


def overwrite(folder: str, key: str, seconds: str) -> None:
    """Rewrite one token over and over, long and short, and print how often."""
    store, until, number = FolderAccessTokens(folder), time.monotonic() + float(seconds), 0
    while time.monotonic() < until or number < LEAST:
        store.save(key, Token("x" * random.choice([10, 3000, 20000]), FAR))  # noqa: S311
        number += 1
    sys.stdout.write(f"{number}\n")


def take_turns(folder: str, key: str, mark: str, turns: str, _worker: str) -> None:
    """Take turns, leaving a mark while in it; print how often somebody else's mark was there."""
    _take_turns(FolderAccessTokens(folder), key, mark, turns)


def take_turns_on_redis(url: str, key: str, mark: str, turns: str, _worker: str) -> None:
    """The same at a Redis server."""
    _take_turns(RedisAccessTokens(RedisConnection(url, REDIS_KEY)), key, mark, turns)


def _take_turns(store: FolderAccessTokens | RedisAccessTokens, key: str, mark: str, turns: str) -> None:
    _wait_for_the_others()
    met = 0
    for _ in range(int(turns)):
        with locked(store, key):
            try:
                os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                met += 1
                continue
            time.sleep(0.003)
            Path(mark).unlink()
    sys.stdout.write(f"{met}\n")


def grab(path: str, mark: str, seconds: str, _worker: str) -> None:
    """Take and give back a lock as fast as can be; print how often, and how often somebody else was in it too."""
    _wait_for_the_others()
    until, taken, met = time.monotonic() + float(seconds), 0, 0
    while time.monotonic() < until or taken < LEAST:
        release = try_lock(path)
        if release is None:
            continue
        taken += 1
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
            Path(mark).unlink()
        except FileExistsError:
            met += 1
        release()
    sys.stdout.write(f"{taken} {met}\n")


def hold(folder: str, key: str) -> None:
    """Take a turn and never give it back."""
    with locked(FolderAccessTokens(folder), key):
        sys.stdout.write("held\n")
        sys.stdout.flush()
        time.sleep(600)


def hold_on_redis(url: str, key: str, lease: str) -> None:
    """Take a turn at a Redis server and never give it back."""
    with locked(RedisAccessTokens(RedisConnection(url, REDIS_KEY), float(lease)), key):
        sys.stdout.write("held\n")
        sys.stdout.flush()
        time.sleep(600)


def hold_with_child(folder: str, key: str) -> None:
    """Take a turn, fork a child that leaves the block and lives on, and give the turn back when told to."""
    reader, writer = os.pipe()
    with locked(FolderAccessTokens(folder), key):
        child = os.fork()
        if child:
            os.close(writer)
            assert os.read(reader, 1) == b"."  # the child has left its block
            sys.stdout.write(f"{child}\n")
            sys.stdout.flush()
            sys.stdin.readline()
    if not child:
        os.write(writer, b".")
        sys.stdout.close()
        time.sleep(600)
    sys.stdout.write("done\n")
    sys.stdout.flush()
    sys.stdin.read()


def kept_when_full(folder: str) -> None:
    """Save where no file may grow, and print what this process then loads."""
    store = FolderAccessTokens(folder)
    store.save("0a", Token("before", FAR))
    _let_files_grow_to(20)
    store.save("0a", Token("after", FAR + 1))
    store.save("0b", Token("another", FAR))
    names = sorted(path.name for path in Path(folder).iterdir())
    sys.stdout.write(f"{_loaded(store, '0a')} {_loaded(store, '0b')} {names}\n")


def vault_when_full(folder: str) -> None:
    """Renew where no file may grow, then where it may again, and print what the vault says and holds."""
    vault = Vault(folder)
    vault.put(ACCOUNT, "r0", TokenInfo())
    _let_files_grow_to(20)
    said = _said_by(lambda: vault.replace(ACCOUNT, "r0", "r1"))
    _let_files_grow_to(resource.RLIM_INFINITY)
    sys.stdout.write(f"{vault.load(ACCOUNT) == StoredRefreshToken('r0')} {said}\n")
    vault.replace(ACCOUNT, "r0", "r2")
    sys.stdout.write(f"{vault.load(ACCOUNT) == StoredRefreshToken('r2', 'r0')}\n")


def read_only(folder: str) -> None:
    """Keep something, lose the right to write, and print what can still be done."""
    _fill_in(folder)
    for path in [*Path(folder).rglob("*"), Path(folder)]:
        path.chmod(0o500 if path.is_dir() else 0o400)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    tokens, vault = FolderAccessTokens(f"{folder}/tokens", lambda: Cipher(b"k" * 32)), Vault(f"{folder}/vault")
    tokens.save("0b", Token("u", FAR))
    with locked(tokens, "0b"):
        sys.stdout.write(f"{_loaded(tokens, '0a')} {_loaded(tokens, '0b')}\n")
    sys.stdout.write(f"{vault.load(ACCOUNT) == StoredRefreshToken('r0')} {list(vault.list_sign_ins())}\n")
    calls: list[Callable[[], object]] = [lambda: vault.replace(ACCOUNT, "r0", "r1"), tokens.clear]
    sys.stdout.writelines(f"{_said_by(call)}\n" for call in calls)


def _fill_in(folder: str) -> None:
    """Keep something; what has to be imported for it is, while it can be read."""
    FolderAccessTokens(f"{folder}/tokens", lambda: Cipher(b"k" * 32)).save("0a", Token("t", FAR))
    Vault(f"{folder}/vault").put(ACCOUNT, "r0", TokenInfo())


def homeless(folder: str) -> None:
    """Become a user who is in no list of users, with no HOME, in `folder`; print what can be kept, and where."""
    _fill_in(f"{folder}/before")
    os.setuid(54321)
    os.chdir(folder)
    for name in ("HOME", "MSTOKEN_CACHE_DIR", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        os.environ.pop(name, None)
    stores = user_stores()
    stores.access_tokens.save("0a", Token("t", FAR))
    kept = stores.access_tokens.load("0a")
    sys.stdout.write(f"{kept.token if kept else 'nothing'}\n")
    sys.stdout.write(_said_by(lambda: stores.refresh_tokens.put(ACCOUNT, "r0", TokenInfo())) + "\n")
    sys.stdout.write(f"vault {user_folders.vault_folder()!r}\nconfiguration {config_file(os.environ)!r}\n")
    if made := user_folders.token_folder():
        shutil.rmtree(made)


def renew_until_killed(folder: str, kills: str, first: str) -> None:
    """Kill a renewing child again and again; print each time what it had said was kept, and what the vault holds.

    With `first`, each child starts with no vault at all.
    """
    for trial in range(int(kills)):
        place = f"{folder}/{trial}" if first else folder
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            _renew_for_ever(place, writer)
        os.close(writer)
        heard = b""
        while not first and len(heard.split()) < 2:  # it has renewed once: now it is at work
            heard += os.read(reader, 65536)
        time.sleep(random.random() * 0.03)  # noqa: S311
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while more := os.read(reader, 65536):
            heard += more
        os.close(reader)
        said = int(heard.split()[-1]) if heard else 0
        vault = Vault(place)
        held = vault.load(ACCOUNT)
        sys.stdout.write(f"{said} {held.current if held else '-'} {held.previous if held else '-'} ")
        last = int(held.current) if held else 0
        vault.replace(ACCOUNT, str(last), str(last + 1))
        sys.stdout.write(f"{vault.load(ACCOUNT) == StoredRefreshToken(str(last + 1), str(last))}\n")


def _renew_for_ever(folder: str, writer: int) -> None:
    vault = Vault(folder)
    held = vault.load(ACCOUNT)
    number = int(held.current) if held else 0
    os.write(writer, b"%d " % number)
    while True:
        vault.replace(ACCOUNT, str(number), str(number + 1))
        number += 1
        os.write(writer, b"%d " % number)


def renew(folder: str, old: str, new: str) -> None:
    """Renew once; print the source of the vault's key."""
    Vault(folder).replace(ACCOUNT, old, new)


def show(folder: str) -> None:
    """Print what the vault holds, or says."""
    held: list[StoredRefreshToken | None] = []
    said = _said_by(lambda: held.append(Vault(folder).load(ACCOUNT)))
    sys.stdout.write(f"{said or (held[0] and held[0].current)}\n")


def _loaded(store: FolderAccessTokens, key: str) -> str:
    kept = store.load(key)
    return kept.token if kept else "nothing"


def _said_by(call: Callable[[], object]) -> str:
    try:
        call()
    except StoreError as error:
        return str(error).replace("\n", " / ")
    return ""


def _let_files_grow_to(most: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


TASKS: dict[str, Callable[..., None]] = {
    task.__name__: task
    for task in (
        write_and_read,
        overwrite,
        take_turns,
        grab,
        hold,
        hold_on_redis,
        hold_with_child,
        take_turns_on_redis,
        kept_when_full,
        vault_when_full,
        read_only,
        homeless,
        renew_until_killed,
        renew,
        show,
    )
}

if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        TASKS[sys.argv[1]](*sys.argv[2:])
