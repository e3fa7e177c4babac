#!/usr/bin/env bash
# Each example runs, says what the README says, and fails as it should.
set -euo pipefail
cargo build --examples

refuses() { # COMMAND..: exits with an error on bad input, in one line
    local said
    if said=$("$@" 2>&1 >/dev/null); then
        echo "did not fail: $*" >&2
        exit 1
    fi
    printf '%s\n' "$said" | tail -n 1
}

orders=$(cargo run -q --example order_processing)
printf '%s\n' "$orders"
[ "$(printf '%s\n' "$orders" | wc -l)" -eq 14 ]
grep -q 'A-1007 .*paid.*\[3 attempts, waited 200ms and 400ms\]' <<<"$orders"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
refuses cargo run -q --example order_processing "$scratch/missing.json" | grep 'cannot read'

# Killed at random moments and started again: the program itself compares the service's book.
binary=${CARGO_TARGET_DIR:-target}/debug/examples/order_processing
for _ in $(seq 20); do
    "$binary" --store "$scratch/orders.db" > "$scratch/durable" & sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
    kill -9 $! 2>/dev/null || true
    wait $! 2>/dev/null || true
done
"$binary" --store "$scratch/orders.db" > "$scratch/durable"
[ "$(wc -l < "$scratch/durable")" -eq 14 ]
"$binary" --store "$scratch/orders.db" | cmp - "$scratch/durable"
[ -z "$(cut -d' ' -f2 "$scratch/orders.book" | sort | uniq -d)" ]

echo '[{"order_id": 7}]' > "$scratch/bad.json"
refuses cargo run -q --example order_processing "$scratch/bad.json" | grep 'line 1 column'

data=examples/data/weather/nyc_airports_2013.csv
loaded=$(cargo run -q --example weather_etl "$data" "$scratch/weather.sqlite")
printf '%s\n' "$loaded"
counted=$(awk -F, 'NR > 1 && $6 != "NA" && $8 != "NA" && $10 != "NA" && $10 <= 250 &&
    $12 != "NA" && $13 != "NA" { n[$1]++; sum[$1] += ($6 - 32) / 1.8 }
    END { for (s in n) printf "  %s  %5d rows, %.2f °C on average\n", s, n[s], sum[s] / n[s] }' "$data" | sort)
[ "$(printf '%s\n' "$loaded" | tail -n 3)" = "$counted" ] || {
    printf 'the database and awk differ:\n%s\n' "$counted" >&2
    exit 1
}
python3 - "$scratch/weather.sqlite" <<'PY'
import sqlite3, sys
rows, = sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM observations").fetchone()
assert rows == 2913, rows
PY
refuses cargo run -q --example weather_etl "$scratch/missing.csv" | grep 'missing.csv'

thumbs=$scratch/thumbnails
made=$(cargo run -q --example image_thumbnails examples/data/images "$thumbs" 2>"$scratch/progress")
printf '%s\n' "$made"
[ "$(grep -c ' [1-5] sizes$' <<<"$made")" -eq 10 ]
grep -q '^damaged.ppm  *Poisoned: 3 workers died of this input' <<<"$made"
[ "$(grep -c '^picture [0-9]*: .*SIGABRT' "$scratch/progress")" -eq 3 ]
grep -q '^10 of 11 pictures$' "$scratch/progress"
[ "$(find "$thumbs" -name '*.jpg' -size +1k | wc -l)" -eq 25 ] # 24 and the contact sheet
mkdir "$scratch/empty"
refuses cargo run -q --example image_thumbnails "$scratch/missing" "$thumbs" | grep 'cannot read'
refuses cargo run -q --example image_thumbnails "$scratch/empty" "$thumbs" | grep 'no pictures in'

# Ctrl-C as soon as the first picture is done. Where the machine stands still just then, the others are done
# before the program hears of it.
binary=${CARGO_TARGET_DIR:-target}/debug/examples/image_thumbnails
python3 - "$binary" examples/data/images "$scratch/interrupted" <<'PY'
import signal, subprocess, sys
for _ in range(10):
    run = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert any("of 11 pictures" in line for line in run.stderr), "it shows no progress"
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=60)
    if said.startswith("interrupted: "):
        break
print(said, end="")
assert run.returncode == 130, run.returncode
assert said.startswith("interrupted: ") and said.count("\n") == 1, said
PY

routed=$(cargo run -q --example premium_routing)
grep -q 'went to `101` (Premium user detected)' <<<"$routed"
grep -q 'bypassed (Maintenance mode active)' <<<"$routed"
grep -q 'stopped in .* by `stop_on_error`' <<<"$routed"

