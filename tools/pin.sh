#!/bin/sh
# Pin by hash, for every platform, what the project is developed with (dev.txt), what builds its site (docs.txt) and the
# SDKs that tests call with mstoken's clients (sdks.txt).
# Writes no address of any registry. Options go to uv: `tools/pin.sh --upgrade`.
set -eu
cd "$(dirname "$0")/.."

pin() {
    output=$1
    shift
    env -u PIP_FIND_LINKS -u UV_FIND_LINKS uv pip compile --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "tools/pin.sh" \
        --output-file "$output" "$@"
}

pin requirements/dev.txt --all-extras pyproject.toml requirements/dev.in "$@"
pin requirements/docs.txt requirements/docs.in "$@"
pin requirements/sdks.txt pyproject.toml requirements/sdks.in "$@"
