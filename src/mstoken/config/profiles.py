"""Profiles: named settings in `config.toml` of the user's configuration folder.

    [profile.work]
    tenant = "contoso.onmicrosoft.com"
    client_id = "11111111-2222-3333-4444-555555555555"
    client_secret = "keyring:mstoken/work"

The file can name a program to run and a host to send secrets to, so only its owner may be able to change it.
"""

from __future__ import annotations

import os
import stat
import sys

from mstoken.config.environment import CREDENTIALS, SECRETS
from mstoken.config.folder import config_file, config_folder
from mstoken.config.secret_references import FORMS, is_reference
from mstoken.errors import UsageError
from mstoken.hidden import ENVIRON
from mstoken.redaction import shown
from mstoken.texts import closest_match, decode_text, did_you_mean
from mstoken.typed import TYPE_CHECKING, Any
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TEXTS = (
    "tenant",
    "client_id",
    *SECRETS,
    "client_certificate",
    "client_certificate_key",
    "client_assertion",
    "client_key",
    "client_key_certificate",
    "client_algorithm",
    "agent",
    "agent_user",
    "fmi_path",
    "managed_identity",
    "developer_tool",
    "subscription",
    "username",
    "account",
    "cloud",
    "authority",
    "token_endpoint",
    "store",
)
SWITCHES = ("single_use", "send_certificate_chain")

_AGENTS = ("agent", "agent_user", "fmi_path")
_PEOPLE = ("account", "refresh_token", "username", "password")
_TOOL = ("developer_tool",)
_IDENTITY_KEYS = ("tenant", "client_id", *CREDENTIALS, "account", "username", "user_assertion", *_AGENTS)
_DETAILS = {
    "client_certificate_password": ("client_certificate",),
    "client_certificate_key": ("client_certificate",),
    "client_key_certificate": ("client_key",),
    "client_algorithm": ("client_certificate", "client_key"),
    "send_certificate_chain": ("client_certificate", "client_key"),
}
"""Settings that say more about another one. Without it they would be skipped."""

LARGEST = 1_000_000
"""Maximum size of the file in bytes: enough for thousands of profiles. A larger file is not a configuration."""


@value
class Profile:
    """One profile: its settings as text, secrets as references. Relative paths start at `folder`."""

    name: str
    folder: str
    values: Mapping[str, str]
    single_use: bool = False


def load(name: str, environ: Mapping[str, str] = ENVIRON) -> Profile:
    """Return the profile `name`. Raises UsageError if it does not exist or cannot be used."""
    found = find(name, environ)
    if found is None:
        from mstoken.shells import quoted

        known = names(environ)
        hint = f"{did_you_mean(closest_match(name, known))}The profiles are {', '.join(known)}." if known else ""
        raise UsageError(
            f"There is no profile {shown(name)!r} in {config_file(environ)}.",
            f"{hint} Write one: mstoken login --profile {quoted(name)} --tenant TENANT --client-id ID".strip(),
        )
    return found


def find(name: str, environ: Mapping[str, str] = ENVIRON) -> Profile | None:
    """Return the profile `name`, None if it does not exist. Raises UsageError for an unusable file or profile."""
    table = tables(environ).get(name)
    if table is None:
        return None
    where = f"[profile.{name}] in {config_file(environ)}"
    check_table(table, where)
    return Profile(
        name,
        config_folder(environ),
        {key: table[key].strip() for key in TEXTS if table.get(key)} | _switched_on(table),
        single_use=table.get("single_use", False),
    )


def _switched_on(table: Mapping[str, Any]) -> dict[str, str]:
    """Return the switches that a variable can set too, as text."""
    return {"send_certificate_chain": "true"} if table.get("send_certificate_chain") else {}


def names(environ: Mapping[str, str] = ENVIRON) -> tuple[str, ...]:
    """Return the names of all profiles, in the file's order. Raises UsageError for a file that cannot be used."""
    return tuple(tables(environ))


def looked_at(profile: Profile | None, environ: Mapping[str, str]) -> str:
    """Return, for a message, the place where profiles are looked for and what is there."""
    path = config_file(environ)
    if profile is not None:
        return f"The profile {profile.name} in {path} was read."
    return f"There is no profile named default in {path}."


def read_text(environ: Mapping[str, str] = ENVIRON) -> str:
    """Return the file's text; '' if there is no file. Raises UsageError if it is not safe or not readable."""
    path = config_file(environ)
    try:
        with open(path, "rb", opener=_at_once) as file:
            status = os.fstat(file.fileno())
            content = file.read(LARGEST + 1) if stat.S_ISREG(status.st_mode) else b""
    except (FileNotFoundError, NotADirectoryError):  # the latter for users whose home is /dev/null
        return ""
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Correct its mode or owner.") from None
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path} is not a regular file.", "Put a file there, or set MSTOKEN_CONFIG_DIR.")
    if len(content) > LARGEST:
        raise UsageError(f"{path} is too large for a configuration.", "Check whether it is the right file.")
    try:
        text = decode_text(content)
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from None
    _refuse_unsafe(path, status, text)
    return text


