//! D3: many runs beside each other, of which each waits for the same disk.

use std::sync::Arc;
use std::time::Duration;

use nexus_core::journal::{MemoryStore, RecordKind, RunQuery, RunState, Store};
use nexus_core::testing::TestEngine;
use nexus_core::{ExecutorInitializerConfig, Inputs, Outcome, Status, ThreadPoolExecutor};

use crate::support::{Asking, Events, within};

#[test]
fn two_hundred_runs_on_two_threads_and_a_slow_disk_all_end_with_their_records_in_order() {
    const RUNS: usize = 200;
    let mut events = Events::new();
    events.add("a", |_| Outcome::success(1_u32));
    events
        .add("p", |_| Outcome::success(2_u32))
        .executor::<ThreadPoolExecutor>()
        .executor_config(ExecutorInitializerConfig::new().max_workers(2));
    events.add("pure", |_| Outcome::success(3_u32)).checkpoint(false);
    let plan = events.plan("a -> p || p || pure -> pure -> p -> a");
    let store = Arc::new(MemoryStore::new());
    let slow = Asking::new(&store, |_| {
        std::thread::sleep(Duration::from_micros(500));
        Ok(())
    });
    let engine = TestEngine::new().store(slow).build().unwrap();
    within(move || {
        let begin = |run| {
            let prepared = engine.prepare_plan(&plan, Inputs::new()).unwrap();
            prepared.key(format!("run {run}")).start().unwrap()
        };
        let handles: Vec<_> = (0..RUNS).map(begin).collect();
        for handle in handles {
            assert!(handle.wait().unwrap().is_success());
        }
    });
    let runs = store.runs(&RunQuery::all()).unwrap();
    assert_eq!(runs.len(), RUNS);
    for run in runs {
        assert_eq!(run.state, RunState::Ended(Status::Succeeded));
        let records = store.records(&run.start.key, 0, usize::MAX).unwrap();
        let numbers: Vec<u64> = records.iter().map(|record| record.seq).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7], "{}", run.start.key);
        let computed = records.iter().filter(|record| record.kind == RecordKind::Computed);
        assert_eq!(computed.count(), 2, "{}", run.start.key);
        // The first and the last step have the others between them.
        let step = |place: usize| records[place].step;
        assert_eq!((step(0), step(4), step(5), step(6)), (Some(0), Some(4), Some(5), Some(6)));
    }
    assert_eq!(events.calls.total() as usize, 7 * RUNS);
}
