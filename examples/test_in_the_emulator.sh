#!/usr/bin/env bash
# Run a program unchanged in the emulator, in any language. It finds the emulator by environment variables.
set -euo pipefail

mstoken emulator -- bash -c 'mstoken get graph | mstoken inspect | head -2'

# Output:
#   Access token, v1.0, signed with RS256.
#     For          Microsoft Graph (https://graph.microsoft.com)
