#!/usr/bin/env bash
# The dashboard, which the tests of the workspace leave out: its package takes axum and hyper.
# `ci/dashboard.sh measure` measures it instead; the machine should have nothing else to do.
set -euo pipefail
if [ "${1-}" = measure ]; then
    shift
    exec cargo run -q --release -p nexus-dashboard --features server --example measure -- "$@"
fi
cargo clippy -p nexus-dashboard --all-targets --features browser -- -D warnings
cargo clippy -p nexus --features cli,dashboard --lib --test cli -- -D warnings
cargo test -p nexus-dashboard --features logs
cargo test -p nexus --features cli,dashboard,logs --doc guide::dashboard
cargo test -p nexus --features cli,dashboard --test cli -- dashboard_

# The page in a real browser. `NEXUS_PICTURES=docs/src/pictures ci/dashboard.sh` takes the guide's pictures.
if ! command -v chromium >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium >/dev/null
fi
cargo test -p nexus-dashboard --features browser --test browser
