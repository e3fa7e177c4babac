#!/usr/bin/env bash
# The property tests with cases that nobody has seen yet; `cargo test` draws the same ones always.
# Without a seed in the environment, the clock gives one.
set -euo pipefail
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-$(date +%s%N)}
again="PROPTEST_RNG_SEED=$PROPTEST_RNG_SEED ci/random.sh"
printf 'drawn again by: %s\n' "$again"
cargo test -q --workspace --lib --test format --test model --test random || {
    printf 'failed; the same cases are drawn again by: %s\n' "$again" >&2
    exit 1
}
