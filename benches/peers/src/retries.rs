//! Something that succeeds at the third attempt, tried again without waiting: a whole run of nexus,
//! and the retry alone of a crate that does nothing else.

use std::hint::black_box;
use std::time::Duration;

use backon::{BlockingRetryable, ExponentialBuilder};
use nexus_bench::measure::{Comparison, Side, nanos_each};
use nexus_bench::runs::{RUNS, loop_by_hand, nexus_two_retries};

fn backon<'a>() -> Side<'a> {
    let policy = ExponentialBuilder::default().with_min_delay(Duration::ZERO).with_max_times(2);
    let retried = move |_| {
        let mut attempt = 0;
        let third_time = || {
            attempt += 1;
            if black_box(attempt) < 3 { Err(std::fmt::Error) } else { Ok(3_u64) }
        };
        black_box(third_time.retry(policy).call()).ok()
    };
    Box::new(move || nanos_each(RUNS, || (0..RUNS).filter_map(retried).sum::<u64>()))
}

pub(crate) fn compare() -> Comparison {
    let peers = vec![("loop", loop_by_hand()), ("backon", backon())];
    Comparison::of("peers_two_retries", "ns/run", nexus_two_retries(), peers)
}
