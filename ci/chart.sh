#!/usr/bin/env bash
# Measures everything anew and draws the guide's page on performance from it. Takes some minutes; let
# nothing else run on the machine. `python3 docs/draw_performance.py` draws without measuring.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}
cargo build -q --release -p nexus-bench
cargo build -q --release --manifest-path benches/peers/Cargo.toml
measured=$(mktemp)
trap 'rm -f "$measured"' EXIT
python3 - > "$measured" <<'PY'
import datetime, json, os, platform, re, subprocess

def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

processor = re.search(r"^model name\s*: (.*)$", open("/proc/cpuinfo").read(), re.M)
machine = {
    "processor": re.sub(r"\s+", " ", processor[1]) if processor else platform.machine(),
    "cores": os.cpu_count(),
    "kernel": f"{platform.system()} {platform.release()}",
    "rustc": " ".join(said("rustc", "--version").split()[:2]),
    "revision": said("git", "describe", "--always", "--dirty"),
    "date": datetime.date.today().isoformat(),
}
print(json.dumps({"machine": machine}, ensure_ascii=False))
PY
"$CARGO_TARGET_DIR/release/nexus-peers" --json >> "$measured"
"$CARGO_TARGET_DIR/release/nexus-bench" --json >> "$measured"
"$CARGO_TARGET_DIR/release/allocations" --json >> "$measured"
"$CARGO_TARGET_DIR/release/nexus-bench" --growth --json >> "$measured"
cp "$measured" docs/src/performance.jsonl
python3 docs/draw_performance.py
