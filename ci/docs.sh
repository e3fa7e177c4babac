#!/usr/bin/env bash
# The API's documentation; the guide as a book; the links of the guide and of the README. The guide's
# code runs with the tests.
set -euo pipefail
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
ci/book.sh
python3 docs/check_links.py
