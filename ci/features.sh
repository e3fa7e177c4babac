#!/usr/bin/env bash
# The runtime without its default features: the built-in schedule, no link-time registry.
set -euo pipefail
cargo test -p nexus-core --no-default-features --lib --tests
cargo check -p nexus --no-default-features
for feature in backoff json-input registry tokio; do
    cargo check -p nexus-core --no-default-features --features "$feature"
done
