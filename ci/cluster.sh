#!/usr/bin/env bash
# Servers to try the feature `restate` with, in a temporary folder, on free ports of this machine alone.
#
#   ci/cluster.sh test              the tests that need servers: one node, then three, then a balancer
#   ci/cluster.sh bench [calls]     what a step costs beside the bare SDK, on one node; a minute
#   ci/cluster.sh instructions      how many instructions worker and client take for a step, by valgrind
#   ci/cluster.sh run NODES CMD ..  runs a command while so many nodes are up: it finds their addresses, one
#                                   for each node, in NEXUS_CLUSTER_INGRESS and NEXUS_CLUSTER_ADMIN; what it
#                                   starts anew itself, by NEXUS_CLUSTER_SERVER and NEXUS_CLUSTER_FOLDER, it
#                                   is to end itself
#   ci/cluster.sh install           installs the server, and prints where it is
#
# The server is a program of its own, under the Business Source License 1.1. It comes from npm's package
# registry, is kept in target/tools, and needs no node to run. When it begins it asks whether there is a
# newer version of it, which cannot be switched off.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
version=1.7.12
partitions=4
case $(uname -sm) in
"Linux x86_64")
    package=restate-server-linux-x64
    hash=511a2d275008a9a4820e444c9783ab41f4cb1fe358b8e65bdd9b0fef0c718ae001ea99dc80f8535184af7a04c5e4f4eb0128673721cda63bbd9237f63b7431a0
    ;;
*)
    echo "ci/cluster.sh knows the server for Linux on x86-64 alone; say in RESTATE_SERVER where another one is" >&2
    [ -n "${RESTATE_SERVER:-}" ] || exit 1
    ;;
esac

install() {
    if [ -n "${RESTATE_SERVER:-}" ]; then
        server=$RESTATE_SERVER
        return
    fi
    local tools=${CARGO_TARGET_DIR:-$root/target}/tools/$package-$version
    server=$tools/package/bin/restate-server
    if [ ! -x "$server" ]; then
        rm -rf "$tools"
        mkdir -p "$tools"
        local packed
        packed=$(cd "$tools" && npm pack --silent --ignore-scripts "@restatedev/$package@$version")
        printf '%s  %s\n' "$hash" "$tools/$packed" | sha512sum --check --quiet
        tar -xzf "$tools/$packed" -C "$tools"
        rm "$tools/$packed"
    fi
}

# So many ports that nobody listens at, below those from which connections are made: one of them might
# have it before a server does, or while a server that was killed is not there again.
free_ports() {
    python3 -c '
import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    one = socket.socket()
    try:
        one.bind(("127.0.0.1", random.randrange(10000, 32768)))
        held.append(one)
    except OSError:
        pass
print(*(one.getsockname()[1] for one in held))' "$1"
}

configure() { # NODE: writes its configuration
    local node=$1 at=$((3 * ($1 - 1)))
    cat <<TOML
cluster-name = "nexus"
node-name = "node-$node"
base-dir = "$folder/node-$node"
bind-ip = "127.0.0.1"
advertised-host = "127.0.0.1"
bind-port = ${ports[at]}
listen-mode = "tcp"
auto-provision = $([ "$node" = 1 ] && echo true || echo false)
default-num-partitions = $partitions
default-replication = $([ "$nodes" = 1 ] && echo 1 || echo 2)
disable-telemetry = true
log-filter = "warn"

[metadata-client]
type = "replicated"
addresses = [$(printf '"%s",' $members)]

[admin]
bind-port = ${ports[at + 1]}
disable-web-ui = true

[ingress]
bind-port = ${ports[at + 2]}
TOML
}

start() { # NODES
    nodes=$1 pids=()
    folder=$(mktemp -d)
    trap stop EXIT
    read -ra ports <<< "$(free_ports $((3 * nodes)))"
    members='' ingress='' admin=''
    local node
    for ((node = 1; node <= nodes; node++)); do
        members+="http://127.0.0.1:${ports[3 * (node - 1)]} "
        admin+="http://127.0.0.1:${ports[3 * (node - 1) + 1]} "
        ingress+="http://127.0.0.1:${ports[3 * (node - 1) + 2]} "
    done
    for ((node = 1; node <= nodes; node++)); do
        configure "$node" > "$folder/node-$node.toml"
        "$server" --no-logo --config-file "$folder/node-$node.toml" > "$folder/node-$node.log" 2>&1 &
        pids+=($!)
    done
    local url
    for url in $admin; do wait_for "$url/health"; done
    for url in $ingress; do wait_for "$url/restate/health"; done
    # Partitions find their leaders some seconds after that.
    local tries
    for ((tries = 0; tries < 1200; tries++)); do
        [ "$(leaders)" -lt $partitions ] || return 0
        sleep 0.1
    done
    echo "$(leaders) of $partitions partitions have a leader" >&2
    return 1
}

