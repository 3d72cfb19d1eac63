"""Where the user's configuration is. On the path of a cached token, so it imports next to nothing."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NO_HOME = "/nonexistent"
"""The home of users who have none, by convention (adduser(8))."""


def config_folder(environ: Mapping[str, str]) -> str:
    """MSTOKEN_CONFIG_DIR, else the platform's place for a user's configuration (on Linux XDG_CONFIG_HOME).

    Source: specifications.freedesktop.org/basedir-spec, which says that a relative path there is to be ignored.
    """
    if chosen := environ.get("MSTOKEN_CONFIG_DIR"):
        return chosen
    if sys.platform in {"win32", "darwin"}:
        from platformdirs import user_config_dir

        return user_config_dir("mstoken", appauthor=False, roaming=True)
    base = environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):
        home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111 - pathlib costs more than the whole lookup
        # A user id that is nobody's has no home, and a folder called ~ in the working folder is none.
        base = f"{home}/.config" if home.startswith("/") else NO_HOME
    return f"{base}/mstoken"


def config_file(environ: Mapping[str, str]) -> str:
    """The path of `config.toml`, whether or not it exists."""
    return f"{config_folder(environ)}/config.toml"
