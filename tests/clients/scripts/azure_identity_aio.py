"""Every credential of azure.identity.aio, as a program that knows nothing of the emulator. Says in JSON what came."""

import asyncio
import json
import os
import sys
from typing import Any

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from azure.identity.aio import (
    AuthorizationCodeCredential,
    AzurePipelinesCredential,
    CertificateCredential,
    ChainedTokenCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
    OnBehalfOfCredential,
    WorkloadIdentityCredential,
)

GRAPH = "https://graph.microsoft.com/.default"
READ = "https://graph.microsoft.com/User.Read"
ARM = "https://management.azure.com/.default"
GIVEN: dict[str, Any] = json.loads(sys.stdin.read())


async def outcome(credential: Any, scope: str = GRAPH) -> str:
    """`cached` if two calls give one token, `asked twice` if not; else the error's class and Entra's code."""
    try:
        async with credential:
            first, second = await credential.get_token(scope), await credential.get_token(scope)
    except ClientAuthenticationError as error:
        code = error.message.partition("AADSTS")[2].partition(":")[0]
        return f"{type(error).__name__} {code}".strip()
    return "cached" if first.token == second.token else "asked twice"


async def by_authority(host: str) -> dict[str, str]:
    tenant, app, secret = (os.environ[f"AZURE_{name}"] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"))
    orders = (tenant, GIVEN["orders"])
    return {
        "secret": await outcome(ClientSecretCredential(tenant, app, secret, authority=host)),
        "certificate": await outcome(CertificateCredential(tenant, app, GIVEN["certificate"], authority=host)),
        "assertion": await outcome(ClientAssertionCredential(tenant, app, lambda: GIVEN["assertion"], authority=host)),
        "code": await outcome(
            AuthorizationCodeCredential(
                tenant, app, GIVEN["codes"].pop(), GIVEN["redirect_uri"], authority=host, client_secret=secret
            ),
            READ,
        ),
        "on behalf of": await outcome(
            OnBehalfOfCredential(
                *orders, client_secret=GIVEN["orders_secret"], user_assertion=GIVEN["caller"], authority=host
            ),
            READ,
        ),
        "wrong secret": await outcome(ClientSecretCredential(tenant, app, "wrong", authority=host)),
        "no such resource": await outcome(
            ClientSecretCredential(tenant, app, secret, authority=host), "https://nowhere.example/.default"
        ),
    }


async def pipelines() -> str:
    """A job of Azure Pipelines, which proves the application by its service connection."""
    os.environ["SYSTEM_OIDCREQUESTURI"] = GIVEN["pipelines"]["SYSTEM_OIDCREQUESTURI"]
    return await outcome(
        AzurePipelinesCredential(
            tenant_id=os.environ["AZURE_TENANT_ID"],
            client_id=os.environ["AZURE_CLIENT_ID"],
            service_connection_id=GIVEN["pipelines"]["AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"],
            system_access_token=GIVEN["pipelines"]["SYSTEM_ACCESSTOKEN"],
        )
    )


async def machine(source: str) -> str:
    """The managed identity of a machine, named by its environment."""
    os.environ.update(GIVEN["machines"][source])
    try:
        return await outcome(ManagedIdentityCredential(), ARM)
    except CredentialUnavailableError as error:
        return str(error)
    finally:
        for name in GIVEN["machines"][source]:
            del os.environ[name]


async def main() -> None:
    chain = ChainedTokenCredential(ManagedIdentityCredential(client_id="none"), EnvironmentCredential())
    os.environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = GIVEN["machines"]["imds"]["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
    said: dict[str, Any] = {"chain": await outcome(chain)}
    del os.environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
    said["by name"] = await by_authority("login.microsoftonline.com")
    said["by URL"] = await by_authority(os.environ["AZURE_AUTHORITY_HOST"])
    said["environment"] = await outcome(EnvironmentCredential())
    said["default"] = await outcome(DefaultAzureCredential())
    os.environ["AZURE_FEDERATED_TOKEN_FILE"] = GIVEN["token_file"]
    said["pipelines"] = await pipelines()
    said["workload"] = await outcome(WorkloadIdentityCredential())
    said["machines"] = {source: await machine(source) for source in GIVEN["machines"]}
    print(json.dumps(said))  # noqa: T201 - this is what it is run for


asyncio.run(main())
