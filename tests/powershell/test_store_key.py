"""Certificates of the store My, found by a real PowerShell: of .NET's store here, of Windows' own there (not run)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from tests.support.certificates import identity
from tests.support.program import Program
from tests.support.pwsh import CACHE, PWSH, needs_pwsh

from entra_emulator import Emulator
from mstoken import UsageError
from mstoken.keys import certificate_store
from mstoken.keys.certificate_store import StoreKey

pytestmark = needs_pwsh

THUMBPRINT = identity(0).certificate.fingerprint(SHA1()).hex().upper()  # noqa: S303 - a name, not a protection
NOBODY = "0" * 40
STORE = """
$one = [Security.Cryptography.X509Certificates.X509Certificate2]::new("$PWD/0.pfx", 'geheim', 'PersistKeySet')
$store = [Security.Cryptography.X509Certificates.X509Store]::new('My', 'CurrentUser')
$store.Open('ReadWrite'); $store.Add($one); $store.Dispose()
"""


@pytest.fixture
def store(tmp_path: Path) -> dict[str, str]:
    """A home whose store has the certificate, and pwsh on PATH: the environment for both."""
    assert PWSH
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "pwsh"
    program.write_text(f'#!/bin/sh\nexec "{PWSH}" "$@"\n')
    program.chmod(0o700)
    (tmp_path / "0.pfx").write_bytes(identity(0).pfx("geheim"))
    made = {
        "HOME": str(tmp_path),
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_CACHE_HOME": CACHE,
        "POWERSHELL_TELEMETRY_OPTOUT": "1",
    }
    script = tmp_path / "store.ps1"
    script.write_text(STORE)
    subprocess.run(
        [PWSH, "-NoProfile", "-NonInteractive", "-File", script], env=os.environ | made, cwd=tmp_path, check=True
    )
    (tmp_path / "0.pfx").unlink()
    return made


def test_a_profile_names_a_certificate_of_the_store(
    at_entra: Program, known: Emulator, store: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_entra.environment |= store
    del at_entra.environment["AZURE_CLIENT_SECRET"]
    app, tenant = known.state.default_app, known.state.default_tenant
    at_entra.profile(
        f'[profile.store]\ntenant = "{tenant.id}"\nclient_id = "{app.id}"\nclient_certificate = "store:{THUMBPRINT}"\n'
    )
    done = at_entra("get", "graph", "--profile", "store", "-o", "json")
    assert done.code == 0, done.err
    monkeypatch.setattr(app, "secrets", [])  # the emulator serves other tests too
    again = at_entra("get", "arm", "--profile", "store")
    assert again.code == 0, again.err
    wrong = at_entra("get", "graph", "--fresh", AZURE_CLIENT_CERTIFICATE_PATH=f"store:{NOBODY}")
    assert wrong.code == 2
    assert "No certificate in the stores My has the thumbprint" in wrong.err


def test_the_store_signs_by_both_algorithms(store: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    from mstoken.keys.certificate import signature_matches, signer_with_external_key

    for name, text in store.items():
        monkeypatch.setenv(name, text)
    key = StoreKey(THUMBPRINT.lower())
    for algorithm in ("PS256", "RS256"):
        signer = signer_with_external_key(key.certificate(), key, algorithm)
        assert signature_matches(signer, b"data", signer.sign(b"data")), algorithm


@pytest.mark.parametrize("thumbprint", ["", "app.pem", "0" * 39, "0" * 41, "g" * 40])
def test_what_is_no_thumbprint_is_refused(thumbprint: str) -> None:
    with pytest.raises(UsageError, match="40 hexadecimal digits"):
        StoreKey(thumbprint)


def test_a_machine_without_powershell_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no pwsh on PATH"):
        StoreKey(NOBODY).certificate()


def test_windows_powershell_is_started_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never the one that PATH finds first. This is all of the Windows way that runs here."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("SYSTEMROOT", "/windows")
    assert certificate_store._powershell() == "/windows/System32/WindowsPowerShell/v1.0/powershell.exe"
