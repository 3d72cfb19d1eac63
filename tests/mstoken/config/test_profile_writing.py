"""Writing a profile leaves everything else in the user's file as it is."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.support.home import Home

from mstoken import StoreError, UsageError
from mstoken.config.profile_writing import write_profile

FILE = """\
# my own words
[profile.first]
tenant = "one"   # why

# about work
[ profile . "work" ]
  tenant = "old"
refresh_token = "env:R"
client_secret = "keyring:mstoken/work"  # stays

# about last
[profile.last]
tenant = "three"
"""


def read(home: Home) -> dict[str, Any]:
    return dict(tomllib.loads(home.file.read_text(encoding="utf-8"))["profile"])


def test_a_first_profile_makes_the_file(home: Home) -> None:
    """The file is made, with the folder above it, for its owner alone."""
    home.folder.rmdir()
    write_profile("work", {"tenant": "t", "account": "work"}, environ=home.environ)
    assert home.file.read_text() == '[profile.work]\ntenant = "t"\naccount = "work"\n'
    assert stat.S_IMODE(home.file.stat().st_mode) == 0o600
    assert list(home.folder.iterdir()) == [home.file]


def test_only_the_one_table_changes(home: Home) -> None:
    """Comments, other profiles and other settings stay byte for byte; values change in place, new ones join them."""
    home.write(FILE)
    write_profile("work", {"tenant": "new", "account": "work"}, {"refresh_token"}, home.environ)
    expected = FILE.replace('  tenant = "old"\nrefresh_token = "env:R"\n', 'tenant = "new"\n').replace(
        "# stays\n", '# stays\naccount = "work"\n'
    )
    assert home.file.read_text() == expected


def test_a_new_profile_is_added_at_the_end(home: Home) -> None:
    """What was there is the beginning of what is there now, also where the last line had no end."""
    home.write(FILE.rstrip("\n"))
    write_profile("new.one", {"tenant": "t"}, environ=home.environ)
    assert home.file.read_text() == FILE + '\n[profile."new.one"]\ntenant = "t"\n'


@pytest.mark.parametrize(
    "text",
    [
        'profile = {work = {tenant = "old"}}\n',
        'profile.work.tenant = "old"\n',
        '[profile]\nwork.tenant = "old"\n',
        '[profile.work]\ntenant = """\nold\n"""\n',
        '[profile.other]\ntenant = """\n[profile.work]\n"""\n',
    ],
)
def test_a_file_that_cannot_be_edited_by_lines_is_not_changed(home: Home, text: str) -> None:
    """Inline tables, dotted keys and long strings are not edited: the error gives the lines to write."""
    home.write(text)
    with pytest.raises(UsageError) as raised:
        write_profile("work", {"tenant": "new"}, environ=home.environ)
    assert home.file.read_text() == text
    assert "tenant" in str(raised.value)


def test_a_linked_file_stays_a_link(home: Home) -> None:
    """People keep their configuration elsewhere and link to it."""
    real = home.folder / "real.toml"
    real.write_text("")
    real.chmod(0o600)
    home.file.symlink_to(real)
    write_profile("work", {"tenant": "t"}, environ=home.environ)
    assert home.file.is_symlink()
    assert "tenant" in real.read_text()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that even root cannot write to")
def test_a_folder_that_cannot_be_created_is_an_error() -> None:
    """The error names the file and the variable that moves it."""
    with pytest.raises(StoreError, match="/proc/nowhere") as raised:
        write_profile("work", {"tenant": "t"}, environ={"MSTOKEN_CONFIG_DIR": "/proc/nowhere"})
    assert "MSTOKEN_CONFIG_DIR" in raised.value.remedy


@pytest.mark.parametrize("name", ["", "a b", "a]b", '"', "../x", "-x", "x" * 65, "a\nb"])
def test_an_invalid_profile_name_is_refused(home: Home, name: str) -> None:
    """A profile's name stands in a file and in commands, so it is plain."""
    with pytest.raises(UsageError, match="cannot be the name"):
        write_profile(name, {"tenant": "t"}, environ=home.environ)


KEYS = st.sampled_from(["tenant", "client_id", "account", "cloud"])
TABLES = st.dictionaries(st.from_regex(r"[a-z]{1,3}", fullmatch=True), st.dictionaries(KEYS, st.text()), max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example({"a": {"tenant": "x\x85y"}}, "a", {"client_id": "c"})
@example({"a": {"account": "x\u2028y"}}, "a", {"account": "\u2029"})
@example({"a": {"tenant": "x\x0b\x1c\r"}}, "b", {"tenant": "\x0c"})
@given(TABLES, st.from_regex(r"[a-z]{1,3}", fullmatch=True), st.dictionaries(KEYS, st.text(), min_size=1))
def test_a_written_profile_is_loaded_unchanged(
    home: Home, before: dict[str, dict[str, str]], name: str, values: dict[str, str]
) -> None:
    """Any values in any order survive, and no other profile changes."""
    home.file.unlink(missing_ok=True)
    try:
        for known, table in before.items():
            write_profile(known, table, environ=home.environ)
        write_profile(name, values, environ=home.environ)
    except UnicodeEncodeError:
        return
    assert read(home) == {**before, name: {**before.get(name, {}), **values}}
