"""The user's configuration folder. It is on the path of a cached token, so it imports almost nothing."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NO_HOME = "/nonexistent"
"""The home folder of users without one, by convention (adduser(8))."""


def config_folder(environ: Mapping[str, str]) -> str:
    """Return MSTOKEN_CONFIG_DIR, else the platform's folder for a user's configuration (on Linux XDG_CONFIG_HOME).

    Source: specifications.freedesktop.org/basedir-spec, which says to ignore a relative path in that variable.
    """
    if chosen := environ.get("MSTOKEN_CONFIG_DIR"):
        return chosen
    if sys.platform in {"win32", "darwin"}:
        from platformdirs import user_config_dir

        return user_config_dir("mstoken", appauthor=False, roaming=True)
    base = environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):
        home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - pathlib costs more than the whole lookup
        # An unknown user id has no home, and `~` would be a folder in the working folder.
        base = f"{home}/.config" if home.startswith("/") else NO_HOME
    return f"{base}/mstoken"


def config_file(environ: Mapping[str, str]) -> str:
    """Return the path of `config.toml`, whether or not it exists."""
    return f"{config_folder(environ)}/config.toml"
