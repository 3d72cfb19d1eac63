#!/usr/bin/env bash
# Call an API with curl. The header with the token passes through a pipe, so no list of processes shows it.
set -euo pipefail

mstoken get graph -o header |
    curl --silent --fail --header @- 'https://graph.microsoft.com/v1.0/users?$select=displayName'
echo

# Output:
#   {"@odata.context": …, "value": [{"displayName": "Nadia Brandt"}, {"displayName": "Otto Falk"}]}
