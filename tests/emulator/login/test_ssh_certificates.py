"""`token_type=ssh-cert`: an SSH certificate in place of a JWT, as `az ssh vm` requests it.

The request is MSAL.NET's (SSHCertificateTests): `req_cnf` is the key as a JWK in plain JSON.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OctKey, RSAKey

from entra_emulator import Emulator

OTTO = "otto@northwind-partner.example"
SCOPE = "https://pas.windows.net/CheckMyAccess/Linux/user_impersonation"
PAS = "ce6ff14a-7fdc-4685-bbe0-f6afdfcfa8e0"
KEY = RSAKey.generate_key(2048)

UserToken = Callable[..., httpx.Response]


def jwk(**more: str) -> str:
    return json.dumps({**KEY.as_dict(private=False), "kid": "the-key", **more})


@pytest.fixture(autouse=True)
def _consent(entra: Emulator) -> None:
    entra.grant(entra.state.default_app, PAS, scopes=["user_impersonation"])


def certificate_of(body: dict[str, Any]) -> serialization.SSHCertificate:
    line = f"ssh-rsa-cert-v01@openssh.com {body['access_token']}"
    found = serialization.load_ssh_public_identity(line.encode())
    assert isinstance(found, serialization.SSHCertificate)
    return found


def test_the_certificate_is_the_users(entra: Emulator, user_token: UserToken) -> None:
    """It certifies the key of the request for the user's name and the token's life."""
    body = user_token(SCOPE, OTTO, token_type="ssh-cert", req_cnf=jwk()).json()
    assert (body["token_type"], body["scope"]) == ("ssh-cert", SCOPE)
    found = certificate_of(body)
    found.verify_cert_signature()
    assert found.valid_principals == [OTTO.encode()]
    assert found.type == serialization.SSHCertificateType.USER
    assert b"permit-pty" in found.extensions
    public = found.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    assert public == KEY.public_key
    now = entra.clock.now()
    assert found.valid_after <= now < found.valid_before <= now + body["expires_in"] + 1


def test_openssh_reads_it(user_token: UserToken, tmp_path: Path) -> None:
    """`ssh-keygen -L` is what `az ssh` runs on the certificate."""
    keygen = shutil.which("ssh-keygen")
    if keygen is None:
        pytest.skip("ssh-keygen is not installed")
    body = user_token(SCOPE, OTTO, token_type="ssh-cert", req_cnf=jwk()).json()
    file = tmp_path / "key-cert.pub"
    file.write_text(f"ssh-rsa-cert-v01@openssh.com {body['access_token']}\n")
    shown = subprocess.run([keygen, "-L", "-f", str(file)], capture_output=True, text=True, check=True).stdout
    assert "user certificate" in shown
    assert f"Principals: \n                {OTTO}" in shown


@pytest.mark.parametrize("name", ["SSH-CERT", "ssh-cert", "Ssh-Cert"])
def test_an_applications_certificate(entra: Emulator, app_token: UserToken, name: str) -> None:
    """A service principal signs in by its application id."""
    app = entra.state.default_app
    scope = "https://pas.windows.net/CheckMyAccess/Linux/.default"
    body = app_token(scope, token_type=name, req_cnf=jwk()).json()
    assert body["token_type"] == "ssh-cert"
    assert certificate_of(body).valid_principals == [app.id.encode()]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"token_type": "ssh-cert"}, 900144),
        ({"token_type": "ssh-cert", "req_cnf": "the-key"}, 9002313),
        ({"token_type": "ssh-cert", "req_cnf": "[]"}, 9002313),
        ({"token_type": "ssh-cert", "req_cnf": '{"kty":"RSA"}'}, 9002313),
        ({"token_type": "ssh-cert", "req_cnf": json.dumps(OctKey.generate_key(256).as_dict(private=True))}, 9002313),
        (
            {"token_type": "ssh-cert", "req_cnf": json.dumps(ECKey.generate_key("P-256").as_dict(private=False))},
            9002313,
        ),
        ({"token_type": "mtls_pop", "req_cnf": jwk()}, 90100),
        ({"token_type": "Bearer Bearer"}, 90100),
    ],
)
def test_invalid_requests_are_refused(user_token: UserToken, form: dict[str, str], code: int) -> None:
    """A key that is missing or no RSA key, and a type of token that nobody issues."""
    assert user_token(SCOPE, OTTO, **form).json()["error_codes"] == [code]


def test_version_one_has_none(entra: Emulator, http: httpx.Client) -> None:
    """Its responses name the resource and the times of a JWT."""
    app = entra.state.default_app
    form = {
        "grant_type": "client_credentials",
        "client_id": app.id,
        "client_secret": app.secrets[0].value,
        "resource": "https://management.azure.com/",
        "token_type": "ssh-cert",
        "req_cnf": jwk(),
    }
    answer = http.post(f"{entra.authority}/{entra.state.default_tenant.id}/oauth2/token", data=form)
    assert answer.json()["error_codes"] == [90100]
