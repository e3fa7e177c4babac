#!/usr/bin/env bash
# The benchmark runs and prints what it promises. Its numbers are not judged here, since CI machines are
# shared: so the build of `cargo test` and one round are enough.
set -euo pipefail
cargo build -q --workspace --bins
built=${CARGO_TARGET_DIR:-target}/debug
lines=$("$built/nexus-bench" --json --rounds 1)
lines+=$'\n'$("$built/nexus-bench" --json --rounds 1 growth_inline_runs)
lines+=$'\n'$("$built/allocations" --json)
printf '%s\n' "$lines"
printf '%s\n' "$lines" | python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
for line in lines:
    assert set(line) - {"size"} == {"work", "unit", "nexus", "baselines", "ratio", "runs"}, line
    assert line["nexus"] > 0 or line["work"] == "allocs_per_step", line
    assert line["baselines"].keys() == line["ratio"].keys(), line
works = {line["work"] for line in lines}
assert {"chain_inline", "fanout_group", "process_roundtrip", "process_pipelined", "async_chain",
        "async_fanout", "plan_build", "store_one_by_one", "store_batches_64_runs", "durable_one_run", "durable_replay",
        "growth_inline_runs", "allocs_per_step"} <= works, works
'
