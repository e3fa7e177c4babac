#!/usr/bin/env bash
# Kills a program with durable runs at random moments, so often as the first argument says, and sees
# to it that nothing is lost or done twice; the second argument is another signal: TERM or STOP. Then
# it cuts the power in the middle of a run, at more than a thousand places.
set -euo pipefail
cargo test -q --workspace --test durable_kill -- "${1:-100}" "${2:-KILL}"
NEXUS_POWER_CUTS=30 cargo test -q --workspace --test sqlite power_of_run -- --nocapture
