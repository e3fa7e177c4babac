#!/usr/bin/env bash
# Licences, sources and bans of all dependencies; advisories where their database can be reached.
set -euo pipefail
deny=$(ci/tool.sh cargo-deny)
"$deny" check bans licenses sources
if timeout 60 "$deny" fetch db >/dev/null 2>&1; then
    "$deny" check advisories
else
    echo "advisories: their database cannot be reached from here, so they were not looked at"
fi
