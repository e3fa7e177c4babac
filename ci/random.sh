#!/usr/bin/env bash
# The property tests with other cases than `cargo test`, which draws the same ones always. Without a seed in
# the environment, the files of the commit give one: each change sees new cases, and the same commit never
# passes once and fails the next time. With the clock's: `PROPTEST_RNG_SEED=$(date +%s%N) ci/random.sh`.
set -euo pipefail
files=$(git rev-parse 'HEAD^{tree}' 2>/dev/null) || files=1
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-$((16#${files:0:15}))}
again="PROPTEST_RNG_SEED=$PROPTEST_RNG_SEED ci/random.sh"
printf 'drawn again by: %s\n' "$again"
cargo test -q --workspace --lib --test format --test model --test random || {
    printf 'failed; the same cases are drawn again by: %s\n' "$again" >&2
    exit 1
}
