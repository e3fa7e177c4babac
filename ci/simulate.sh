#!/usr/bin/env bash
# Random flows of the whole grammar in the simulator, as many seeds as the first argument says: crashes
# at every kind of record, torn, missing and reordered commits, lost workers, exceptions, timeouts,
# cancellations, steps that wait for the world outside. All of it happens twice, in two processes, and
# must be the same.
set -euo pipefail
export SIMULATED_SEEDS=${1:-100000}
simulate() {
    cargo test -q --release -p nexus-core --features durable,tokio --test model \
        -- --nocapture random_flows_come_to_their_end | grep 'hash of all traces'
}
first=$(simulate)
printf '%s\n' "$first"
again=$(simulate)
[ "$first" = "$again" ] || {
    printf 'the same seeds gave other traces: %s\n' "$again" >&2
    exit 1
}
