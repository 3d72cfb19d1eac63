#!/usr/bin/env bash
# Use the same application in a customer's tenant.
set -euo pipefail

for tenant in "$AZURE_TENANT_ID" "$ENTRA_EMULATOR_CUSTOMER_TENANT_ID"; do
    mstoken request GET https://graph.microsoft.com/v1.0/organization --tenant "$tenant" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["value"][0]["displayName"])'
done

# Output:
#   Northwind Partner
#   Tailwind Bakery