def _at_once(path: str, flags: int) -> int:
    """Open without blocking, in case the file is a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _close(path: str) -> str:
    """Return the command that removes other users' access to the file."""
    from mstoken.shells import quoted

    return f"chmod 600 {quoted(path)}"


def _refuse_unsafe(path: str, status: os.stat_result, text: str) -> None:
    """Refuse a file that others can change. Windows protects a user's profile folder; elsewhere, check POSIX modes."""
    if sys.platform == "win32":
        return
    if status.st_uid not in {0, os.getuid()}:
        raise UsageError(
            f"{path} belongs to another user, who could change where your secrets go.",
            "Use a configuration of your own: set MSTOKEN_CONFIG_DIR.",
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(
            f"Users other than the owner can write to {path}, and so change where your secrets go.", _close(path)
        )
    if status.st_mode & stat.S_IROTH and "command:" in text:
        raise UsageError(f"{path} names commands that print secrets, and every user can read it.", _close(path))


def tables(environ: Mapping[str, str] = ENVIRON) -> Mapping[str, Any]:
    """Return every profile's table as the file has it, unchecked. Raises UsageError for a file that cannot be used."""
    path = config_file(environ)
    text = read_text(environ)
    if not text:
        return {}
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}", "Correct that line; toml.io describes the format.") from None
    if stray := next((key for key in document if key in TEXTS or key in SWITCHES), ""):
        raise UsageError(f"{stray} of {path} is outside any profile.", "Put a line like [profile.default] above it.")
    _only_known(document, ("profile",), path)
    found = document.get("profile", {})
    if not isinstance(found, dict) or not all(isinstance(table, dict) for table in found.values()):
        raise UsageError(f"In {path} a profile is not a table.", "Begin each profile with a line like [profile.work].")
    return found


def check_table(table: Mapping[str, Any], where: str) -> None:
    """Raise UsageError for settings that are unknown, of another type, or exclude each other; `where` is the table."""
    _only_known(table, (*TEXTS, *SWITCHES), where)
    for key, setting in table.items():
        if key in SWITCHES and not isinstance(setting, bool):
            raise UsageError(f"{key} of {where} is neither true nor false.", f"Write {key} = true")
        if key in TEXTS and not isinstance(setting, str):
            raise UsageError(f"{key} of {where} is not text.", f'Put it in quotes: {key} = "…"')
        if key in SECRETS and setting and not is_reference(setting):
            raise UsageError(
                f"{key} of {where} is the secret itself, or an unknown reference. A secret does not belong there.",
                f"Write where it is: {FORMS}. If it was the secret, replace the secret with a new one.",
            )
    if not is_reference(store := table.get("store", "")) and "@" in store:
        raise UsageError(
            f"store of {where} contains a user name or a password, which do not belong there.",
            f"Write where the URL is: {FORMS}; or set MSTOKEN_STORE.",
        )
    for key, owners in _DETAILS.items():
        if table.get(key) and not any(table.get(owner) for owner in owners):
            raise UsageError(
                f"{key} of {where} needs {' or '.join(owners)}, which is not set.", f"Set it, or remove {key}."
            )
    _only_one(table, ("managed_identity",), _IDENTITY_KEYS, where, "a managed identity is complete by itself")
    _only_one(
        table, _TOOL, (*_IDENTITY_KEYS[1:], "managed_identity"), where, "a developer tool has a sign-in of its own"
    )
    if table.get("subscription") and not table.get("developer_tool"):
        raise UsageError(f"{where} has a subscription without developer_tool.", 'Add developer_tool = "azure-cli".')
    _only_one(
        table, _AGENTS, _PEOPLE, where, "an agent authenticates through an application and does not sign in as a user"
    )
    if table.get("authority") and table.get("token_endpoint"):
        raise UsageError(f"{where} has both authority and token_endpoint.", "Keep the one you mean.")


def _only_one(
    table: Mapping[str, Any], ones: tuple[str, ...], others: tuple[str, ...], where: str, reason: str
) -> None:
    first, other = (next((key for key in keys if table.get(key)), "") for keys in (ones, others))
    if first and other:
        raise UsageError(f"{where} has both {first} and {other}.", f"Keep the one you mean: {reason}.")


def _only_known(table: Iterable[str], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(
                f"{key!r} is not a setting of {where}.",
                f"{did_you_mean(closest_match(key, known))}The settings are {', '.join(known)}.",
            )
