"""Give a client to the Azure SDK as its credential. One client serves all of them."""

from azure.keyvault.secrets import SecretClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resource.subscriptions import SubscriptionClient

from mstoken import Client

with Client.from_env() as credential:
    for subscription in SubscriptionClient(credential).subscriptions.list():
        groups = ResourceManagementClient(credential, subscription.subscription_id).resource_groups.list()
        print(subscription.display_name, sorted(group.name for group in groups))

    print(SecretClient("https://northwind.vault.azure.net", credential).get_secret("greeting").value)

# Output:
#   Northwind Production ['rg-data', 'rg-web']
#   hello from the vault
