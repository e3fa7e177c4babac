#!/usr/bin/env bash
# Spans and metrics over OTLP to a receiver, which the tests of the workspace leave out: it takes
# OpenTelemetry and its exporter.
set -euo pipefail
cargo clippy -p nexus-telemetry --all-targets --features otlp,process,logs -- -D warnings
cargo clippy -p nexus --features tracing -- -D warnings
cargo clippy -p nexus --no-default-features --features metrics -- -D warnings
cargo clippy -p nexus --features opentelemetry -- -D warnings
cargo test -p nexus-telemetry --features otlp,process,logs
cargo test -p nexus --features logs,metrics --doc guide::watching
