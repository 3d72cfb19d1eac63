"""Saving an emulator's state and going on with it."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from entra_emulator import ConfigError, Emulator

Get = Callable[..., httpx.Response]
NADIA = "nadia@northwind-partner.example"


def test_all_of_it_comes_back(tmp_path: Path, entra: Emulator, app_token: Get) -> None:
    """Tenants, secrets, policies, sessions, keys and clock go on in another emulator: old tokens work there."""
    entra.add_policy("block", resources=["arm"])
    entra.state.default_tenant.vaults[0].secrets[0].value = "changed"
    entra.clock.advance(3600)
    entra.inject(status=503, service="vault", times=3)
    refresh, access = entra.sign_in(NADIA), app_token().json()["access_token"]
    entra.save(tmp_path / "state.json")
    with Emulator(tmp_path / "state.json") as other:
        assert other.snapshot() == entra.snapshot()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh,
            "client_id": other.state.default_app.id,
            "client_secret": other.state.default_app.secrets[0].value,
        }
        url = f"{other.authority}/common/oauth2/v2.0/token"
        assert httpx.post(url, data=form, verify=other.ssl_context, trust_env=False).status_code == 200
        headers = {"Authorization": f"Bearer {access}"}
        users = httpx.get(f"{other.api('graph')}/users", headers=headers, verify=other.ssl_context, trust_env=False)
        assert users.status_code == 200


def test_file_is_private(tmp_path: Path, entra: Emulator) -> None:
    """The file is its owner's alone, and replaces an older one whole."""
    path = tmp_path / "state.json"
    path.write_text("old")
    entra.save(path)
    assert path.stat().st_mode & 0o077 == 0
    assert json.loads(path.read_text())["settings"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "JSON"),
        ("[]", "object"),
        ('{"tenants": []}', "no tenant"),
        ('{"tenants": [{"id": "11111111-2222-4333-8444-555555555551", "name": "n"}], "keys": ["x"]}', "saved state"),
    ],
)
def test_bad_files_are_told(tmp_path: Path, text: str, words: str) -> None:
    """A file that is no saved state is a ConfigError that says why."""
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        Emulator(path)


def test_restore_that_fails_changes_nothing(entra: Emulator) -> None:
    """A state that cannot be used leaves the one that is there."""
    before = entra.snapshot()
    with pytest.raises(ConfigError):
        entra.restore({"tenants": []})
    assert entra.snapshot() == before


def test_keys_rotate(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """A new key signs; the old one stays published and accepted, until it is dropped."""
    old = app_token().json()["access_token"]
    entra.rotate_keys()
    new = app_token().json()["access_token"]
    keys = http.get(f"{entra.authority}/common/discovery/v2.0/keys").json()["keys"]
    assert len(keys) == 2
    statuses = []
    for keep in (1, 0):
        statuses += [
            http.get(f"{entra.api('graph')}/users", headers={"Authorization": f"Bearer {token}"}).status_code
            for token in (old, new)
        ]
        entra.rotate_keys(keep=keep)
    assert statuses == [200, 200, 401, 200]
