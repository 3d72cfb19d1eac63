"""The Azure SDK's management and Key Vault clients under asyncio, with azure-identity and with mstoken."""

import asyncio
import os
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.identity.aio import EnvironmentCredential
from azure.keyvault.secrets.aio import SecretClient
from azure.mgmt.resource.resources.aio import ResourceManagementClient
from azure.mgmt.resource.subscriptions.aio import SubscriptionClient

from mstoken import AsyncClient


async def story(name: str, credential: Any) -> None:
    async with (
        credential,
        SubscriptionClient(credential) as subscriptions,
        SecretClient(os.environ["VAULT_URL"], credential) as vault,
    ):
        [subscription] = [one async for one in subscriptions.subscriptions.list()]
        async with ResourceManagementClient(credential, str(subscription.subscription_id)) as resources:
            groups = sorted([str(one.name) async for one in resources.resource_groups.list()])
        await vault.set_secret(name, "kept")
        kept = await vault.get_secret(name)
        try:
            await vault.get_secret("nowhere")
        except ResourceNotFoundError as error:
            missing = error.error.code if error.error else ""
    print(name, subscription.display_name, *groups, kept.value, missing)  # noqa: T201 - this is what it is run for


async def main() -> None:
    await story("azure-identity", EnvironmentCredential())
    await story("mstoken", AsyncClient.from_env())


asyncio.run(main())
