#!/usr/bin/env bash
# Kills a program with durable runs at random moments, so often as the first argument says, and sees
# to it that nothing is lost or done twice; the second argument is another signal: TERM or STOP.
set -euo pipefail
cargo test -q -p nexus --test durable_kill -- "${1:-100}" "${2:-KILL}"
