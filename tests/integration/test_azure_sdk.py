"""An Azure SDK client takes a mstoken client as its credential, as it is, and reads from the emulator."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

BLOCKING = """
    from azure.mgmt.resource.resources import ResourceManagementClient
    from azure.mgmt.resource.subscriptions import SubscriptionClient

    from mstoken import Client

    with Client.from_env() as credential:
        [subscription] = SubscriptionClient(credential).subscriptions.list()
        resources = ResourceManagementClient(credential, subscription.subscription_id)
        print(subscription.display_name, sorted(group.name for group in resources.resource_groups.list()))
"""

ASYNCIO = """
    import asyncio

    from azure.mgmt.resource.resources.aio import ResourceManagementClient
    from azure.mgmt.resource.subscriptions.aio import SubscriptionClient

    from mstoken import AsyncClient

    async def main():
        async with AsyncClient.from_env() as credential, SubscriptionClient(credential) as subscriptions:
            [subscription] = [entry async for entry in subscriptions.subscriptions.list()]
            async with ResourceManagementClient(credential, subscription.subscription_id) as resources:
                groups = [group.name async for group in resources.resource_groups.list()]
        print(subscription.display_name, sorted(groups))

    asyncio.run(main())
"""

REFUSED = """
    from azure.mgmt.resource.subscriptions import SubscriptionClient

    from mstoken import Client, ClientSecret, CredentialRejected
    import os

    credential = Client(os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], ClientSecret("wrong"),
                        os.environ["AZURE_AUTHORITY_HOST"])
    try:
        list(SubscriptionClient(credential).subscriptions.list())
    except CredentialRejected as error:
        print(error.codes)
"""


def in_emulator(script: str) -> str:
    """Run a script as a user would: unchanged, inside the emulator, against the real host names."""
    command = [sys.executable, "-m", "entra_emulator", "--", sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("script", [BLOCKING, ASYNCIO], ids=["blocking", "asyncio"])
def test_a_management_client_reads_with_our_token(script: str) -> None:
    """azure-mgmt-resource lists subscriptions and resource groups with a mstoken client as its credential."""
    assert in_emulator(script) == "Northwind Production ['rg-data', 'rg-web']"


def test_our_errors_reach_the_sdks_caller() -> None:
    """The SDK passes our exception through, with its AADSTS code."""
    assert in_emulator(REFUSED) == "(7000215,)"
