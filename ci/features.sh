#!/usr/bin/env bash
# The runtime without its default features: the built-in schedule, no link-time registry, no worker
# processes.
set -euo pipefail
cargo test -p nexus-core --no-default-features --lib --tests
cargo clippy -p nexus --no-default-features -- -D warnings
cargo clippy -p nexus -- -D warnings
cargo clippy -p nexus --features durable -- -D warnings
cargo clippy -p nexus --no-default-features --features schedule -- -D warnings
for feature in anyhow backoff durable eyre json-input registry tokio wire; do
    cargo clippy -p nexus-core --no-default-features --features "$feature" -- -D warnings
done
