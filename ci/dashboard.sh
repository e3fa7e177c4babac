#!/usr/bin/env bash
# The dashboard, which the tests of the workspace leave out: its package takes axum and hyper.
set -euo pipefail
cargo clippy -p nexus-dashboard --all-targets --features server -- -D warnings
cargo clippy -p nexus --features dashboard -- -D warnings
cargo test -p nexus-dashboard --features server