paid=$(cargo run -q --example checkout pot=1900 cup=300)
printf '%s\n' "$paid"
[ "$(grep -c 'charge_.*success; 3 attempts' <<<"$paid")" -eq 2 ]
grep -q '^  1100 2 items$' <<<"$paid"
refuses cargo run -q --example checkout | grep 'stopped at `check_order`'
refuses cargo run -q --example checkout pot | grep '`pot` has no price'

cargo run -q --example cli -- run OrderPipeline --input examples/data/shop.json | tee "$scratch/shop"
grep -q '^OrderPipeline succeeded' "$scratch/shop"
grep -q '^"4 orders, 199.30 EUR"$' "$scratch/shop"
wrong() { # EDIT EXPECTED: the shop refuses the orders so edited, with code 2 and such a message
    local code=0
    sed "$1" examples/data/shop.json > "$scratch/wrong.json"
    cargo run -q --example cli -- run OrderPipeline --input "$scratch/wrong.json" \
        > "$scratch/out" 2> "$scratch/err" || code=$?
    cat "$scratch/err"
    [ "$code" -eq 2 ] && [ ! -s "$scratch/out" ]
    grep -qF "$2" "$scratch/err"
}
wrong 's/1850/"x"/' 'wrong.json:4:67: `orders[1].total`: expected u64, found string "x"'
wrong 's/"total": 990, //' 'wrong.json:5:71: `orders[2]`: missing field `total`'
wrong 's/"orders"/"order"/' '`order` is no field of the pipeline; did you mean `orders`?'
grep -qF 'wrong.json: the field `orders: Vec<Order>` is missing' "$scratch/err"

# A night of the service: fired by hand, seen on its page, ended as systemd would.
cargo build -q -p nexus-examples --features night_shift --example night_shift
python3 - "${CARGO_TARGET_DIR:-target}/debug/examples/night_shift" "$scratch" <<'PY'
import http.server, json, os, signal, sqlite3, subprocess, sys, threading, urllib.parse, urllib.request
program, scratch = os.path.abspath(sys.argv[1]), sys.argv[2]
os.mkdir(f"{scratch}/target")
# A collector for the spans.
spans = []
class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        for resource in body["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                spans.extend(scope["spans"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *_):
        pass
collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=collector.serve_forever, daemon=True).start()
options = dict(cwd=scratch, env=dict(os.environ, NEXUS_STORE=f"{scratch}/night.db", LOGNAME="ada",
               OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}"), text=True)
def call(*arguments):
    return subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE, **options).stdout
service = subprocess.Popen([program, "serve", "--json", "--dashboard", "127.0.0.1:0"], stdout=subprocess.PIPE, **options)
try:
    events = (json.loads(line) for line in service.stdout)
    until = lambda name: next(event for event in events if event["event"] == name)
    page = until("dashboard")["address"]
    call("schedules", "pause", "NightShift") # should it be half past two in New York
    assert "America/New_York" in call("schedules", "list")
    call("schedules", "fire", "NightShift")
    ended = until("ended")
    assert (ended["status"], ended["pipeline"]) == ("succeeded", "NightShift"), ended
    shown = json.load(urllib.request.urlopen(page + "api/v1/runs"))
    assert [run["key"] for run in shown["runs"]] == [ended["run"]], shown
    of_run = f"{page}api/v1/runs/{urllib.parse.quote(ended['run'], safe='')}"
    logged = json.load(urllib.request.urlopen(f"{of_run}/logs?path=reload"))
    assert [(line["attempt"], line["text"]) for line in logged] == [(1, "loaded rows=2913")], logged
    done = json.load(urllib.request.urlopen(page + "api/v1/actions"))
    assert [(it["by"], it["action"], it["key"]) for it in done] == [("ada", it, "NightShift") for it in ("fire", "pause")], done
    service.send_signal(signal.SIGTERM)
    assert until("summary")["ended"] == 1
    assert service.wait(timeout=60) == 0
finally:
    service.kill()
rows, = sqlite3.connect(f"{scratch}/target/weather.sqlite").execute("SELECT count(*) FROM observations").fetchone()
assert rows == 2913, rows
run, = (span for span in spans if span["name"] == "NightShift" and not span.get("parentSpanId"))
steps = {span["name"] for span in spans if span.get("parentSpanId") == run["spanId"]}
assert steps == {"reload", "verify"}, spans
print(call("runs", "list"), end="")
PY
