#!/usr/bin/env bash
# Find what to write after `mstoken get`, and see that a name, a URL and a scope mean the same service.
set -euo pipefail

mstoken services devops
for service in keyvault https://northwind.vault.azure.net/secrets https://vault.azure.net/.default; do
    mstoken get "$service" | mstoken inspect | grep 'For '
done

# Output:
#   ado  Azure DevOps  499b84ac-1321-427f-aa17-267ca6975798/.default
#     For          Azure Key Vault (https://vault.azure.net)
#     For          Azure Key Vault (https://vault.azure.net)
#     For          Azure Key Vault (https://vault.azure.net)
