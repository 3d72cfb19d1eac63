"""Reading configurations."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from entra_emulator import ConfigError, Emulator
from entra_emulator.config import load

TENANT = "11111111-2222-4333-8444-555555555551"
APP = "11111111-2222-4333-8444-555555555552"
SMALLEST = {"tenants": [{"id": TENANT, "name": "One"}], "apps": [{"id": APP, "name": "A", "tenant": TENANT}]}


def test_defaults_are_complete() -> None:
    """The built-in configuration has all that the environment variables speak of, and a fresh secret each time."""
    state = load()
    assert state.default_user
    assert state.default_customer
    assert state.default_app.secrets[0].value != load().default_app.secrets[0].value


def test_smallest_configuration_works() -> None:
    """One tenant and one application are enough; the rest has defaults."""
    state = load(SMALLEST)
    assert state.default_tenant.id == state.default_app.tenant == TENANT
    assert state.default_tenant.principal(APP)
    assert state.default_user is None
    with Emulator(SMALLEST) as entra:
        names = entra.environment()
    assert names["AZURE_CLIENT_ID"] == APP
    assert "ENTRA_EMULATOR_REFRESH_TOKEN" not in names


def test_file_has_the_same_form(tmp_path: Path) -> None:
    """A TOML file is read like a mapping; dates become epoch seconds, UTC."""
    file = tmp_path / "entra.toml"
    file.write_text(
        f"""
        [[tenants]]
        id = "{TENANT}"
        name = "One"
        domains = ["one.example"]
        [[apps]]
        id = "{APP}"
        name = "A"
        tenant = "one.example"
        secrets = [
            {{ value = "first", expires_on = 1970-01-02T00:00:00Z }},
            {{ value = "second", expires_on = 1970-01-03 }},
            {{ value = "third", expires_on = 7 }},
        ]
        """
    )
    state = load(file)
    assert [secret.expires_on for secret in state.default_app.secrets] == [86400.0, 172800.0, 7.0]
    assert state.default_app.tenant == TENANT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tenants": []}, "no tenant"),
        ({"tenant": []}, "tenant: unknown key; known here: apps, customers, faults, settings, tenants"),
        ({"tenants": [{"id": "x", "name": "n"}]}, "tenants[0].id: 'x' is not a GUID"),
        ({"tenants": [{"id": TENANT}]}, "tenants[0]: missing 'name'"),
        ({"tenants": [{"id": TENANT, "name": 3}]}, "tenants[0].name: expected text, got a number"),
        (
            {"tenants": [{"id": TENANT, "name": "n", "users": [{"upn": "u", "nam": "x"}]}]},
            "tenants[0].users[0].nam: unknown",
        ),
        ({"tenants": {"id": TENANT}}, "tenants: expected a list, got a table"),
        ({"tenants": ["x"]}, "tenants[0]: expected a table, got text"),
        ({"tenants": [{"id": TENANT, "name": "n"}, {"id": TENANT, "name": "m"}]}, "same id"),
        (
            {"apps": [{"id": APP, "name": "A", "tenant": "other.example"}]},
            "'other.example' is not in the configuration",
        ),
        ({"apps": [{"id": APP, "name": "A", "tenant": TENANT, "audience": "everyone"}]}, "expected one of single,"),
        (
            {"apps": [{"id": APP, "name": "A", "tenant": TENANT, "public": "yes"}]},
            "public: expected true or false, got text",
        ),
        (
            {"apps": [{"id": APP, "name": "A", "tenant": TENANT, "secrets": [{"value": "s", "expires_on": "soon"}]}]},
            "apps[0].secrets[0].expires_on: expected a date or a number of seconds, got text",
        ),
        (
            {"tenants": [{"id": TENANT, "name": "n", "policies": [{"name": "p", "require": "luck"}]}]},
            "expected one of block, mfa,",
        ),
        ({"tenants": [{"id": TENANT, "name": "n", "users": [{"upn": "u", "name": "U", "roles": ["King"]}]}]}, "'King'"),
        ({"settings": {"description_separator": "tab"}}, "expected space or crlf"),
        ({"faults": [{"times": 1}]}, "faults[0]: a fault needs one of code, status,"),
        ({"faults": [{"status": 429, "retry_after": 1}]}, "faults[0].retry_after: unknown key"),
    ],
)
def test_mistakes_are_reported_with_their_location(change: Mapping[str, Any], words: str) -> None:
    """Each mistake is refused with where it is and what would be right."""
    with pytest.raises(ConfigError) as caught:
        load({**SMALLEST, **change})
    assert words in str(caught.value)


def test_misplaced_secret_is_not_repeated() -> None:
    """An error message does not show the value it complains of: it may be a secret."""
    with pytest.raises(ConfigError) as caught:
        load({**SMALLEST, "apps": [{"id": APP, "name": "A", "tenant": TENANT, "secrets": ["hunter2"]}]})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_file_of_windows_is_read(tmp_path: Path, encoding: str) -> None:
    """Windows PowerShell writes UTF-16, Notepad a byte order mark; lines end with CR LF."""
    file = tmp_path / "tenants.toml"
    text = '[[tenants]]\r\nid = "11111111-2222-4333-8444-555555555551"\r\nname = "Zoë"\r\n'
    file.write_bytes(text.encode(encoding))
    assert [tenant.name for tenant in load(file).tenants.values()][:1] == ["Zoë"]


@pytest.mark.parametrize("content", [b"[[", b"\xff\xfe[", b"\xff\xff"])
def test_unreadable_file_is_a_config_error(tmp_path: Path, content: bytes) -> None:
    """No TOML, or no text at all: the message names the file."""
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"bad\.toml: cannot be read as TOML"):
        load(file)


def test_missing_file_is_a_config_error(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(ConfigError, match=r"none\.toml"):
        load(tmp_path / "none.toml")


def test_settings_that_name_unknown_entries_are_refused_at_start() -> None:
    """Settings that speak of an unknown user, app or customer are refused when read, not later."""
    for name in ("tenant", "app", "user", "customer"):
        with pytest.raises(ConfigError, match="nobody"):
            load({**SMALLEST, "settings": {name: "nobody"}})


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"certificates": [{"pem": "no certificate"}]}, "cannot be read as PEM"),
        ({"trusted_subjects": [{"subject": "CN=a", "authority": "no certificate"}]}, "cannot be read as PEM"),
        ({"blueprint": "nobody"}, "blueprint 'nobody'"),
        ({"federated": [{"issuer": "https://oidc.example"}]}, "missing.*subject"),
    ],
)
def test_an_unusable_credential_is_refused(wrong: dict[str, object], word: str) -> None:
    """Certificates, blueprints and federated credentials are checked when the configuration is read."""
    tenant = "11111111-2222-4333-8444-555555555551"
    app = {"id": "11111111-2222-4333-8444-555555555552", "name": "App", "tenant": tenant, **wrong}
    with pytest.raises(ConfigError, match=word):
        load({"tenants": [{"id": tenant, "name": "T"}], "apps": [app]})


def test_example_in_the_documentation_works() -> None:
    """The TOML in docs/emulator.md is a configuration, and its application gets its token."""
    page = Path(__file__).parents[2].joinpath("docs", "emulator.md").read_text(encoding="utf-8")
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example
    state = load(tomllib.loads(example[1]))
    assert state.default_app.secrets[0].value == "only-for-tests"
    assert state.default_user
    assert state.grants[0].roles == ["User.Read.All"]


def test_secrets_stay_out_of_reprs() -> None:
    """Neither the state nor an application shows a secret when printed."""
    state = load()
    assert state.default_app.secrets[0].value not in repr(state)
