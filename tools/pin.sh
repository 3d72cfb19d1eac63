#!/bin/sh
# Pin what the project is developed and tested with, by hash, for every platform. Writes no address of any registry.
set -eu
cd "$(dirname "$0")/.."
exec env -u PIP_FIND_LINKS -u UV_FIND_LINKS uv pip compile --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "tools/pin.sh" \
    --all-extras pyproject.toml requirements/dev.in --output-file requirements/dev.txt "$@"
