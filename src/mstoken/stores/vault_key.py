"""The vault's key: from the environment, else the system's keyring, else a file beside the vault.

The vault records which source it used, so that a lost keyring and a wrong key have different errors, and no new key is
created for a vault that is already encrypted.
"""

from __future__ import annotations

import binascii
import os
import threading
from base64 import b64decode, b64encode

from mstoken.errors import StoreError
from mstoken.hidden import HiddenBytes, HiddenText
from mstoken.messages import warn
from mstoken.stores import user_folders
from mstoken.stores.cipher import KEY_BYTES
from mstoken.typed import TYPE_CHECKING
from mstoken.values import field, value

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLE = "MSTOKEN_VAULT_KEY"
KEYRING_SERVICE = "mstoken"
KEYRING_TIMEOUT_IN = 20.0
"""Seconds a keyring may take: it may ask a person for a password, and on a broken desktop it never answers."""

ENVIRONMENT, KEYRING, FILE = "environment", "keyring", "file"


@value
class VaultKey:
    """A key and its source. `name` distinguishes the keys of one source: the keyring's entry."""

    value: bytes = field(secret=True)
    source: str
    name: str = ""

    def __str__(self) -> str:
        return describe(self.source)


def describe(source: str) -> str:
    """The source's description for messages."""
    words = {ENVIRONMENT: f"the variable {VARIABLE}", KEYRING: "the system's keyring", FILE: "the key file beside it"}
    return words.get(source, source)


def existing_key(source: str, name: str, path: str) -> VaultKey:
    """Return the key of an existing vault: from the environment if it is set there, else from the recorded source.

    `path` is that of the key file. Raises StoreError if the key is missing.
    """
    if key := _from_environment():
        return key
    value: bytes | None = None
    if source == KEYRING:
        value = _from_keyring(name)
    elif source == FILE:
        value = _from_file(path)
    if value is None:
        raise StoreError(
            f"The vault was encrypted with a key from {describe(source)}, which is not available any more.",
            f"Restore the key ({_recovery_hint(source, path)}), or set {VARIABLE} to the key in base64.",
        )
    return VaultKey(value, source, name)


def new_key(path: str) -> VaultKey:
    """Return a new key for a vault that has none, stored where `existing_key` finds it. Raises StoreError."""
    if key := _from_environment():
        return key
    return _new_in_keyring() or _new_in_file(path)


def _recovery_hint(source: str, path: str) -> str:
    if source == KEYRING:
        return "unlock the keyring, or sign in to the desktop it belongs to"
    return f"restore {path} from a backup" if source == FILE else "set the variable again"


def _from_environment() -> VaultKey | None:
    text = HiddenText(os.environ.get(VARIABLE, ""))
    if not text:
        return None
    value = decode_key(text)
    if value is None:
        raise StoreError(
            f"{VARIABLE} is not the base64 of {KEY_BYTES} bytes.", f"Create one: openssl rand -base64 {KEY_BYTES}"
        )
    return VaultKey(value, ENVIRONMENT)


def _from_file(path: str) -> bytes | None:
    if not user_folders.check_file(path):
        return None
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123
            value = decode_key(file.read())
    except (OSError, ValueError):
        value = None
    if value is None:
        raise StoreError(f"The key file {path} contains no key.", "Restore it from a backup.")
    return value


def _new_in_file(path: str) -> VaultKey:
    value = HiddenBytes(os.urandom(KEY_BYTES))
    try:
        made = user_folders.write_new(path, b64encode(value) + b"\n")
    except OSError as error:
        raise StoreError(
            f"The vault's key cannot be written to {path}: {error.strerror}.",
            f"Free some space, or set {user_folders.ROOT_VARIABLE} to a folder you can write to.",
        ) from None
    if not made:  # another process was first, or one was killed before it had made the vault
        found = _from_file(path)
        if found is None:
            raise StoreError(f"The key file {path} was removed at the same time.", "Try again.")
        return VaultKey(found, FILE)
    warn(
        f"No keyring is available: the vault's key is stored in {path} (mode 0600). Anybody who can read that file and "
        f"the vault beside it can read the refresh tokens; set {VARIABLE} to store the key elsewhere."
    )
    return VaultKey(value, FILE)


def _from_keyring(name: str) -> bytes | None:
    def get() -> str | None:
        import keyring

        return keyring.get_password(KEYRING_SERVICE, name)

    text = _with_timeout(get)
    return decode_key(text) if isinstance(text, str) else None


def _new_in_keyring() -> VaultKey | None:
    value = HiddenBytes(os.urandom(KEY_BYTES))
    name = f"vault {os.urandom(8).hex()}"

    def store() -> str | None:
        import keyring

        if not _usable(keyring.get_keyring()):
            return None
        keyring.set_password(KEYRING_SERVICE, name, b64encode(value).decode())
        return keyring.get_password(KEYRING_SERVICE, name)

    text = _with_timeout(store)
    return VaultKey(value, KEYRING, name) if isinstance(text, str) and decode_key(text) == value else None


_STORE_NOTHING = ("mstoken.", "artifacts_keyring")
"""Modules of backends that only answer for package feeds, with a priority above every other."""


def _usable(backend: object) -> bool:
    """Return whether the backend protects secrets: a priority below 1 means no keyring, or one without protection.

    keyring's chain has the highest priority, and stores a secret in the first of its backends that stores any.
    """
    chained = getattr(backend, "backends", None)
    if isinstance(chained, list):
        storing = [one for one in chained if not type(one).__module__.startswith(_STORE_NOTHING)]
        return bool(storing) and _usable(storing[0])
    try:
        priority = float(getattr(backend, "priority", 0))
    except Exception:  # noqa: BLE001 - backends of others: some raise to say that they cannot be used
        return False
    module = type(backend).__module__
    return priority >= 1 and ".null" not in module and not module.startswith(_STORE_NOTHING)


def _with_timeout(call: Callable[[], object]) -> object:
    """Return the keyring's result; None if it fails, is not installed, or takes too long."""
    answers: list[object] = []
    ended: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(call())
        except Exception:  # noqa: BLE001 - keyring backends raise what they like; all of it means no keyring
            answers.append(None)
        except BaseException as end:  # noqa: BLE001 - the end of the process is raised in the caller's thread
            ended.append(end)

    thread = threading.Thread(target=run, name="mstoken-keyring", daemon=True)
    thread.start()
    thread.join(KEYRING_TIMEOUT_IN)
    if ended:
        raise ended[0]
    return answers[0] if answers else None


def decode_key(text: str) -> bytes | None:
    """Return the key from its base64; None if that is not a key."""
    try:
        value = b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if len(value) == KEY_BYTES else None
