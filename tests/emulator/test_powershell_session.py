"""A PowerShell session that already runs goes to the emulator, and back."""

import os
import sys
from pathlib import Path

import pytest
from tests.support.pwsh import needs_pwsh, run_pwsh

from entra_emulator import Emulator
from entra_emulator.command import env
from entra_emulator.environment import is_real_configuration, setting_names
from entra_emulator.shells import KINDS, UNDO

TOKEN = """
$form = @{ grant_type = 'client_credentials'; client_id = $env:AZURE_CLIENT_ID
    client_secret = $env:AZURE_CLIENT_SECRET; scope = 'https://graph.microsoft.com/.default' }
$url = "https://login.microsoftonline.com/$env:AZURE_TENANT_ID/oauth2/v2.0/token"
$answer = Invoke-RestMethod $url -Body $form -Method Post
$answer.token_type
$header = @{ Authorization = "Bearer $($answer.access_token)" }
(Invoke-WebRequest 'https://graph.microsoft.com/v1.0/organization' -Headers $header).StatusCode
(Invoke-RestMethod "$env:AZURE_AUTHORITY_HOST/graph/v1.0/organization" -Headers $header).value.Count
"""
REFUSED = "try {{ {}; 'accepted' }} catch {{ $_.Exception.InnerException.GetType().Name }}"


def session(entra: Emulator, folder: Path, program: str, **variables: str) -> list[str]:
    """What a session prints; `{env}` and `{undo}` evaluate the emulator's settings, `{port}` is its port."""
    entra.announce()
    port = entra.authority.rpartition(":")[2]
    command = f"& '{sys.executable}' -m entra_emulator env --port {port} --shell powershell"
    text = program.replace("{env}", f"{command} | Invoke-Expression").replace("{port}", port)
    text = text.replace("{undo}", f"{command} --undo | Invoke-Expression")
    ours = {"ALL_PROXY", *setting_names(), *filter(is_real_configuration, os.environ)}
    clean = {name: value for name, value in os.environ.items() if name.upper() not in ours}
    done = run_pwsh(text, clean | variables, folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@needs_pwsh
def test_a_session_that_has_sent_requests_reaches_the_emulator(entra: Emulator, tmp_path: Path) -> None:
    """By Microsoft's names and by URL, although .NET has read the proxy and the trusted certificates before."""
    before = REFUSED.format("Invoke-RestMethod https://localhost:{port}/")
    assert session(entra, tmp_path, f"{before}\n{{env}}\n{TOKEN}") == ["AuthenticationException", "Bearer", "200", "1"]


@needs_pwsh
def test_nothing_else_is_reached_or_trusted(entra: Emulator, tmp_path: Path) -> None:
    """Other hosts and plain http end at the emulator's proxy; a call past the proxy verifies certificates as before."""
    urls = ("https://example.com/", "http://example.com/", "https://graph.example/")
    program = "\n".join(
        [
            "{env}",
            *(f"try {{ Invoke-RestMethod {url} }} catch {{ $_.Exception.Message -match 'proxy|403' }}" for url in urls),
        ]
    )
    direct = REFUSED.format("Invoke-RestMethod https://localhost:{port}/ -NoProxy")
    assert session(entra, tmp_path, f"{program}\n{direct}") == [*["True"] * 3, "AuthenticationException"]


@needs_pwsh
def test_undo_restores_the_session(entra: Emulator, tmp_path: Path) -> None:
    """Former variables, proxy and defaults come back, what was absent is absent; a second undo changes nothing."""
    program = """
    $PSDefaultParameterValues['Invoke-WebRequest:SkipCertificateCheck'] = $false
    $proxy = [Net.Http.HttpClient]::DefaultProxy
    {env}
    {env}
    "$($env:AZURE_CLIENT_ID -eq 'mine') $([object]::ReferenceEquals($proxy, [Net.Http.HttpClient]::DefaultProxy))"
    {undo}
    {undo}
    "$env:AZURE_CLIENT_ID $([object]::ReferenceEquals($proxy, [Net.Http.HttpClient]::DefaultProxy))"
    $PSDefaultParameterValues.Keys | ForEach-Object { "$_ $($PSDefaultParameterValues[$_])" }
    @(Get-ChildItem Env: | Where-Object Name -match '^(https_proxy|no_proxy|ENTRA_EMULATOR_|SSL_CERT_FILE)').Count
    Test-Path Env:MSTOKEN_STORE
    """
    assert session(entra, tmp_path, program, AZURE_CLIENT_ID="mine", MSTOKEN_STORE="redis://x.example") == [
        "False False",
        "mine True",
        "Invoke-WebRequest:SkipCertificateCheck False",
        "0",
        "True",
    ]


def test_undo_names_every_setting(entra: Emulator) -> None:
    """What an emulator announces is what --undo removes, whether an emulator runs or not."""
    assert set(entra.announce()) == set(setting_names())


@pytest.mark.parametrize("kind", list(KINDS))
def test_undo_is_for_what_sets_something(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file or an object sets nothing by itself, and is refused by name; every other kind has its undo."""
    assert env(kind, undo=True) == (kind not in UNDO)
    out, err = capsys.readouterr()
    assert ("HTTPS_PROXY" in out or kind == "powershell") if kind in UNDO else f"{kind} has nothing to take back" in err
