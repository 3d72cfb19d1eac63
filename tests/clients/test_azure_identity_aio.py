"""azure-identity, unchanged, under asyncio: one program that uses every credential it has there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.certificates import identity
from tests.support.oidc_issuer import SUBJECT, OidcIssuer
from tests.support.scripted_user import ScriptedUser

from entra_emulator import Emulator
from entra_emulator.managed_identity.machine import Source
from entra_emulator.model import Certificate, FederatedCredential, Grant
from entra_emulator.resources import GRAPH as GRAPH_ID

SCRIPT = Path(__file__).parent / "scripts" / "azure_identity_aio.py"
ORDERS = "8d3f6a52-1c7e-4b09-b6d4-2f5e9c7a1b03"
BACK = "http://localhost:5000"
SOURCES: list[Source] = ["imds", "app_service", "azure_ml", "cloud_shell", "service_fabric"]
EXPECTED = {
    "secret": "cached",
    "certificate": "cached",
    "assertion": "cached",
    "code": "cached",
    "on behalf of": "cached",
    "wrong secret": "ClientAuthenticationError 7000215",
    "no such resource": "ClientAuthenticationError 500011",
}


def a_code(entra: Emulator, person: ScriptedUser) -> str:
    """What the web application is given when she signs in."""
    parameters = {
        "client_id": entra.state.default_app.id,
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": "https://graph.microsoft.com/User.Read offline_access",
    }
    tenant = entra.state.default_tenant.id
    return person.authorize(f"{entra.authority}/{tenant}/oauth2/v2.0/authorize?{urlencode(parameters)}").fields["code"]


def run(given: dict[str, Any]) -> dict[str, Any]:
    """Run the program in the environment the emulator gives, which is this process's."""
    done = subprocess.run(
        [sys.executable, SCRIPT], input=json.dumps(given), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_every_credential(entra: Emulator, nadia: ScriptedUser, callers_token: str, tmp_path: Path) -> None:
    """Each gives a token by name and by URL, keeps it, and raises ClientAuthenticationError with Entra's code."""
    made, issuer = identity(1), OidcIssuer()
    app = entra.state.default_app
    app.certificates = [Certificate(made.certificate_pem().decode())]
    job = issuer.pipelines()
    connection = f"sc://org/project/{job['AZURESUBSCRIPTION_SERVICE_CONNECTION_ID']}"
    app.federated = [FederatedCredential(issuer.url, subject) for subject in (SUBJECT, connection)]
    entra.state.default_tenant.grants.append(Grant(app=ORDERS, resource=GRAPH_ID, scopes=["User.Read"]))
    (tmp_path / "app.pem").write_bytes(made.pem())
    (tmp_path / "token").write_text(issuer.token())
    with entra.machine() as machine:
        said = run(
            {
                "certificate": str(tmp_path / "app.pem"),
                "assertion": issuer.token(),
                "token_file": str(tmp_path / "token"),
                "codes": [a_code(entra, nadia), a_code(entra, nadia)],
                "redirect_uri": BACK,
                "orders": ORDERS,
                "orders_secret": entra.state.apps[ORDERS].secrets[0].value,
                "caller": callers_token,
                "pipelines": job,
                "machines": {source: machine.environment(source) for source in SOURCES},
            }
        )
    issuer.close()
    assert said["by name"] == EXPECTED
    assert said["by URL"] == EXPECTED
    alone = [said[name] for name in ("chain", "environment", "default", "workload", "pipelines")]
    assert alone == ["cached"] * 5
    assert said["machines"] == dict.fromkeys(SOURCES, "cached")
    hosts = {one.host for one in entra.token_requests}
    assert hosts == {"login.microsoftonline.com", entra.authority.removeprefix("https://")}
    refused = [one.aadsts for one in entra.token_requests if one.aadsts]
    assert sorted(refused) == [500011, 500011, 7000215, 7000215]  # each asked once: no retries
