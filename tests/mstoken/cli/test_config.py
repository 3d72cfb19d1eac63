"""`mstoken config`: profiles without an editor."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from tests.support.program import Program

SECRET = "Zq8~kJh3LmN0pQrS7tUvWxYz1234567890ab.cD"


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def written(program: Program) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = tomllib.loads((program.config / "config.toml").read_text())["profile"]
    return found


def test_path_prints_where_the_file_is(program: Program) -> None:
    """Whether or not it exists."""
    done = program("config", "path")
    assert (done.code, done.out, done.err) == (0, f"{program.config}/config.toml\n", "")


def test_set_creates_the_profile_and_get_prints_the_setting(program: Program) -> None:
    """The file belongs to its owner alone."""
    done = program("config", "set", "tenant", "contoso.com", "--profile", "work")
    path = program.config / "config.toml"
    assert (done.code, done.out) == (0, "")
    assert done.err == f"mstoken: Set tenant of the profile work in {path}.\n"
    assert path.stat().st_mode & 0o777 == 0o600
    done = program("config", "get", "tenant", "--profile", "work")
    assert (done.code, done.out, done.err) == (0, "contoso.com\n", "")


def test_without_profile_the_default_one_is_set(program: Program) -> None:
    """MSTOKEN_PROFILE names another one."""
    assert program("config", "set", "developer_tool", "azure-cli").code == 0
    assert program("config", "set", "cloud", "usgov", MSTOKEN_PROFILE="gov").code == 0
    assert written(program) == {"default": {"developer_tool": "azure-cli"}, "gov": {"cloud": "usgov"}}


def test_the_rest_of_the_file_stays_as_it_is(program: Program) -> None:
    """Comments and other profiles too; a value is replaced in its place."""
    program.profile(
        '# mine\n[profile.work]\ntenant = "a.com"  # old\nstore = "x"\n\n[profile.other]\ntenant = "b.com"\n'
    )
    assert program("config", "set", "tenant", "c.com", "--profile", "work").code == 0
    assert program("config", "unset", "store", "--profile", "work").code == 0
    text = (program.config / "config.toml").read_text()
    assert text == '# mine\n[profile.work]\ntenant = "c.com"\n\n[profile.other]\ntenant = "b.com"\n'


def test_a_switch_is_written_as_true_or_false(program: Program) -> None:
    """TOML's own type, not text."""
    assert program("config", "set", "single_use", "yes").code == 0
    assert written(program) == {"default": {"single_use": True}}
    assert program("config", "get", "single_use").out == "true\n"
    done = program("config", "set", "single_use", "maybe")
    assert (done.code, done.err.splitlines()[1]) == (2, "  next: Write single_use true")


def test_list_shows_every_profile_as_columns_and_as_json(program: Program) -> None:
    """References to secrets are shown."""
    program.profile('[profile.a]\ntenant = "a.com"\nclient_secret = "env:A"\n[profile.b]\nsingle_use = true\n')
    done = program("config", "list")
    assert done.out == "a  tenant         a.com\na  client_secret  env:A\nb  single_use     true\n"
    found = {"a": {"tenant": "a.com", "client_secret": "env:A"}, "b": {"single_use": True}}
    assert json.loads(program("config", "list", "-o", "json").out) == found
    assert json.loads(program("config", "list", "--profile", "b", "-o", "json").out) == {"b": {"single_use": True}}


def test_list_without_settings_says_how_to_set_one(program: Program) -> None:
    """Nothing on standard output."""
    done = program("config", "list")
    assert (done.code, done.out) == (0, "")
    assert "mstoken config set tenant TENANT" in done.err


@pytest.mark.parametrize("setting", ["password", "refresh_token", "client_certificate_password"])
def test_a_secret_is_not_written_and_not_repeated(program: Program, setting: str) -> None:
    """Only a reference belongs into the file."""
    done = program("config", "set", setting, SECRET)
    assert done.code == 2
    assert f"{setting} takes a reference to the secret" in done.err
    assert "keyring:" in done.err
    assert SECRET not in done.err
    assert not (program.config / "config.toml").exists()
    program.profile('[profile.default]\nclient_certificate = "app.pem"\nusername = "nadia@contoso.com"\n')
    done = program("config", "set", setting, "env:THE_SECRET")
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("tenent", "contoso.com", "Did you mean tenant?"),
        ("tenant", "not a tenant", "is not a tenant"),
        ("cloud", "moon", "moon"),
        ("managed_identity", "mine", "managed_identity is not valid"),
        ("developer_tool", "azure-cly", "Did you mean azure-cli?"),
        ("authority", "https://login.example/path", "has a path"),
        ("tenant", " ", "is empty"),
    ],
)
def test_a_value_that_no_profile_could_use_is_refused(program: Program, setting: str, value: str, said: str) -> None:
    """Nothing is written."""
    done = program("config", "set", setting, value)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert not (program.config / "config.toml").exists()


def test_settings_that_exclude_each_other_are_refused(program: Program) -> None:
    """The check is that of the profile's use, before the file is changed."""
    program("config", "set", "managed_identity", "system")
    done = program("config", "set", "client_id", "11111111-2222-3333-4444-555555555555")
    assert done.code == 2
    assert "has both managed_identity and client_id" in done.err
    assert written(program) == {"default": {"managed_identity": "system"}}


@pytest.mark.parametrize("command", [["get", "tenant"], ["unset", "tenant"], ["list"]])
def test_a_profile_that_does_not_exist_is_named(program: Program, command: list[str]) -> None:
    """As with every command that takes a profile."""
    program.profile('[profile.work]\ntenant = "a.com"\n')
    done = program("config", *command, "--profile", "wrok")
    assert done.code == 2
    assert "There is no profile 'wrok'" in done.err
    assert "Did you mean work?" in done.err


@pytest.mark.parametrize("command", ["get", "unset"])
def test_a_setting_that_is_not_set_is_named(program: Program, command: str) -> None:
    """And where to look."""
    program.profile('[profile.default]\ntenant = "a.com"\n')
    done = program("config", command, "cloud")
    assert done.code == 2
    assert "The profile default does not set cloud." in done.err


def test_a_setting_that_another_one_needs_is_not_removed(program: Program) -> None:
    """The profile stays one that works; the error names the other setting."""
    program.profile('[profile.default]\ndeveloper_tool = "azure-cli"\nsubscription = "s"\n')
    done = program("config", "unset", "developer_tool")
    assert done.code == 2
    assert "subscription" in done.err
    assert program("config", "unset", "subscription").code == 0
    assert program("config", "unset", "developer_tool").code == 0


def test_a_setting_that_makes_the_profile_unusable_can_be_removed(program: Program) -> None:
    """It is seen and removed without an editor."""
    program.profile('[profile.default]\nmanaged_identity = "system"\nclient_id = "x"\n')
    assert "managed_identity  system" in program("config", "list").out
    assert program("config", "unset", "client_id").code == 0
    assert written(program) == {"default": {"managed_identity": "system"}}
