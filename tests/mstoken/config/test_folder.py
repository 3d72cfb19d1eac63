"""Where the configuration is."""

from __future__ import annotations

import sys

import pytest

from mstoken.config.folder import config_file

pytestmark = pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="the XDG rules are those of other systems")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"MSTOKEN_CONFIG_DIR": "/c", "XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/c/config.toml"),
        ({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/mstoken/config.toml"),
        ({"XDG_CONFIG_HOME": "relative", "HOME": "/h"}, "/h/.config/mstoken/config.toml"),
        ({"HOME": "/h"}, "/h/.config/mstoken/config.toml"),
    ],
)
def test_the_file_is_in_the_config_folder(environ: dict[str, str], expected: str) -> None:
    """MSTOKEN_CONFIG_DIR, then XDG_CONFIG_HOME unless it is relative, then ~/.config."""
    assert config_file(environ) == expected


def test_the_config_folder_is_that_of_platformdirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule written out for speed gives what platformdirs gives."""
    from platformdirs import user_config_dir

    for base in ("", "/somewhere"):
        monkeypatch.setenv("XDG_CONFIG_HOME", base)
        monkeypatch.setenv("HOME", "/home/somebody")
        environ = {"XDG_CONFIG_HOME": base, "HOME": "/home/somebody"}
        assert config_file(environ) == f"{user_config_dir('mstoken')}/config.toml"
