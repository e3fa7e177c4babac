#!/usr/bin/env bash
# The pool and the driver under the shuttle model checker.
set -euo pipefail
RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/shuttle \
    cargo test -p nexus-core --lib model
