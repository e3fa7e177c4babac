#!/usr/bin/env bash
# The guide as a book, in target/book. mdBook has no option to fail on what it warns of.
set -euo pipefail
mdbook=$(ci/tool.sh mdbook)
book=$(realpath -m "${CARGO_TARGET_DIR:-target}/book")
said=$("$mdbook" build docs --dest-dir "$book" 2>&1) || {
    printf '%s\n' "$said" >&2
    exit 1
}
printf '%s\n' "$said"
if printf '%s\n' "$said" | grep -qE '\b(WARN|ERROR)\b'; then
    echo "mdBook warns of something" >&2
    exit 1
fi
