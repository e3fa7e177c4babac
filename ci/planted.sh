#!/usr/bin/env bash
# Plants bugs in a copy of the last commit, one after the other, and has the simulator look for each in
# as many seeds as the first argument says, for ten minutes at most. Says which seed has found it, and
# by what. Further arguments are the names of bugs; without, all those of ci/planted/ are planted.
set -euo pipefail
export SIMULATED_SEEDS=${1:-20000} CARGO_TARGET_DIR="$PWD/target/planted/build" RUST_BACKTRACE=0
tree=target/planted/tree
log=target/planted/log
rm -rf "$tree"
mkdir -p "$tree"
git archive HEAD | tar -x -C "$tree"
simulator=(cargo test -q --manifest-path "$tree/nexus-core/Cargo.toml" --features durable,tokio
    --test model)
bugs=("${@:2}")
[ ${#bugs[@]} -gt 0 ] || bugs=($(basename -s .patch ci/planted/*.patch))
missed=0
for bug in "${bugs[@]}"; do
    patch -s -p1 -d "$tree" <"ci/planted/$bug.patch"
    if ! "${simulator[@]}" --no-run >"$log" 2>&1; then
        cat "$log" >&2
        printf '%s does not compile\n' "$bug" >&2
        exit 1
    fi
    status=0
    timeout 600 "${simulator[@]}" -- random_flows_come_to_their_end >"$log" 2>&1 || status=$?
    seed=$(sed -n 's/^again: NEXUS_SIMULATION_SEED=\([0-9]*\).*/\1/p' "$log")
    if [ -n "$seed" ]; then
        why=$(grep -B1 '^again: ' "$log" | head -1 | cut -c1-120)
        printf '%-42s seed %5s: %s\n' "$bug" "$seed" "$why"
    else
        printf '%-42s not found, status %s\n' "$bug" "$status"
        missed=1
    fi
    patch -s -R -p1 -d "$tree" <"ci/planted/$bug.patch"
done
exit $missed
