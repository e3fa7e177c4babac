//! Fuzzes the parser, the checks and the formatter:
//! `cargo run --release -p nexus-pointy --all-features --example fuzz -- [--seconds N] [--seed N]`.
//!
//! Ends at the first input that panics, takes too long, takes too much memory, or breaks a
//! property of `tests/common/checks.rs`; prints that input and exits with 1.
#![allow(clippy::unwrap_used, reason = "a tool for developers")]

#[path = "../tests/common/checks.rs"]
mod checks;
#[path = "../tests/common/fuzz.rs"]
mod fuzz;

use std::process::exit;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// No run of inputs of 16 KiB may take the process over this.
const MAX_MEMORY: u64 = 512 << 20;

fn main() {
    let (seconds, seed) = arguments();
    println!("seed {seed}, {seconds} s");
    let mut fuzzer = fuzz::Fuzzer::new(seed);
    let start = Instant::now();
    let mut next = Duration::from_secs(10);
    while start.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..64 {
            if let Err(what) = fuzzer.step() {
                println!("{what}\nseed {seed}, input {}", fuzzer.stats.inputs);
                exit(1);
            }
        }
        if peak_memory().is_some_and(|bytes| bytes > MAX_MEMORY) {
            println!("more than {MAX_MEMORY} bytes of memory by input {}", fuzzer.stats.inputs);
            exit(1);
        }
        if start.elapsed() > next {
            next += Duration::from_secs(30);
            report(&fuzzer, start.elapsed());
        }
    }
    report(&fuzzer, start.elapsed());
}

fn report(fuzzer: &fuzz::Fuzzer, elapsed: Duration) {
    let stats = &fuzzer.stats;
    println!(
        "{:4.0} s: {} inputs ({}/s), {} MB, {} without a mistake, corpus {}, slowest {:?}, peak memory {}",
        elapsed.as_secs_f64(),
        stats.inputs,
        u128::from(stats.inputs) * 1_000 / elapsed.as_millis().max(1),
        stats.bytes / 1_000_000,
        stats.valid,
        fuzzer.corpus(),
        stats.slowest,
        peak_memory().map_or("unknown".to_owned(), |bytes| format!("{} MiB", bytes >> 20)),
    );
}

fn arguments() -> (u64, u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (mut seconds, mut seed) = (60, now.as_nanos() as u64);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|value| value.parse().ok());
        match (name.as_str(), value) {
            ("--seconds", Some(value)) => seconds = value,
            ("--seed", Some(value)) => seed = value,
            _ => {
                eprintln!("usage: fuzz [--seconds N] [--seed N]");
                exit(2);
            }
        }
    }
    (seconds, seed)
}

/// The most memory that the process has had so far, where the system says so.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}
