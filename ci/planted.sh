#!/usr/bin/env bash
# Plants each bug of ci/planted/ in a copy of the last commit, and has the simulator look for it in as
# many seeds as the first argument says. Says which seed has found it, and by what.
set -euo pipefail
export SIMULATED_SEEDS=${1:-5000} CARGO_TARGET_DIR="$PWD/target/planted/build" RUST_BACKTRACE=0
tree=target/planted/tree
rm -rf "$tree"
mkdir -p "$tree"
git archive HEAD | tar -x -C "$tree"
log=target/planted/log
missed=0
look() {
    cargo test -q --manifest-path "$tree/nexus-core/Cargo.toml" --features durable,tokio \
        --test model "$@" >"$log" 2>&1
}
for bug in ci/planted/*.patch; do
    name=$(basename "$bug" .patch)
    patch -s -p1 -d "$tree" <"$bug"
    if ! look --no-run; then
        cat "$log" >&2
        printf '%s does not compile\n' "$name" >&2
        exit 1
    fi
    if look -- random_flows_come_to_their_end; then
        printf '%-40s not found in %s seeds\n' "$name" "$SIMULATED_SEEDS"
        missed=1
    else
        seed=$(sed -n 's/^again: NEXUS_SIMULATION_SEED=\([0-9]*\).*/\1/p' "$log")
        why=$(grep -B1 '^again: ' "$log" | head -1 | cut -c1-120)
        printf '%-40s seed %5s: %s\n' "$name" "$seed" "$why"
    fi
    patch -s -R -p1 -d "$tree" <"$bug"
done
exit $missed
