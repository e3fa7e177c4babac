#!/usr/bin/env bash
# Counts the instructions of a step, a node, an item and a whole run under callgrind, and compares
# them with those of benches/instructions.txt: more than 3 % above one of them is an error, whatever
# else the machine does. `UPDATE=1 ci/instructions.sh` accepts the new numbers.
set -euo pipefail
command -v valgrind >/dev/null || { apt-get update -q && apt-get install -qy valgrind; } >/dev/null
cargo build -q --release -p nexus-bench --bin instructions
binary=${CARGO_TARGET_DIR:-target}/release/instructions
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# The C library chooses its copying routines by the processor; these are the same everywhere.
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM
"$binary" | while read -r name parts; do
    valgrind --tool=callgrind --toggle-collect='*counted_runs*' \
        --callgrind-out-file="$scratch/out" "$binary" "$name" 2>/dev/null
    awk -v name="$name" -v parts="$parts" \
        '/^(summary|totals):/ { total = $2 } END { printf "%s %.1f\n", name, total / parts }' \
        "$scratch/out"
done | tee "$scratch/now"
if [ "${UPDATE:-}" = 1 ]; then
    cp "$scratch/now" benches/instructions.txt
    exit
fi
awk 'NR == FNR { before[$1] = $2; next }
    !($1 in before) { printf "%s is not in benches/instructions.txt\n", $1; wrong = 1 }
    $2 > before[$1] * 1.03 { printf "%s: %s instructions, up from %s\n", $1, $2, before[$1]; wrong = 1 }
    END { exit wrong }' benches/instructions.txt "$scratch/now"
