#!/usr/bin/env bash
# Kills a service around the times at which its schedule fires, so often as the first argument says, and
# sees to it that each of these times has one run.
set -euo pipefail
NEXUS_SCHEDULE_KILLS="${1:-50}" cargo test -q --workspace --test cli -- each_firing
