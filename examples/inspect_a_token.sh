#!/usr/bin/env bash
# See what a token allows, as JSON for a script. The token stays on this machine.
set -euo pipefail

mstoken get graph | mstoken inspect -o json |
    python3 -c 'import json, sys; print(*sorted(json.load(sys.stdin)["claims"]["roles"]), sep="\n")'

# Output:
#   …
#   User.Read.All
