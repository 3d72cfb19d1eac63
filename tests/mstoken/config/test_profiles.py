"""Profiles: read with care, refused with a reason."""

from __future__ import annotations

import contextlib
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.home import Home

from mstoken import UsageError
from mstoken.config.profiles import find, load, names

SECRET = "Qx8~not.a.real.secret~Qx8"


def refused(home: Home, text: str, name: str = "work") -> UsageError:
    home.write(text)
    with pytest.raises(UsageError) as raised:
        load(name, home.environ)
    assert raised.value.remedy
    return raised.value


@pytest.mark.parametrize("place", ["/dev/null", "/nonexistent"])
def test_a_missing_home_folder_has_no_profiles(place: str) -> None:
    """Users of services have such homes; who they are is said by the environment."""
    assert names({"HOME": place}) == ()
    assert find("default", {"MSTOKEN_CONFIG_DIR": place}) is None


def test_a_profile_has_all_its_settings(home: Home) -> None:
    """Every documented key is read; secrets stay references."""
    home.write("""
[profile.work]
tenant = "t"
client_id = "c"
client_secret = "env:S"
refresh_token = "file:r"
account = "a"
cloud = "usgov"
authority = "login.microsoftonline.us"
single_use = true
""")
    profile = load("work", home.environ)
    assert profile.values == {
        "tenant": "t",
        "client_id": "c",
        "client_secret": "env:S",
        "refresh_token": "file:r",
        "account": "a",
        "cloud": "usgov",
        "authority": "login.microsoftonline.us",
    }
    assert profile.single_use


def test_without_a_file_there_is_no_profile(home: Home) -> None:
    """Without a file there is no profile and no error until one is named."""
    assert (find("default", home.environ), names(home.environ)) == (None, ())


@pytest.mark.parametrize("key", ["client_secret", "refresh_token"])
def test_a_literal_secret_is_refused_and_not_repeated(home: Home, key: str) -> None:
    """The error says how to reference a secret and never shows the one it found."""
    error = refused(home, f'[profile.work]\ntenant = "t"\n{key} = "{SECRET}"\n')
    assert SECRET not in str(error)
    assert "env:NAME" in error.remedy


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[profile.work]\ntennant = "t"\n', "Did you mean tenant?"),
        ('[profiles.work]\ntenant = "t"\n', "Did you mean profile?"),
        ('[profile.work]\ntenant = "t\n', "line 2"),
        ("[profile.work]\ntenant = 7\n", 'tenant = "…"'),
        ('[profile.work]\nsingle_use = "yes"\n', "single_use = true"),
        ("profile = 3\n", "[profile.work]"),
        ('tenant = "t"\n', "[profile.default]"),
        ("[profile]\nwork = 3\n", "[profile.work]"),
        ('[profile.wrok]\ntenant = "t"\n', "Did you mean wrok?"),
        ('[profile.work]\nauthority = "a.b"\ntoken_endpoint = "https://a.b/t"\n', "Keep the one"),
    ],
)
def test_a_mistake_is_reported_with_its_location(home: Home, text: str, said: str) -> None:
    """Unknown keys get the nearest known one, broken TOML its line, wrong types the right form; the file is named."""
    error = refused(home, text)
    assert said in str(error)
    assert str(home.file) in str(error)


def test_a_mistake_in_another_profile_has_no_effect(home: Home) -> None:
    """Only the profile that is used is judged."""
    home.write('[profile.other]\nbroken = 1\n[profile.work]\ntenant = "t"\n')
    assert load("work", home.environ).values == {"tenant": "t"}


@pytest.mark.parametrize(
    ("mode", "content", "why"),
    [
        (0o620, 'tenant = "t"', "write"),
        (0o602, 'tenant = "t"', "write"),
        (0o604, 'client_secret = "command:pass show x"', "every user can read it"),
    ],
)
def test_a_file_that_others_can_change_is_refused(home: Home, mode: int, content: str, why: str) -> None:
    """Whoever can write the file chooses where secrets go and what runs; the remedy is the chmod to type."""
    home.write(f"[profile.work]\n{content}\n", mode)
    with pytest.raises(UsageError, match=why) as raised:
        load("work", home.environ)
    assert raised.value.remedy.startswith("chmod 600 ")


def test_a_world_readable_file_is_accepted_without_commands(home: Home) -> None:
    """The usual mode of a file made by hand is accepted: references are no secrets."""
    home.write('[profile.work]\nclient_secret = "env:S"\n', 0o644)
    assert load("work", home.environ).values == {"client_secret": "env:S"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(home: Home) -> None:
    """Another user could change it at any time."""
    home.write('[profile.work]\ntenant = "t"\n')
    os.chown(home.file, 12345, -1)
    with pytest.raises(UsageError, match="belongs to another user"):
        load("work", home.environ)


@pytest.mark.parametrize("content", [b"\xff\x00", b"\xff\xfe\x00", b"x" * 1_000_001])
def test_an_invalid_file_is_refused(home: Home, content: bytes) -> None:
    """Binary and huge files are refused in words."""
    home.file.write_bytes(content)
    with pytest.raises(UsageError):
        find("work", home.environ)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_of_windows_editors_is_read(home: Home, encoding: str, end: str) -> None:
    """A byte order mark, UTF-16 and CR LF, as Windows' programs write them, are no part of the settings."""
    home.file.write_bytes(f'[profile.work]{end}tenant = "t"{end}'.encode(encoding))
    home.file.chmod(0o600)
    assert load("work", home.environ).values == {"tenant": "t"}


def test_a_pipe_in_place_of_the_file_does_not_block(home: Home) -> None:
    """A pipe that nobody writes to must not stop every command."""
    os.mkfifo(home.file)
    with pytest.raises(UsageError, match="not a regular file"):
        find("work", home.environ)


def test_a_folder_in_place_of_the_file_is_refused(home: Home) -> None:
    """A folder where the file should be is an error in words."""
    home.file.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        find("work", home.environ)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200))
def test_any_text_is_loaded_or_refused_with_a_message(home: Home, text: str) -> None:
    """Whatever stands in the file, reading gives profiles or a UsageError, nothing else."""
    try:
        home.file.write_bytes(text.encode())
    except UnicodeEncodeError:
        return
    home.file.chmod(0o600)
    with contextlib.suppress(UsageError):
        assert find("work", home.environ) is None or "work" in text


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('managed_identity = "system"\nclient_secret = "env:S"', "managed_identity and client_secret"),
        ('managed_identity = "system"\nagent = "a"', "managed_identity and agent"),
        ('managed_identity = "system"\nuser_assertion = "env:A"', "managed_identity and user_assertion"),
        ('agent = "a"\naccount = "work"', "agent and account"),
        ('fmi_path = "/a"\nrefresh_token = "env:R"', "fmi_path and refresh_token"),
        ('agent_user = "a@b.example"\nusername = "c@d.example"', "agent_user and username"),
    ],
)
def test_a_profile_that_is_two_identities_is_refused(home: Home, content: str, named: str) -> None:
    """Otherwise one of them would be overlooked in silence, and another asked than somebody meant."""
    home.write(f"[profile.work]\n{content}\n")
    with pytest.raises(UsageError, match=f"both {named}"):
        load("work", home.environ)
