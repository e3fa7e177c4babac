#!/usr/bin/env bash
# The API's documentation, and the links of the guide and of the README. The guide's code runs with
# the tests.
set -euo pipefail
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
python3 docs/check_links.py
