"""Saving an emulator's state and going on with it."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from entra_emulator import ConfigError, Emulator

Get = Callable[..., httpx.Response]
NADIA = "nadia@northwind-partner.example"


def test_the_complete_state_is_restored(tmp_path: Path, entra: Emulator, app_token: Get) -> None:
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


def test_the_saved_file_is_private(tmp_path: Path, entra: Emulator) -> None:
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
def test_invalid_files_are_reported(tmp_path: Path, text: str, words: str) -> None:
    """A file that is no saved state is a ConfigError that says why."""
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        Emulator(path)


def test_a_failed_restore_changes_nothing(entra: Emulator) -> None:
    """A state that cannot be used leaves the one that is there."""
    before = entra.snapshot()
    with pytest.raises(ConfigError):
        entra.restore({"tenants": []})
    assert entra.snapshot() == before


def test_keys_rotate(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """The next key, which was published before, signs; the old one stays published and accepted until it is dropped."""

    def published() -> list[str]:
        return [key["kid"] for key in http.get(f"{entra.authority}/common/discovery/keys").json()["keys"]]

    old, before = app_token().json()["access_token"], published()
    first = entra.issued[-1].header["kid"]
    kid = entra.rotate_keys()
    new, after = app_token().json()["access_token"], published()
    assert entra.issued[-1].header["kid"] == kid
    assert {kid, first} <= set(before) & set(after)
    assert len(before) == len(after) == 5
    assert kid not in (before[2], after[0])
    statuses = []
    for keep in (1, 0):
        statuses += [
            http.get(f"{entra.api('graph')}/users", headers={"Authorization": f"Bearer {token}"}).status_code
            for token in (old, new)
        ]
        entra.rotate_keys(keep=keep)
    assert statuses == [200, 200, 401, 200]


def test_an_emergency_rotation_withdraws_every_key(entra: Emulator, http: httpx.Client, app_token: Get) -> None:
    """A key that nobody has seen signs at once, and what the others signed is not accepted any more."""
    url = f"{entra.authority}/common/discovery/keys"
    before = {key["kid"] for key in http.get(url).json()["keys"]}
    old = app_token().json()["access_token"]
    withdrawn = entra.issued[-1].header["kid"]
    kid = entra.rotate_keys(emergency=True)
    after = {key["kid"] for key in http.get(url).json()["keys"]}
    assert kid not in before
    assert kid in after
    assert withdrawn not in after
    for token, status in ((old, 401), (app_token().json()["access_token"], 200)):
        answer = http.get(f"{entra.api('graph')}/users", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


def test_a_saved_state_has_all_keys(entra: Emulator, http: httpx.Client, tmp_path: Path) -> None:
    """Who has read the keys of an emulator can go on after it was saved and started again."""
    url = "/common/discovery/v2.0/keys"
    before = [key["kid"] for key in http.get(f"{entra.authority}{url}").json()["keys"]]
    entra.rotate_keys()
    path = tmp_path / "state.json"
    entra.save(path)
    with Emulator(path) as again, httpx.Client(verify=again.ssl_context, trust_env=False) as client:
        after = {key["kid"] for key in client.get(f"{again.authority}{url}").json()["keys"]}
    assert {before[0], before[2], before[6]} <= after
