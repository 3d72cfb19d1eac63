"""The locations of configuration, tokens and sign-ins on this machine, for people to read."""

from __future__ import annotations

import os

from mstoken.config import profiles
from mstoken.config.folder import config_file
from mstoken.errors import MstokenError
from mstoken.stores import user_folders
from mstoken.typed import TYPE_CHECKING
from mstoken.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping


@value
class Location:
    """One location: what it stores, its path, and remarks."""

    what: str
    path: str
    state: str


def locations(environ: Mapping[str, str]) -> tuple[Location, ...]:
    """Return the three locations. Decrypts no secret and creates nothing."""
    tokens, vault = user_folders.token_folder(), user_folders.vault_folder()
    return (
        Location("configuration", config_file(environ), _configuration(environ)),
        Location("access tokens", tokens, _folder(tokens)),
        Location("sign-ins", vault, _folder(vault)),
    )


def _configuration(environ: Mapping[str, str]) -> str:
    try:
        names = profiles.names(environ)
    except MstokenError as error:
        return error.message
    if not os.path.exists(config_file(environ)):  # noqa: PTH110 - as in the rest of these files
        return "not there"
    return f"profiles: {', '.join(names)}" if names else "it contains no profiles"


def _folder(path: str) -> str:
    if not path:
        return "none: the user has no home folder"
    try:
        found = user_folders.check_folder(path)
    except MstokenError as error:
        return error.message
    if not found:
        return "created when needed"
    return "in memory" if user_folders.is_in_memory(path) else "on disk"
