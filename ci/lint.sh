#!/usr/bin/env bash
set -euo pipefail
cargo clippy --workspace --all-targets -- -D warnings
cargo clippy -p nexus-examples --features night_shift --example night_shift -- -D warnings
