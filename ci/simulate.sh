#!/usr/bin/env bash
# Random flows of the whole grammar in the simulator: crashes at every kind of record, torn, missing and
# reordered commits, lost workers, exceptions, timeouts, cancellations, steps that wait for the world
# outside, runs that are tried again. All of it happens twice, in two processes, and must be the same to
# the byte.
#
# As many seeds as the first argument says, from 0 on, in a release build; without it a thousand from
# 1,000 on, in the build of `cargo test`. `SIMULATED_FROM=$(date +%s) ci/simulate.sh` takes a thousand that
# nobody has seen yet.
set -euo pipefail
if [ $# -gt 0 ]; then
    export SIMULATED_SEEDS=$1 SIMULATED_FROM=${SIMULATED_FROM:-0}
    build=(--release -p nexus-core --features durable,tokio)
else
    export SIMULATED_SEEDS=1000 SIMULATED_FROM=${SIMULATED_FROM:-1000}
    build=(--workspace)
fi
simulate() {
    local said
    said=$(cargo test -q "${build[@]}" --test model -- --nocapture random_flows_come_to_their_end 2>&1) || {
        printf '%s\n' "$said" >&2
        return 1
    }
    printf '%s\n' "$said" >&2
    grep 'hash of all traces' <<<"$said"
}
first=$(simulate)
again=$(simulate)
[ "$first" = "$again" ] || {
    printf 'the same seeds, from %s on, gave other traces\n' "$SIMULATED_FROM" >&2
    exit 1
}
