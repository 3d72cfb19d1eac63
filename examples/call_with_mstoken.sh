#!/usr/bin/env bash
# Let mstoken call the API: the URL says which token it needs, and the token goes to that service only.
set -euo pipefail

mstoken request GET '/subscriptions?api-version=2022-12-01' | python3 -c '
import json, sys
for subscription in json.load(sys.stdin)["value"]:
    print(subscription["displayName"], subscription["state"])'

# Output:
#   Northwind Production Enabled
