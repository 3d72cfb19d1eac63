"""Certificates of the user's store in a real PowerShell: it signs, and the key stays in the store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from tests.powershell.conftest import PowerShell
from tests.support.certificates import identity

from entra_emulator import Emulator


def thumbprint(number: int) -> str:
    """The name of a certificate in Windows and .NET: the SHA-1 digest of its DER."""
    return identity(number).certificate.fingerprint(SHA1()).hex().upper()  # noqa: S303 - a name, not a protection


@pytest.fixture
def with_store(powershell: PowerShell) -> PowerShell:
    """Without a secret, and with certificates in its folder for the store."""
    del powershell.program.environment["AZURE_CLIENT_SECRET"]
    for number in (0, 3):
        (powershell.program.folder / f"{number}.pfx").write_bytes(identity(number).pfx("geheim"))
    (powershell.program.folder / "0.cer").write_bytes(identity(0).certificate_pem())
    return powershell


def own_home(powershell: PowerShell) -> dict[str, str]:
    """For the script: a home of its own, where .NET keeps the store My of a user. PowerShell keeps its caches."""
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return {"HOME": str(powershell.program.folder), "XDG_CACHE_HOME": caches}


def stored(file: str) -> str:
    """Put a certificate into the user's store."""
    return f"""
$one = [Security.Cryptography.X509Certificates.X509Certificate2]::new("$PWD/{file}", 'geheim', 'PersistKeySet')
$store = [Security.Cryptography.X509Certificates.X509Store]::new('My', 'CurrentUser')
$store.Open('ReadWrite'); $store.Add($one); $store.Dispose(); $one.Dispose(); Remove-Item {file}
"""


FORMS = {"plain": "{}", "as copied from the certificate's window": "\u200e{}"}


@pytest.mark.parametrize("form", FORMS)
def test_a_certificate_of_the_store_proves_the_identity(with_store: PowerShell, known: Emulator, form: str) -> None:
    copied = thumbprint(0).lower() if form != "plain" else thumbprint(0)
    shown = with_store(
        f"""{stored("0.pfx")}
$token = Get-MsToken graph -Fresh -CertificateThumbprint '{FORMS[form].format(copied)}'
$name = (Invoke-MsRequest graph:/organization -CertificateThumbprint {thumbprint(0)}).id
@("$($token.Claims.appidacr)$($token.Claims.azpacr)", $token.UserId, $name)
""",
        **own_home(with_store),
    )
    state = known.state
    assert shown == ["2", state.default_app.id, state.default_tenant.id]
    assert list(with_store.program.folder.rglob("x509stores/my/*.pfx"))  # it was this store, and not the user's


def test_a_certificate_object_proves_the_identity(with_store: PowerShell, known: Emulator) -> None:
    shown = with_store("""
$one = [Security.Cryptography.X509Certificates.X509Certificate2]::new("$PWD/0.pfx", 'geheim')
$token = Get-MsToken graph -Fresh -Certificate $one
"$($token.Claims.appidacr)$($token.Claims.azpacr)"
""")
    assert shown == "2"


def test_a_certificate_that_the_application_lacks_is_refused(with_store: PowerShell, known: Emulator) -> None:
    shown = with_store(
        f"""{stored("3.pfx")}
try {{ Get-MsToken graph -Fresh -CertificateThumbprint {thumbprint(3)} }} catch {{ $record = $_ }}
@($record.FullyQualifiedErrorId, "$($record.CategoryInfo.Category)", $record.Exception.Data['exit_code'])
""",
        **own_home(with_store),
    )
    assert shown == ["AADSTS700027,Get-MsToken", "PermissionDenied", 4]


@pytest.mark.parametrize("cmdlet", ["Get-MsToken graph", "Invoke-MsRequest graph:/users"])
def test_an_unknown_thumbprint_is_a_usage_error(with_store: PowerShell, known: Emulator, cmdlet: str) -> None:
    before = len(known.requests)
    shown = with_store(
        f"""{stored("0.pfx")}
try {{ {cmdlet} -CertificateThumbprint {thumbprint(3)} }} catch {{ $record = $_ }}
$listed = Invoke-Expression $record.ErrorDetails.RecommendedAction
@($record.FullyQualifiedErrorId, "$($record.CategoryInfo.Category)", "$record", "$($listed.Thumbprint)")
""",
        **own_home(with_store),
    )
    message = f"No certificate in the stores My has the thumbprint {thumbprint(3)}."
    name = cmdlet.partition(" ")[0]
    assert shown == [f"usage_error,{name}", "InvalidArgument", message, thumbprint(0)]
    assert len(known.requests) == before


def test_a_certificate_without_its_key_is_named_as_such(with_store: PowerShell, known: Emulator) -> None:
    shown = with_store(
        f"""{stored("0.cer")}
try {{ Get-MsToken graph -CertificateThumbprint {thumbprint(0)} }} catch {{ $record = $_ }}
@($record.FullyQualifiedErrorId, "$record")
""",
        **own_home(with_store),
    )
    message = f"The certificate {thumbprint(0)} is in the store without its private key."
    assert shown == ["usage_error,Get-MsToken", message]


CONFLICTS = {
    "-Certificate $one -CertificateThumbprint 00": "-Certificate and -CertificateThumbprint exclude each other.",
    "-CertificateThumbprint 00 -ClientSecret $secret": "-CertificateThumbprint and -ClientSecret exclude each other.",
    "-Certificate $one": "The certificate has no private key.",
}


def test_credentials_that_cannot_be_meant_are_usage_errors(with_store: PowerShell, known: Emulator) -> None:
    attempts = "\n".join(
        f'try {{ Get-MsToken graph {given} }} catch {{ $found += "$($_.FullyQualifiedErrorId): $_" }}'
        for given in CONFLICTS
    )
    shown = with_store(f"""
$one = [Security.Cryptography.X509Certificates.X509Certificate2]::new("$PWD/0.cer")
$secret = [Net.NetworkCredential]::new('', 'x').SecurePassword
$found = @()
{attempts}
$found
""")
    assert shown == [f"usage_error,Get-MsToken: {message}" for message in CONFLICTS.values()]
