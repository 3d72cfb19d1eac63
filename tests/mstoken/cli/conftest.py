"""The program beside a local Entra ID."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.certificates import identity
from tests.support.oidc_issuer import SUBJECT, OidcIssuer
from tests.support.program import Program

from entra_emulator import Emulator
from entra_emulator.model import App, Certificate, FederatedCredential, Grant, ServicePrincipal, User
from mstoken.stores.user_folders import is_in_memory

AGENT = "11111111-2222-4333-8444-555555555555"
UPN = "scout@northwind-partner.example"
APP = identity(0)


@pytest.fixture(scope="session")
def entra() -> Iterator[Emulator]:
    """One emulator for all tests of a process; tests count requests from the current number."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A cache folder in memory, where tokens are stored unencrypted, as on most machines."""
    for place in (tmp_path, Path("/dev/shm")):  # noqa: S108
        if os.access(place, os.W_OK) and is_in_memory(str(place)):
            folder = Path(tempfile.mkdtemp(dir=place, prefix="mstoken-test-"))
            yield folder
            shutil.rmtree(folder)
            return
    pytest.skip("no memory-backed folder")


@pytest.fixture
def at_entra(tmp_path: Path, memory: Path, entra: Emulator) -> Program:
    """The program in the emulator's environment, with its own configuration and cache."""
    program = Program(tmp_path)
    program.environment |= entra.environment() | {
        "MSTOKEN_CACHE_DIR": str(memory),
        "MSTOKEN_CONFIG_DIR": str(program.config),
    }
    return program


@pytest.fixture
def anonymous(at_entra: Program) -> Program:
    """The same program, without an identity in the environment."""
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        del at_entra.environment[name]
    return at_entra


@pytest.fixture(scope="session")
def known(entra: Emulator) -> Emulator:
    """The default application has a certificate, and an agent with a user account."""
    tenant, app = entra.state.default_tenant, entra.state.default_app
    app.certificates.append(Certificate(APP.certificate_pem().decode()))
    entra.state.apps[AGENT] = App(AGENT, "Scout", tenant.id, blueprint=app.id)
    tenant.principals.append(ServicePrincipal(AGENT))
    tenant.users.append(User(UPN, "Scout", agent=AGENT))
    tenant.grants.append(Grant(AGENT, "00000003-0000-0000-c000-000000000000", scopes=["User.Read"]))
    return entra


@pytest.fixture
def issuer(known: Emulator) -> Iterator[OidcIssuer]:
    """An issuer whose jobs the default application trusts."""
    made = OidcIssuer()
    app = known.state.default_app
    app.federated = [
        FederatedCredential(made.url, SUBJECT),
        FederatedCredential(made.url, "sc://org/project/connection-1"),
    ]
    yield made
    app.federated = []
    made.close()
