"""SDKs that take a credential of azure-core's shape, real and unchanged, with mstoken's clients as their credential.

Some look at the type of their credential, or of its tokens: Microsoft Graph's sends no token that is not azure-core's
AccessToken. The services answer only requests with a token for their resource.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sdks import PYTHON, ROOT, SdkServices, install

from entra_emulator import Emulator
from entra_emulator.environment import for_command

SCRIPT = Path(__file__).parent / "scripts" / "sdk_calls.py"
ORGANIZATION = "Northwind Partner"
EXPECTED = {
    "graph": ORGANIZATION,
    "graph_refuses": "ODataError 404 Request_ResourceNotFound",
    "inference": "hello",
    "projects": "['shared']",
    "openai": "hello",
    "blob": "True",
    "tables": "first",
    "appconfiguration": "red",
    "cosmos": "['db']",
    "servicebus": "orders",
    "search": "5",
    "ingestion": "None",
    "kusto": "1",
}
"""SDK -> what its call returns. Ingestion returns nothing, but raises where its service refuses."""
BLOCKING_ONLY = {"adlfs": "['container/a.txt']", "mssql": "OperationalError"}
"""adlfs takes an AsyncClient in blocking code. mssql-python gets as far as a connection without a server can."""


@pytest.fixture
def services() -> Iterator[SdkServices]:
    """The SDKs are installed, and their services answer."""
    if why := install():
        pytest.skip(why)
    made = SdkServices()
    yield made
    made.close()


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_every_sdk_gets_its_token_from_our_client(services: SdkServices, kind: str) -> None:
    """One client for all of them; each call returns what the service answers to a request with the right token."""
    wanted = EXPECTED | (BLOCKING_ONLY if kind == "blocking" else {})
    with Emulator() as entra:
        environment = for_command(entra.environment()) | {
            "PYTHONPATH": str(ROOT / "src"),
            "AZURE_COSMOS_AAD_SCOPE_OVERRIDE": "https://cosmos.azure.com/.default",  # the host is localhost here
        }
        done = subprocess.run(
            [PYTHON, SCRIPT, kind, services.url],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        found = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
        assert found == wanted, done.stderr
        graph = [one for one in entra.requests if one.service == "graph"]
        assert [one.status for one in graph] == [200, 404]
        resources = [request.scope for request in entra.token_requests]
    if kind == "blocking":
        resources.remove("https://storage.azure.com/.default")  # adlfs has a client of its own
        assert "https://database.windows.net/.default" in resources
    assert len(resources) == len(set(resources))