# How many partitions have one. Older servers, such as 1.7.2, say it of each partition.
leaders() {
    local url
    for url in $members; do curl -s "$url/metrics"; done |
        awk '/^restate_(num_active_partition_leaders|partition_is_effective_leader)[{]/ { led += $NF } END { print led + 0 }'
}

wait_for() { # URL
    local tries
    for ((tries = 0; tries < 1200; tries++)); do
        if [ "$(curl -s -o /dev/null -w '%{http_code}' "$1")" = 200 ]; then return; fi
        sleep 0.1
    done
    echo "nobody answers at $1" >&2
    tail -n 20 "$folder"/*.log >&2
    return 1
}

stop() {
    if [ ${#pids[@]} -gt 0 ]; then
        # A test may have killed some of them.
        kill "${pids[@]}" 2>/dev/null || true
        local tries
        for ((tries = 0; tries < 50; tries++)); do
            kill -0 "${pids[@]}" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "${pids[@]}" 2>/dev/null || true
        wait "${pids[@]}" 2>/dev/null || true
    fi
    rm -rf "$folder"
    trap - EXIT
}

run() { # NODES CMD ..
    start "$1"
    shift
    local ended=0
    NEXUS_CLUSTER_INGRESS=$ingress NEXUS_CLUSTER_ADMIN=$admin NEXUS_CLUSTER_NODES=$members \
        NEXUS_CLUSTER_PIDS="${pids[*]}" NEXUS_CLUSTER_SERVER=$server NEXUS_CLUSTER_FOLDER=$folder "$@" || ended=$?
    [ $ended = 0 ] || tail -n 20 "$folder"/*.log >&2
    stop
    return $ended
}

# What 20 runs of ten steps take more than 10, of each shape, for a step: without what begins once.
count_instructions() { # PROGRAM
    local program=$1 shape whose
    taken() { # TIMES
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" repeat "$shape" "$whose" "$1" 2>&1 |
            awk '/Collected :/ { print $NF }'
    }
    for shape in calls steps; do
        for whose in bare nexus; do
            echo "$shape, $whose: $((($(taken 20) - $(taken 10)) / 100)) instructions a step"
        done
    done
}

case ${1:-test} in
install)
    install
    printf '%s\n' "$server"
    ;;
run)
    install
    shift
    run "$@"
    ;;
test)
    install
    cd "$root"
    shift || true
    # The same features for all of them, so that nothing is compiled twice.
    both=(-p nexus -p nexus-restate --features nexus/cli,nexus/restate,nexus-restate/sdk)
    cargo clippy "${both[@]}" --all-targets -- -D warnings
    cargo test -q -p nexus-restate --features sdk --lib
    cargo test "${both[@]}" --doc -- guide::cluster restate/src
    cargo build -q "${both[@]}" --test cli --test cluster
    cargo test -q "${both[@]}" --test cli -- cluster
    run 1 cargo test -q "${both[@]}" --test cli -- with_servers
    run 1 cargo test -q "${both[@]}" --test cluster -- one "$@"
    run 1 cargo test -q "${both[@]}" --test cluster -- restarted "$@"
    run 3 cargo test -q "${both[@]}" --test cluster -- three "$@"
    command -v haproxy >/dev/null || { apt-get update -q && apt-get install -qy haproxy; } >/dev/null
    run 1 cargo test -q "${both[@]}" --test cluster -- balanced "$@"
    ;;
bench)
    install
    cd "$root"
    cargo build -q --release -p nexus-restate --features sdk --test cluster
    shift
    run 1 cargo test -q --release -p nexus-restate --features sdk --test cluster -- measure "$@"
    ;;
instructions)
    install
    cd "$root"
    program=$(cargo test -q --release -p nexus-restate --features sdk --test cluster --no-run --message-format=json |
        sed -n 's/.*"executable":"\([^"]*\/cluster-[^"]*\)".*/\1/p')
    run 1 bash -c "$(declare -f count_instructions); count_instructions '$program'"
    ;;
*)
    sed -n '2,/^set/{/^set/d; s/^# \{0,1\}//p;}' "$0" >&2
    exit 2
    ;;
esac
