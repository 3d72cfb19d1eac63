"""The folders of the user's tokens, and whether they are private.

Access tokens are in a memory-backed folder of the user, so that none reaches a disk in clear text. Refresh tokens and
the vault's key are in the user's data folder. `MSTOKEN_CACHE_DIR` moves both below one folder. A folder that others can
write to, or a link, is refused: a token planted there would send your data to someone else.

Imports only modules that Python has loaded already, because the fast path of the command line uses this file.
"""
# pathlib costs more to import than all of this file does.
# ruff: noqa: PTH100,PTH103,PTH108,PTH111,PTH116,PTH118,PTH120,PTH123

from __future__ import annotations

import os
import sys

from mstoken.fingerprints import fingerprint_of

ROOT_VARIABLE = "MSTOKEN_CACHE_DIR"
_NAME = "mstoken"
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a folder of our own in it, made 0700 and checked
_FOLDER_BITS, _FOLDER, _FILE, _OTHERS = 0o170000, 0o040000, 0o100000, 0o077
_ON_LINUX: bool = sys.platform == "linux"
_HAS_OWNERS = hasattr(os, "geteuid")  # Windows has none: there the profile's own access list keeps others out


def token_folder() -> str:
    """Return the folder of access tokens, which may not exist yet. Never raises.

    It is the first usable one of: below MSTOKEN_CACHE_DIR; `mstoken-VAULT` in XDG_RUNTIME_DIR (XDG Base Directory
    Specification: owned by the user, mode 0700); `mstoken-UID-VAULT` in /dev/shm; beside the vault, or '' if there is
    none. VAULT identifies the vault's folder: an account's name, and the tokens of that account, belong to one vault
    only.
    """
    if root := os.environ.get(ROOT_VARIABLE):
        return os.path.join(os.path.abspath(root), "tokens")
    if _HAS_OWNERS:
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        if runtime.startswith("/") and is_private(runtime) and _usable(f"{runtime}/{_NAME}-{_vault_suffix()}"):
            return f"{runtime}/{_NAME}-{_vault_suffix()}"
        shared = f"{_SHARED_MEMORY}/{_NAME}-{os.geteuid()}-{_vault_suffix()}"
        if _usable(shared):
            return shared
    vault = vault_folder()
    return os.path.join(vault, "tokens") if vault else ""


def _vault_suffix() -> str:
    """Return a short name for this vault's folder, the same in every process."""
    return fingerprint_of(os.fsencode(vault_folder()), 8)


def vault_folder() -> str:
    """Return the folder of the vault and its key, which may not exist yet; '' if the user has no home. Never raises."""
    if root := os.environ.get(ROOT_VARIABLE):
        return os.path.join(os.path.abspath(root), "vault")
    if _ON_LINUX:  # the XDG Base Directory Specification, as platformdirs reads it
        data = os.environ.get("XDG_DATA_HOME", "")
        if not data.startswith("/"):
            data = os.path.expanduser("~/.local/share")  # stays as it is for a user id that is nobody's
        return f"{data}/{_NAME}" if data.startswith("/") else ""
    from platformdirs import user_data_dir

    return user_data_dir(_NAME, appauthor=False)


def is_private(folder: str) -> bool:
    """Return whether `folder` is a folder, not a link, owned by this user and closed to others. One system call."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return _problem_with(found, _FOLDER) == ""


def is_own(found: os.stat_result) -> bool:
    """Return whether the file belongs to this user, if the system has owners."""
    return not _HAS_OWNERS or found.st_uid == os.geteuid()


def make_private(folder: str) -> None:
    """Create `folder` (0700) and its missing parents. Raises StoreError if that fails or the folder is not private."""
    if not folder:
        raise _store_error(
            "This user has no home folder, so nothing can be stored.",
            f"Set HOME, or {ROOT_VARIABLE} to a folder you can write to.",
        )
    try:
        _make(folder)
        found = os.lstat(folder)
    except OSError as error:
        raise _store_error(
            f"The folder {folder} cannot be created: {error.strerror}.",
            f"Set {ROOT_VARIABLE} to a folder you can write to.",
        ) from None
    _require_private(folder, found, _FOLDER)


def _make(folder: str) -> None:
    """Create one level at a time: `os.makedirs` gives the parents the mode of the umask."""
    if folder and not os.path.lexists(folder):
        _make(os.path.dirname(folder))
        os.makedirs(folder, mode=0o700, exist_ok=True)


def check_folder(path: str) -> bool:
    """Return whether the folder exists. Raises StoreError if it is a link, another user's, or open to others."""
    return _check(path, _FOLDER)


