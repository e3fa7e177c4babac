#!/usr/bin/env bash
# Licences, sources and bans of all dependencies; advisories where their database can be reached.
set -euo pipefail
tools=${CARGO_TARGET_DIR:-target}/tools
if [ ! -x "$tools/bin/cargo-deny" ]; then
    cargo install --quiet --locked --root "$tools" cargo-deny@0.19.0
fi
deny="$tools/bin/cargo-deny"
"$deny" check bans licenses sources
if timeout 60 "$deny" fetch db >/dev/null 2>&1; then
    "$deny" check advisories
else
    echo "advisories: their database cannot be reached from here, so they were not looked at"
fi
