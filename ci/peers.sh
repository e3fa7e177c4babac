#!/usr/bin/env bash
# The comparison with other crates, a workspace of its own, compiles and prints what it promises.
# Like those of `ci/bench.sh`, its numbers are not judged, and one round is enough.
set -euo pipefail
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}
peers=(--manifest-path benches/peers/Cargo.toml)
cargo fmt "${peers[@]}" --check
cargo clippy "${peers[@]}" -- -D warnings
lines=$(cargo run -q "${peers[@]}" -- --json --rounds 1)
printf '%s\n' "$lines"
printf '%s\n' "$lines" | python3 -c '
import json, sys
lines = {line["work"]: line for line in map(json.loads, sys.stdin)}
for line in lines.values():
    assert line["nexus"] > 0 and all(value > 0 for value in line["baselines"].values()), line
assert {"async_dag", "dag_exec", "dagx"} <= lines["peers_chain"]["baselines"].keys(), lines
assert "rayon_scope" in lines["peers_fanout"]["baselines"], lines
assert "backon" in lines["peers_two_retries"]["baselines"], lines
'
