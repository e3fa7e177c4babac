#!/usr/bin/env bash
# What `#[event]` costs the compiler: a debug build of 500 events and a pipeline over them, beside one
# of the same functions without the attribute, in turn, with all dependencies built before. Prints the
# medians in seconds. `ci/compile_time.sh 1000 21` builds 1,000 events, 21 times.
set -euo pipefail
cd "$(dirname "$0")/.."
events=${1:-500} rounds=${2:-11}
root=$PWD
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}/compile_time CARGO_TERM_COLOR=never
crates=$(mktemp -d)
trap 'rm -rf "$crates"' EXIT

functions() { # ATTRIBUTE PIPED: the functions, with what stands above them and before what is piped
    local n
    printf 'pub struct Order {\n    pub items: Vec<String>,\n    pub total: u64,\n}\n\n'
    for ((n = 0; n < events; n++)); do
        case $((n % 4)) in
        0) printf '%s\npub fn step_%d(%sn: &u64, order: &Order, currency: &str) -> Outcome<u64> {\n' "$1" $n "$2"
            printf '    if currency.is_empty() {\n        return Outcome::failure("no currency");\n    }\n'
            printf '    Outcome::success(n + order.total)\n}\n\n' ;;
        1) printf '%s\npub fn step_%d(%sn: &u64, limit: u64) -> Result<u64, std::num::TryFromIntError> {\n' "$1" $n "$2"
            printf '    Ok(u64::from(u32::try_from(*n)?).min(limit))\n}\n\n' ;;
        2) printf '%s\npub fn step_%d(%sn: u64, order: &Order) -> Outcome<u64> {\n' "$1" $n "$2"
            printf '    Outcome::success(n + order.items.len() as u64)\n}\n\n' ;;
        3) printf '%s\npub fn step_%d(%sn: &u64, order: &Order, limit: u64, ctx: &Context) -> Outcome<u64> {\n' "$1" $n "$2"
            printf '    Outcome::success(n.min(&limit) + order.total + u64::from(ctx.attempt()))\n}\n\n' ;;
        esac
    done
}

write() { # NAME: a package whose library is read from the standard input
    mkdir -p "$crates/$1/src"
    printf '[package]\nname = "%s"\nedition = "2024"\n\n[dependencies]\nnexus = { path = "%s" }\n' \
        "$1" "$root" > "$crates/$1/Cargo.toml"
    { printf 'use nexus::prelude::*;\n\n' && cat; } > "$crates/$1/src/lib.rs"
}

printf '[workspace]\nresolver = "3"\nmembers = ["events", "plain"]\n' > "$crates/Cargo.toml"
cp Cargo.lock rust-toolchain.toml "$crates"
functions '' '' | write plain
{
    functions '#[event]' '#[piped] '
    printf '#[event]\npub fn begin(order: &Order) -> Outcome<u64> {\n    Outcome::success(order.total)\n}\n\n'
    printf '#[derive(Pipeline)]\n#[pipeline(flow = begin'
    for ((n = 0; n < events; n++)); do printf ' |-> step_%d' $n; done
    printf ')]\npub struct Orders {\n    pub order: Order,\n    pub currency: String,\n    pub limit: u64,\n}\n'
} | write events

cd "$crates"
cargo build -q -p events -p plain
for ((round = 0; round < rounds; round++)); do
    for name in events plain; do
        touch "$name/src/lib.rs"
        rm -rf "$CARGO_TARGET_DIR"/debug/incremental/"$name"-*
        begin=$(date +%s%N)
        cargo build -q -p $name
        printf '%s %d\n' $name $((($(date +%s%N) - begin) / 1000000))
    done
done | sort -k1,1 -k2,2n | awk -v rounds="$rounds" -v events="$events" '
    { took[$1, ++seen[$1]] = $2 / 1000 }
    END {
        middle = int((rounds + 1) / 2)
        with = took["events", middle]; without = took["plain", middle]
        printf "%d events and a pipeline: %.2f s; the functions alone: %.2f s; the difference: %.2f s\n",
            events, with, without, with - without
    }'