def check_file(path: str) -> bool:
    """Return whether the file exists. Raises StoreError if it is a link, another user's, or open to others."""
    return _check(path, _FILE)


def _check(path: str, kind: int) -> bool:
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):  # the latter for users whose home is /dev/null
        return False
    except OSError as error:
        raise _store_error(
            f"{path} cannot be read: {error.strerror}.",
            f"Check who may enter the folders above it, or set {ROOT_VARIABLE} to a folder of your own.",
        ) from None
    _require_private(path, found, kind)
    return True


def write_new(path: str, content: bytes) -> bool:
    """Create the file (0600) with its content, durable when this returns. Return False if it exists already.

    No reader sees a partial file, and one of several writers wins, because `link` fails if the name exists. Raises
    OSError.
    """
    draft = f"{path}.{os.urandom(6).hex()}.tmp"
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            write_all(file, content)
            os.fsync(file)
        finally:
            os.close(file)
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
    _sync_folder(os.path.dirname(path))
    return True


def is_in_memory(folder: str) -> bool:
    """Return whether the folder is in memory and not on a disk, by the mount table (proc(5), mountinfo)."""
    try:
        device = os.stat(folder).st_dev
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as table:
            lines = [line.split() for line in table]
    except OSError:
        return False
    number = f"{os.major(device)}:{os.minor(device)}"
    kinds = {words[words.index("-") + 1] for words in lines if words[2] == number and "-" in words}
    return bool(kinds) and kinds <= {"tmpfs", "ramfs"}


def _usable(folder: str) -> bool:
    """Return whether the folder is private, or can be created."""
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return os.access(os.path.dirname(folder), os.W_OK | os.X_OK)
    except OSError:
        return False
    return _problem_with(found, _FOLDER) == ""


def _problem_with(found: os.stat_result, kind: int) -> str:
    """Return why the file is not private; '' if it is."""
    if found.st_mode & _FOLDER_BITS != kind:
        return "is not a folder, or is a link" if kind == _FOLDER else "is not a regular file"
    if not is_own(found):
        return "belongs to another user"
    if _HAS_OWNERS and found.st_mode & _OTHERS:
        return "is open to other users"
    return ""


def _require_private(path: str, found: os.stat_result, kind: int) -> None:
    problem = _problem_with(found, kind)
    if not problem:
        return
    if "open" in problem:
        from mstoken.shells import quoted

        remedy = f"Make sure nobody changed it, then: chmod {'700' if kind == _FOLDER else '600'} {quoted(path)}"
    else:
        remedy = f"Move it away, or set {ROOT_VARIABLE} to a folder of your own."
    raise _store_error(f"{path} {problem}; nothing is stored in it.", remedy)


def _store_error(message: str, remedy: str) -> Exception:
    from mstoken.errors import StoreError  # not on the quick path

    return StoreError(message, remedy)


def write_all(file: int, content: bytes) -> None:
    """Write everything or raise OSError: `write` may stop early if the disk is nearly full (write(2))."""
    while content:
        content = content[os.write(file, content) :]


def _sync_folder(folder: str) -> None:
    """Make a new name durable by syncing its folder (fsync(2)). Windows cannot open folders and does not need it."""
    if not _HAS_OWNERS:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
