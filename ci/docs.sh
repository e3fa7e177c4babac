#!/usr/bin/env bash
# The API's documentation; the guide as a book; the links of the guide and of the README; the chart and
# the tables of its page on performance. The guide's code runs with the tests.
set -euo pipefail
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
ci/book.sh
python3 docs/check_links.py
python3 docs/draw_performance.py --check
python3 docs/write_errors.py --check
