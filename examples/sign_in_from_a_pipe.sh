#!/usr/bin/env bash
# Store a user's refresh token, encrypted, and act for that user. At a terminal, `mstoken login` opens the browser instead.
set -euo pipefail

printf %s "$ENTRA_EMULATOR_REFRESH_TOKEN" | mstoken login --profile partner 2> /dev/null
mstoken accounts -o json
mstoken request GET https://graph.microsoft.com/v1.0/me --profile partner
echo

# Output:
#   [{"account": "partner", …}]
#   {…"displayName": "Nadia Brandt"…}
